"""`rokuon failures` and its kin name whatever is neither verified nor explained: what waits, and calls with nothing to fetch (issue 9)."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.domain.failures import HoldOn
from rokuon.domain.work import PlannedCall
from rokuon.ledger import holds, place
from rokuon.ledger.models import CallClosing, Copy
from rokuon.org.models import Company
from tests.ledger.factory import START_MS, World

from .conftest import Rokuon


@pytest.fixture
def waits(desk: Rokuon) -> World:
    """1 and 2 of Sales were truncated and are tried again in two days; 3 of Support is queued. Nothing failed."""
    world = World()
    world.place(world.planned(1), world.planned(2), world.planned(3, world.other))
    later = timezone.now() + timedelta(days=2)
    Copy.objects.exclude(target=world.other).update(reason="recording_truncated", detail="1 of 9 bytes", tries=3, due_at=later)
    return world


@pytest.fixture
def calls(desk: Rokuon) -> World:
    """c8 and c9 of Sales and c9 of Support were recorded, and nothing is listed for them."""
    world = World()
    planned = [
        PlannedCall(target.pk, f"c{number}", START_MS + number, True, 0)
        for number, target in ((8, world.center), (9, world.center), (9, world.other))
    ]
    place.place(world.company.pk, planned, [], timezone.now())
    return world


def test_what_waits_for_a_reason_is_not_nothing_and_says_when_it_is_tried_next(desk: Rokuon, waits: World) -> None:
    said = desk("failures", "--reason", "recording_truncated").out
    assert "Nothing failed" not in said
    assert "2 recordings of 1 target" in said
    assert "Next try at " in said
    assert "rokuon retry --reason recording_truncated" in said
    (cause,) = desk("failures", "--reason", "recording_truncated", "--json").json["waiting"]
    assert (cause["recordings"], cause["targets"][0]["name"], cause["held"]) == (2, "Sales", 0)
    assert cause["next_try"]
    assert "No recordings are left for this cause." in desk("failures", "--reason", "recording_forbidden").out


def test_each_that_waits_is_listed_with_its_id_and_next_try(desk: Rokuon, waits: World) -> None:
    listed = desk("failures", "--list", "--json").json
    assert [(one["state"], one["reason"], one["target"]) for one in listed] == [
        ("pending", "recording_truncated", "Sales"),
        ("pending", "recording_truncated", "Sales"),
        ("pending", "queued", "Support"),
    ]
    assert all(one["next_try"] for one in listed)
    assert [one["id"] for one in desk("failures", "--list", "--state", "failed", "--json").json] == []
    assert [one["target"] for one in desk("failures", "--list", "--reason", "queued", "--json").json] == ["Support"]
    table = desk("failures", "--list").out
    assert "Pending" in table
    assert "at once, by the" in table
    assert desk("failures", "--state", "failed").code == 2


def test_what_is_held_names_the_hold(desk: Rokuon, waits: World) -> None:
    holds.open_hold(waits.company.pk, HoldOn.BUCKET, str(waits.bucket.pk), "bucket_full", "", timezone.now())
    listed = desk("failures", "--list", "--json").json
    assert {(one["held_by"], one["next_try"]) for one in listed} == {("bucket_full", None)}
    assert "on hold: bucket_full" in desk("failures", "--list").out.replace("\n", " ")
    assert "On hold, see `rokuon status`: 2 recordings" in desk("failures").out


def test_what_waits_is_tried_now_by_its_id_and_exported(desk: Rokuon, waits: World) -> None:
    first, second, queued = desk("failures", "--list", "--json").json
    assert desk("retry", str(first["id"]), str(queued["id"]), "--json").json["ids"] == [first["id"]]
    rows = list(csv.DictReader(io.StringIO(desk("failures", "--export", "-", "--state", "pending").out, newline="")))
    assert len(rows) == 3
    assert {row["Reason code"] for row in rows} == {"", "recording_truncated"}
    assert desk("failures", "--list", "--reason", "recording_truncated", "--json").json[0]["id"] == second["id"]


def test_a_call_with_nothing_to_fetch_is_named_with_what_is_known(desk: Rokuon, calls: World) -> None:
    said = desk("failures").out
    assert "Recorded, but nothing to fetch: 3 calls" in said
    assert "no recording at all was listed with the API key" in said
    assert "Nothing failed" not in said
    calls.place(calls.planned(1))
    assert "while other recordings are listed with the API key" in desk("failures").out
    Company.objects.update(key_entered_at=timezone.now() + timedelta(hours=1))
    assert "no recording at all was listed with the API key" in desk("failures").out, "those were listed with another key"
    listed = desk("failures", "--list", "--reason", "recording_details_missing", "--json").json
    assert [(one["call_id"], one["target"], one["office"], one["state"]) for one in listed] == [
        ("c9", "Support", "Tokyo", "nothing_to_fetch"),
        ("c9", "Sales", "Tokyo", "nothing_to_fetch"),
        ("c8", "Sales", "Tokyo", "nothing_to_fetch"),
    ]
    assert desk("failures", "--export", "-", "--state", "nothing_to_fetch").out.count("recording_details_missing") == 3
    assert "`rokuon failures --reason recording_details_missing --list` names them" in desk("status").out


def test_a_call_is_closed_with_a_note_and_reopened_both_audited(desk: Rokuon, calls: World) -> None:
    assert desk("close", "--call", "c7", "--note", "why").code == 2
    assert desk("close", "--call", "c8", "--note", "  ").code == 2
    assert desk("close", "--call", "c8", "--target", "Support", "--note", "why").code == 2
    assert not CallClosing.objects.exists()
    assert desk("close", "--call", "c8", "--note", "a test call").out == "1 call was closed.\n"
    assert desk("close", "--call", "c9", "--note", "also").out == "2 calls were closed.\n", "in each target that lists it"
    entry = AuditEntry.objects.filter(action="call.close").order_by("pk").first()
    assert entry is not None
    assert (entry.actor, entry.after) == ("command line", {"calls": 1, "note": "a test call", "call_ids": ["c8"]})
    parts = desk("failures", "--json").json["nothing_to_fetch"]
    assert (parts["calls"], parts["closed"]) == (0, 3)
    assert desk("reopen", "--call", "c8").out == "1 call is open again.\n"
    again = desk("reopen", "--call", "c8")
    assert (again.code, "Nothing was changed" in again.err) == (2, True)
    assert AuditEntry.objects.filter(action="call.reopen").count() == 1
    assert desk("failures", "--json").json["nothing_to_fetch"]["calls"] == 1


def test_every_open_call_is_closed_by_its_reason(desk: Rokuon, calls: World) -> None:
    assert desk("close", "--reason", "recording_details_missing", "--target", "Sales", "--note", "x", "--json").json == {"closed": 2}
    assert desk("close", "--reason", "recording_details_missing", "--note", "x", "--json").json == {"closed": 1}
