"""`rokuon recordings`: the search of the console, on the command line."""

import csv
import io
import json
import stat

import pytest

from rokuon.accounts.models import AuditEntry
from rokuon.base.secrets import Vault
from rokuon.domain.other_party import ListedParty, PartyDetail, keeper
from rokuon.ledger.models import Copy, OtherParty
from rokuon.org.models import Company
from rokuon.wiring import other_party
from tests.ledger.factory import World

from .conftest import Rokuon


@pytest.fixture
def world(desk: Rokuon) -> World:
    """Three verified recordings of Sales and one that failed of Support, of 2026-09-21 in Tokyo."""
    world = World()
    for number, agent in ((1, "山田 太郎"), (2, "José Núñez"), (3, "=cmd|' /C calc'!A0")):
        world.verify(*world.place(world.planned(number, agent=agent)))
    world.place(world.planned(4, world.other, agent="Ann"))
    Copy.objects.filter(recording__recording_id="r4").update(state="failed", reason="recording_forbidden", due_at=None)
    return world


def found(rokuon: Rokuon, *line: str) -> list[dict[str, object]]:
    answer = rokuon("recordings", *line, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["found"]  # type: ignore[no-any-return]


def ids(readings: list[dict[str, object]]) -> list[list[str]]:
    return [[one["recording_id"] for one in reading["recordings"]] for reading in readings]  # type: ignore[index, attr-defined]


def test_without_a_text_all_are_listed_with_their_totals(desk: Rokuon, world: World) -> None:
    answer = desk("recordings")
    assert answer.code == 0
    assert "4 recordings; backed up: 3 s, 30 B." in answer.out
    assert "山田 太郎" in answer.out
    (listed,) = found(desk, "--state", "verified", "--order", "oldest")
    assert ids([listed]) == [["r1", "r2", "r3"]]
    assert (listed["total"], listed["understood_as"]) == (3, None)


@pytest.mark.parametrize(
    ("text", "understood", "expected"),
    [
        ("c2", ["call", "recording", "agent"], [["r2"], [], []]),
        ("r3", ["call", "recording", "agent"], [[], ["r3"], []]),
        ("太郎 山田", ["agent"], [["r1"]]),
        ("nunez jose", ["agent"], [["r2"]]),
        ("2026年9月21日", ["days"], [["r4", "r3", "r2", "r1"]]),
        ("2026-09-20", ["days"], [[]]),
    ],
)
def test_a_text_is_understood_and_says_as_what(
    desk: Rokuon, world: World, text: str, understood: list[str], expected: list[list[str]]
) -> None:
    readings = found(desk, text)
    assert [one["understood_as"] for one in readings] == understood
    assert ids(readings) == expected
    assert "Understood as" in desk("recordings", text).out


def test_a_phone_number_finds_its_calls_masked(desk: Rokuon, world: World) -> None:
    company = Company.objects.get(pk=world.company.pk)
    copy = Copy.objects.get(recording__recording_id="r1")
    key = other_party.number_key(company, Vault.load(desk.data / "master.key"))
    kept = keeper(PartyDetail.MASKED, key)(ListedParty("inbound", "+819012345678"))
    assert kept is not None
    OtherParty.objects.create(recording=copy.recording, company=company, detail="masked", number_hash=kept.number_hash, ending="5678")
    (reading,) = found(desk, "090-1234-5678")
    assert ids([reading]) == [["r1"]]
    assert [(one["number"], one["number_ending"]) for one in reading["recordings"]] == [(None, "5678")]  # type: ignore[attr-defined]
    assert "…5678" in desk("recordings", "+81 90 1234 5678").out
    assert ids(found(desk, "090-1234-5679")) == [[]]


def test_numbers_that_are_not_kept_are_not_sought_and_it_says_so(desk: Rokuon, world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(other_party="off")
    assert "keeps no phone numbers" in desk("recordings", "090-1234-5678").out


def test_the_table_for_a_spreadsheet_is_complete_private_defused_and_audited(desk: Rokuon, world: World) -> None:
    answer = desk("recordings", "--state", "verified", "--csv", "found.csv")
    assert "3 rows" in answer.out
    file = desk.outer / "found.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(file.read_text().removeprefix("\ufeff"))))
    assert {row["SHA-256"] for row in rows} == {"a" * 64}
    assert any(row["Agent"].startswith("'=cmd") for row in rows)
    entry = AuditEntry.objects.get(action="recording.export")
    assert (entry.actor, entry.after) == ("command line", {"rows": 3})
    assert len(desk("recordings", "--csv", "-").out.splitlines()) == 5


def test_a_text_with_several_meanings_is_exported_only_as_one(desk: Rokuon, world: World) -> None:
    Copy.objects.filter(recording__recording_id="r2").update(agent="r3")
    answer = desk("recordings", "r3", "--csv", "-")
    assert answer.code == 2
    assert "--as recording, --as agent" in answer.err
    assert desk("recordings", "r3", "--as", "agent", "--csv", "-").code == 0
    assert not AuditEntry.objects.filter(action="recording.export").exclude(after={"rows": 1}).exists()


def test_scope_and_days_narrow_the_list(desk: Rokuon, world: World) -> None:
    assert ids(found(desk, "--target", "Support")) == [["r4"]]
    assert ids(found(desk, "--since", "2026-09-22")) == [[]]
    assert ids(found(desk, "--since", "2026年9月", "--until", "2026-09-21", "--target", "Support")) == [["r4"]]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("Ann", "--state", "failed"), "cannot be combined with TEXT"),
        (("--as", "agent"), "--as needs TEXT"),
        (("--csv", "-", "--json"), "cannot be combined"),
        (("--since", "someday"), "is no date"),
        (("--since", "2026-09-22", "--until", "2026-09-21"), "before the first"),
        (("--target", "Nowhere"), "Nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(desk: Rokuon, world: World, line: tuple[str, ...], says: str) -> None:
    answer = desk("recordings", *line)
    assert answer.code == 2
    assert says in answer.err
