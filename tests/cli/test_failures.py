"""The failure desk on the command line (M12): causes, export, retry, closing, all audited."""

import csv
import io
import stat

import pytest

from rokuon.accounts.models import AuditEntry
from rokuon.domain.recording import TargetKind
from rokuon.ledger.models import Closing, Copy, Retry
from rokuon.org.models import Office, Target
from tests.ledger.factory import World

from .conftest import Rokuon


@pytest.fixture
def world(desk: Rokuon) -> World:
    """Copies 1 and 2 of Sales and 3 of Support failed, 4 is gone, 5 waits, 6 is excluded; 7, in Osaka, failed like the first three."""
    world = World()
    osaka = Office.objects.create(company=world.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
    far = Target.objects.create(company=world.company, office=osaka, kind=TargetKind.CONTACT_CENTER, dialpad_id="21", name="Far")
    places = {3: world.other, 7: far}
    for number in range(1, 8):
        agent = "=cmd|' /C calc'!A0" if number == 1 else "Ann"
        world.place(world.planned(number, places.get(number, world.center), agent=agent))
    for state, reason, ids in (
        ("failed", "recording_forbidden", ("r1", "r2", "r3", "r7")),
        ("gone", "recording_gone", ("r4",)),
        ("pending", "recording_not_audio", ("r5",)),
        ("excluded", "kind_not_chosen", ("r6",)),
    ):
        Copy.objects.filter(recording__recording_id__in=ids).update(
            state=state, reason=reason, due_at="2099-01-01T00:00Z" if state == "pending" else None
        )
    return world


def copy(number: int) -> Copy:
    return Copy.objects.get(recording__recording_id=f"r{number}")


def test_causes_say_what_to_do_for_whom_and_since_when(desk: Rokuon, world: World) -> None:
    parts = desk("failures", "--json").json
    (cause,) = parts["failed"]
    assert (cause["reason"], cause["recordings"], cause["closed"]) == ("recording_forbidden", 4, 0)
    assert [(one["name"], one["office"], one["recordings"]) for one in cause["targets"]] == [
        ("Sales", "Tokyo", 2),
        ("Support", "Tokyo", 1),
        ("Far", "Osaka", 1),
    ]
    assert [(one["reason"], one["recordings"]) for one in parts["gone"] + parts["waiting"] + parts["excluded"]] == [
        ("recording_gone", 1),
        ("recording_not_audio", 1),
        ("kind_not_chosen", 1),
    ]
    said = desk("failures").out
    for words in (
        "4 recordings are not backed up. 1 cause.",
        "Check in Dialpad who may access it, then retry.",
        "Sales (2), Support (1), Far (1)",
        "Calls from 2026-09-2",
        "rokuon retry --reason recording_forbidden",
        "rokuon retry --reason recording_gone --gone",
        "Voicemail is not backed up in this company.",
    ):
        assert words in said


def exported(desk: Rokuon, *arguments: str, language: str = "C.UTF-8") -> list[dict[str, str]]:
    answer = desk("failures", "--export", "-", *arguments, LANG=language)
    assert answer.code == 0, answer.err
    return list(csv.DictReader(io.StringIO(answer.out.removeprefix("\ufeff"), newline="")))


def test_the_export_says_state_and_cause_in_words_with_what_to_do_and_the_path(desk: Rokuon, world: World) -> None:
    rows = {row["Recording id"]: row for row in exported(desk)}
    assert [rows[one]["State"] for one in ("r1", "r4", "r5")] == ["Failed", "Lost at Dialpad", "Pending"]
    assert [rows[one]["Reason code"] for one in ("r1", "r4", "r5")] == ["recording_forbidden", "recording_gone", "recording_not_audio"]
    first = rows["r1"]
    assert "_" not in first["Cause"], "a sentence and no code"
    assert first["What to do"].startswith(first["Cause"])
    assert first["Path"] == f"{copy(1).bucket.url}/{copy(1).key}"


def test_the_export_is_in_the_readers_language(desk: Rokuon, world: World) -> None:
    rows = exported(desk, "--state", "failed", language="ja_JP.UTF-8")
    assert {row["状態"] for row in rows} == {"失敗"}
    assert {row["対象"] for row in rows} == {"Sales", "Support", "Far"}
    assert all(not row["原因"].isascii() and not row["対処方法"].isascii() for row in rows)
    assert {row["理由コード"] for row in rows} == {"recording_forbidden"}, "the code stays, to quote it and to filter by it"


def test_only_an_office_or_a_target_where_one_is_named(desk: Rokuon, world: World) -> None:
    assert desk("failures", "--office", "Osaka", "--json").json["failed"][0]["recordings"] == 1
    assert [one["recording_id"] for one in desk("failures", "--list", "--target", "Support", "--json").json] == ["r3"]
    assert desk("retry", "--all", "--office", "Osaka", "--json").json["ids"] == [copy(7).pk]
    outside = desk("retry", str(copy(1).pk), "--office", "Osaka")
    assert (outside.code, copy(1).state) == (2, "failed")
    assert desk("failures", "--office", "Osaka", "--target", "Support").code == 2


def test_retries_are_audited_and_can_be_watched(desk: Rokuon, world: World) -> None:
    answer = desk("retry", "--reason", "recording_forbidden", "--json").json
    assert Retry.objects.get(pk=answer["retry"]).copies == answer["ids"]
    assert sorted(answer["ids"]) == sorted(copy(number).pk for number in (1, 2, 3, 7))
    entry = AuditEntry.objects.get(action="failure.retry")
    assert (entry.actor, entry.after) == ("command line", {"copies": 4, "state": "failed", "reason": "recording_forbidden"})
    assert desk("retry", "--reason", "recording_forbidden", "--json").json["retry"] is None


def test_all_takes_what_waits_and_leaves_what_is_gone_or_closed(desk: Rokuon, world: World) -> None:
    assert desk("close", str(copy(3).pk), "--note", "a trial call", "--json").json == {"closed": 1}
    assert sorted(desk("retry", "--all", "--json").json["ids"]) == sorted(copy(number).pk for number in (1, 2, 5, 7))
    assert desk("retry", str(copy(3).pk), str(copy(4).pk), "--json").json["due"] == 2, "what is named is tried, whatever it is"


def test_closing_is_audited_and_counts_as_explained(desk: Rokuon, world: World) -> None:
    assert desk("close", "--reason", "recording_forbidden", "--note", "  ").code == 2
    assert desk("close", "--note", "why").code == 2
    assert not Closing.objects.exists()
    done = desk("close", "--reason", "recording_forbidden", "--note", "the trial was refused", "--office", "Tokyo")
    assert done.out == "3 recordings were closed.\n"
    (cause,) = desk("failures", "--json").json["failed"]
    assert (cause["recordings"], cause["closed"]) == (4, 3)
    assert "Also closed: 3 recordings." in desk("failures").out
    assert "trial" in desk("failures", "--list").out
    entry = AuditEntry.objects.get(action="failure.close")
    assert (entry.actor, entry.after["copies"], entry.after["note"]) == ("command line", 3, "the trial was refused")
    desk("close", str(copy(7).pk), "--note", "so was this")
    parts = desk("failures", "--json").json
    assert (parts["failed"], [one["reason"] for one in parts["closed"]]) == ([], ["recording_forbidden"])


def test_what_is_closed_is_opened_again_by_a_person_and_no_earlier(desk: Rokuon, world: World) -> None:
    desk("close", "--reason", "recording_forbidden", "--note", "the trial was refused")
    assert desk("reopen").code == 2
    assert desk("reopen", "999").code == 2
    assert desk("reopen", str(copy(1).pk), "--office", "Osaka").code == 2
    assert desk("failures", "--json").json["failed"] == []
    assert desk("reopen", str(copy(1).pk), str(copy(4).pk), "--json").json == {"reopened": 1}
    assert desk("reopen", "--reason", "recording_forbidden").out == "3 recordings are open again.\n"
    (cause,) = desk("failures", "--json").json["failed"]
    assert (cause["recordings"], cause["closed"]) == (4, 0)
    entry = AuditEntry.objects.filter(action="failure.reopen").latest("at")
    assert (entry.actor, entry.after) == ("command line", {"copies": 3, "reason": "recording_forbidden", "recordings": ["r2", "r3", "r7"]})


def test_q36_the_export_runs_nothing_in_a_spreadsheet_and_is_for_its_owner_alone(desk: Rokuon, world: World) -> None:
    path = desk.outer / "failures.csv"
    assert "6 rows" in desk("failures", "--export", str(path)).out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert text.startswith("\ufeff")
    assert sorted(row["Recording id"] for row in rows) == ["r1", "r2", "r3", "r4", "r5", "r7"]
    assert {row["Next try"] for row in rows if row["State"] == "Pending"} == {"2099-01-01 09:00:00"}
    assert {row["Agent"] for row in rows} == {"'=cmd|' /C calc'!A0", "Ann"}
    assert AuditEntry.objects.get(action="failure.export").after == {"rows": 6}
    assert [row["Recording id"] for row in exported(desk, "--office", "Osaka")] == ["r7"]
    assert desk("failures", "--export", str(path), "--json").code == 2
