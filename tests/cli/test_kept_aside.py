"""`rokuon accept` and `rokuon discard`, and where the command line tells of files that were kept aside."""

import csv
import io

import pytest
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.ledger.models import Aside, Closing, Copy
from tests.ledger.factory import World

from .conftest import Rokuon


@pytest.fixture
def world(desk: Rokuon) -> World:
    """1 and 2 failed and 3 is gone, each with something kept aside; 4 failed with nothing; 5 is verified, 6 waits with something."""
    world = World()
    works = world.place(*(world.planned(number) for number in range(1, 7)))
    world.verify(*(work for work in works if work.recording_id == "r5"))
    for state, reason, ids in (("failed", "recording_not_audio", ("r1", "r2", "r4")), ("gone", "recording_gone", ("r3",))):
        Copy.objects.filter(recording__recording_id__in=ids).update(state=state, reason=reason, due_at=None)
    for number in (1, 2, 3, 6):
        key = f"call-recordings/.rokuon-aside/Sales/2026-09-21/Ann - c{number} - r{number} - 0123456789ab.wav"
        Aside.objects.create(
            copy=copy(number), key=key, size=256, sha256="a" * 64, crc32c=7, content_type="audio/wav", looks="WAV",
            reason="recording_not_audio", at=timezone.now(),
        )  # fmt: skip
    return world


def copy(number: int) -> Copy:
    return Copy.objects.get(recording__recording_id=f"r{number}")


def named(*numbers: int) -> list[str]:
    return [str(copy(number).pk) for number in numbers]


def test_what_is_kept_aside_is_counted_by_cause_listed_and_exported(desk: Rokuon, world: World) -> None:
    parts = desk("failures", "--json").json
    assert [(one["reason"], one["recordings"], one["kept_aside"]) for one in parts["failed"] + parts["gone"]] == [
        ("recording_not_audio", 3, 2),
        ("recording_gone", 1, 1),
    ]
    said = desk("failures").out
    assert "Kept aside, to be accepted or discarded: 2 recordings" in said
    kept = {one["call_id"]: one["kept_aside"] for one in desk("failures", "--list", "--json").json}
    key = "call-recordings/.rokuon-aside/Sales/2026-09-21/Ann - c1 - r1 - 0123456789ab.wav"
    assert kept["c1"] == {"looks": "WAV", "size": 256, "key": key, "sha256": "a" * 64}
    assert (kept["c3"]["looks"], kept["c4"]) == ("WAV", None)
    rows = csv.DictReader(io.StringIO(desk("failures", "--export", "-", "--state", "failed").out, newline=""))
    assert sorted((row["Call id"], row["Kept aside"]) for row in rows) == [("c1", "WAV"), ("c2", "WAV"), ("c4", "")]


def test_accepted_files_become_work_once_with_one_line_in_the_audit_log(desk: Rokuon, world: World) -> None:
    done = desk("accept", *named(1, 3, 1))
    assert (done.code, done.err) == (0, "")
    assert "2 files were accepted." in done.out
    assert "No worker is running." in done.out
    assert {copy(number).state for number in (1, 3)} == {"pending"}
    accepted = copy(1).accepted
    assert accepted
    assert (accepted.accepted_by, accepted.looks) == ("command line", "WAV")
    (entry,) = AuditEntry.objects.filter(action="failure.accept")
    assert (entry.actor, entry.after) == ("command line", {"copies": 2, "recordings": ["r1", "r3"]})
    assert desk("accept", *named(2), "--json").json == {"accepted": 1}


def test_discarded_files_close_their_recordings_with_the_reason(desk: Rokuon, world: World) -> None:
    done = desk("discard", *named(1, 3), "--note", "test calls")
    assert (done.code, done.out) == (0, "2 recordings were closed.\n")
    assert {closing.note for closing in Closing.objects.all()} == {"test calls"}
    assert copy(1).state == "failed"
    assert Aside.objects.count() == 4, "nothing is deleted"
    assert AuditEntry.objects.get(action="failure.discard").after["note"] == "test calls"
    assert desk("discard", *named(2), "--note", "x", "--json").json == {"discarded": 1}


@pytest.mark.parametrize("command", [("accept",), ("discard", "--note", "why")])
def test_what_cannot_be_accepted_or_discarded_is_named_and_then_nothing_is_changed(desk: Rokuon, world: World, command: list[str]) -> None:
    for number, words in ((4, "nothing is kept aside"), (5, "Verified"), (6, "Pending")):
        (wrong,) = named(number)
        refused = desk(command[0], *named(1), wrong, *command[1:])
        assert (refused.code, refused.out) == (2, "")
        said = " ".join(refused.err.split())
        assert f"{wrong} ({words})" in said
        assert "Nothing was changed." in said
    refused = desk(command[0], *named(1), "999999", *command[1:])
    assert (refused.code, "no recording with the id 999999" in " ".join(refused.err.split())) == (2, True)
    assert copy(1).state == "failed"
    assert not Closing.objects.exists()
    assert not AuditEntry.objects.filter(action__in=["failure.accept", "failure.discard"]).exists()


@pytest.mark.parametrize(
    "given", [("accept",), ("discard", "--note", "why"), ("discard", "1"), ("discard", "1", "--note", " "), ("accept", "x")]
)
def test_a_command_that_lacks_its_ids_or_its_reason_is_wrong_usage(desk: Rokuon, world: World, given: list[str]) -> None:
    assert desk(*given).code == 2
    assert not Closing.objects.exists()
