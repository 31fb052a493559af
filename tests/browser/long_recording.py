"""A program: a verified recording of some minutes in the company's folder (JSON in: the company's number), or how often it was heard.

JSON in: {"company": 0} makes one and says where it is; {"copy": 7} says how many plays the audit log has of it.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rokuon.runtime.django_start import start_django

start_django()

from rokuon.accounts.models import AuditEntry  # noqa: E402
from rokuon.ledger.models import Copy, Recording  # noqa: E402
from rokuon.org.models import Company  # noqa: E402
from rokuon.stores.checksums import crc32c  # noqa: E402

LONG = 4 * 1024 * 1024


def make(company: Company) -> dict[str, Any]:
    """The audio of a short recording over and over: frames follow frames, so that is one long MP3."""
    short = Copy.objects.filter(company=company, state="verified").select_related("recording", "bucket").order_by("-size")[0]
    root = Path(unquote(urlsplit(short.bucket.url).path))
    audio = (root / short.key).read_bytes()
    times = LONG // len(audio) + 1
    data, key = audio * times, short.key.removesuffix(".mp3") + " long.mp3"
    (root / key).write_bytes(data)
    recording = Recording.objects.create(
        company=company,
        kind="callrecording",
        recording_id=short.recording.recording_id + "0",
        call_id=short.recording.call_id,
        call_started_at=short.call_started_at,
        duration_ms=(short.audio_ms or 0) * times,
        url="",
    )
    copy = Copy.objects.create(
        company=company,
        recording=recording,
        target=short.target,
        bucket=short.bucket,
        call_started_at=short.call_started_at,
        key=key,
        agent=short.agent,
        state="verified",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        crc32c=crc32c(data),
        version="1",
        proof="length",
        audio_ms=recording.duration_ms,
    )
    return {"copy": copy.pk, "path": f"/c/{company.public_id}/recordings/{copy.pk}/", "file": str(root / key), "size": len(data)}


def answer(asked: dict[str, int]) -> Any:
    if "copy" in asked:
        return AuditEntry.objects.filter(action="recording.play", subject_id=str(asked["copy"])).count()
    return make(Company.objects.order_by("pk")[asked["company"]])


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))
