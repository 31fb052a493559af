"""Copies by the number, for tests of the pages about recordings; and an installation whose buckets are real folders."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rokuon.config import Config
from rokuon.console.web.installation import installation
from rokuon.ledger.models import Copy, Recording
from rokuon.org.models import Bucket, Target
from rokuon.runtime import installation as installations
from rokuon.stores.checksums import crc32c

STARTED = datetime(2026, 4, 1, 15, 30, tzinfo=UTC)
HOSTILE = [
    "山田 太郎",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "evil\u202egpj.exe",
    "سارة أحمد",
    "👩‍💻 Agent",
    "{{ 7|add:7 }}{% debug %}",
    "=HYPERLINK(1)",
    "A" * 111,
    "あ" * 111,
]


def add_copy(target: Target, bucket: Bucket, number: int, *, started: datetime = STARTED, data: bytes = b"x", **changes: Any) -> Copy:
    """A verified copy, or in another `state`. `data` is what its proof speaks of."""
    recording = Recording.objects.create(
        company_id=target.company_id,
        kind=changes.pop("kind", "callrecording"),
        recording_id=f"{6755000 + number}",
        call_id=f"{5012000 + number}",
        call_started_at=started,
        duration_ms=61_000,
        url="https://dialpad.example/r",
    )
    proof = {
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "crc32c": crc32c(data),
        "version": "1775000000000001",
        "proof": "length",
        "audio_ms": 60_500,
    }
    agent = changes.get("agent", "Ann")
    fields = {"agent": agent, "key": f"call-recordings/{target.name}/2026-04-02/{number} - {5012000 + number} - {6755000 + number}.mp3"}
    fields |= changes if changes.get("state", "verified") != "verified" else {**proof, "state": "verified", **changes}
    if fields["state"] == "pending":
        fields.setdefault("due_at", started)
    return Copy.objects.create(
        company_id=target.company_id, recording=recording, target=target, bucket=bucket, call_started_at=started, **fields
    )


def install(folder: Path, dsn: str, patch: pytest.MonkeyPatch, **environment: str) -> None:
    """The web process's installation, in a folder of its own."""
    settings = {"ROKUON_DATA_DIR": str(folder / "data"), "ROKUON_DATABASE_URL": dsn, **environment}
    for name, value in settings.items():
        patch.setenv(name, value)
    installations.init(Config.load())
    installation.cache_clear()


def put_file(bucket: Bucket, root: Path, key: str, data: bytes) -> None:
    """Make the bucket a folder below `root`, and put the object there as the store would have."""
    root.mkdir(parents=True, exist_ok=True)
    Bucket.objects.filter(pk=bucket.pk).update(url=root.as_uri())
    (root / key).parent.mkdir(parents=True, exist_ok=True)
    (root / key).write_bytes(data)
