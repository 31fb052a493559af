"""Format 1 is frozen: the same ledger gives the same bytes as the files in `tests/custody/golden`, a bucket as an auditor downloads it.

They are never written again. A change of the format needs a new number in `format`, a reader for both, and golden files of its own.
"""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from google_crc32c import value as crc32c

from rokuon.custody import sshsig
from rokuon.custody.models import SealChain, SigningKey
from rokuon.domain.copies import State
from rokuon.domain.placement import folder_key
from rokuon.domain.work import AsideObject, Outcome, PlannedCall
from rokuon.ledger import failures, place, record
from rokuon.ledger.models import CallClosing
from rokuon.org import services
from rokuon.org.models import Bucket, Company
from rokuon.wiring.custody_keys import FIELD
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN, plain
from tests.custody.sealing import DAY_MS, Custody, fail, put
from tests.ledger.factory import failed, verified

GOLDEN = Path(__file__).with_name("golden")
DAY = date(2026, 11, 20)
OLD, NEW = "11" * 32, "22" * 32
NEWEST = ["--trust", sshsig.fingerprint(sshsig.public_of(NEW)), "--now", "2026-11-22T18:00:00Z"]


def key(custody: Custody, private: str) -> None:
    """Make this the company's present key."""
    SigningKey.objects.update(retired_at=custody.now)
    sealed = custody.vault.seal(private, owner=f"company:{custody.company.pk}", field=FIELD)
    SigningKey.objects.create(company=custody.company, public=sshsig.public_of(private), private=sealed)


def without_recording(custody: Custody, number: int) -> int:
    """Enter a recorded call for which no recording is listed; return its row."""
    started = (DAY - date(1970, 1, 1)).days * DAY_MS + number
    place.place(custody.company.pk, [PlannedCall(custody.center.pk, f"c{number}", started, True, 0)], [], custody.now)
    return custody.calls().get(call_id=f"c{number}").pk


def history(custody: Custody) -> None:
    """Every kind of line, a late recording, an empty issue and a new key, in four issues."""
    Company.objects.filter(pk=custody.company.pk).update(claim=uuid.UUID("5f0e0000-0000-4000-8000-000000000001"))
    Bucket.objects.filter(pk=custody.bucket.pk).update(url="gs://acme-call-recordings")
    for target, folder in ((custody.center, "Sales"), (custody.other, "サポート")):
        target.folder, target.folder_key = folder, folder_key(folder)
        target.save()
    SealChain.objects.create(bucket=custody.bucket, name="7c2e41d09ab35f68", installation=custody.installation, started_at=custody.now)
    key(custody, OLD)
    custody.listed(DAY - timedelta(days=2), DAY - timedelta(days=1), DAY)
    custody.recording(1, DAY)
    fail(custody.recording(2, DAY, store=False), custody)
    gone = custody.recording(3, DAY, store=False)
    record.record([replace(failed(gone, "recording_gone"), state=State.GONE)], custody.now)
    failures.close([gone.copy_id], "Deleted by the caller's request.", "Bea", custody.now)
    custody.recording(4, DAY, store=False)
    kept_aside(custody)
    excluded(custody)
    elsewhere(custody)
    without_recording(custody, 8)
    CallClosing.objects.create(call_id=without_recording(custody, 9), note="A test call.", by="Bea", at=custody.now)
    custody.issue()
    custody.recording(10, DAY)
    custody.recording(11, DAY - timedelta(days=1), target=custody.other)
    custody.issue()
    key(custody, NEW)
    custody.issue()
    custody.recording(12, DAY - timedelta(days=60))
    custody.issue()


def kept_aside(custody: Custody) -> None:
    work = custody.recording(5, DAY, store=False)
    data = b"neither MP3 nor text"
    name = "call-recordings/.rokuon-aside/Sales/2026-11-20/Ann - c5 - r5 - 0123456789ab.bin"
    put(custody, name, data)
    kept = AsideObject(name, len(data), custody.sha256(data), crc32c(data), "application/octet-stream", "bin")
    record.record([Outcome(work.copy_id, work.attempt, State.FAILED, reason="recording_not_audio", spent=True, aside=kept)], custody.now)


def excluded(custody: Custody) -> None:
    planned = custody.planned_on(6, DAY)
    custody.place(replace(planned, kind="voicemail", excluded="kind_not_chosen"), now=custody.now)


def elsewhere(custody: Custody) -> None:
    other = services.register_bucket(custody.company, "gs://acme-before")
    (work,) = custody.place(replace(custody.planned_on(7, DAY), bucket_id=other.pk), now=custody.now)
    record.record([replace(verified(work), sha256=custody.sha256(b"audio r7"))], custody.now)


def test_the_writer_makes_the_bytes_of_format_1(custody: Custody, tmp_path: Path) -> None:
    history(custody)
    custody.download(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    frozen = {path.relative_to(GOLDEN).as_posix(): path.read_bytes() for path in sorted(GOLDEN.rglob("*")) if path.is_file()}
    assert list(made) == list(frozen)
    assert [name for name in made if made[name] != frozen[name]] == []


def test_the_verifier_proves_the_files_of_format_1() -> None:
    code, out, _ = plain(GOLDEN, *NEWEST)
    assert (code, "4 recordings verified, 3 explained, 4 open." in out) == (PROVEN, True)


def test_the_verifier_finds_one_changed_letter_in_them(tmp_path: Path) -> None:
    for path in GOLDEN.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(GOLDEN)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(GOLDEN)).write_bytes(path.read_bytes())
    seal = next(tmp_path.rglob("00000001/seal"))
    seal.write_bytes(seal.read_bytes().replace(b'"verified":1}', b'"verified":2}'))
    assert plain(tmp_path, *NEWEST)[0] == FINDINGS
    assert plain(GOLDEN, "--now", "2026-11-22T18:00:00Z")[0] == NOT_PROVEN
