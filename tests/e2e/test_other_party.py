"""From a listed call to a number that can be found: nothing of it in a log, a mail, a job or a bucket."""

import io
import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from rokuon.base import logs
from rokuon.ledger.models import OtherParty
from rokuon.notify.models import Mail
from rokuon.org.models import Company
from rokuon.simulator.model import Call
from rokuon.simulator.wire import external
from rokuon.wiring import other_party
from tests.e2e.conftest import MakeRig


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root, out = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    logs.set_up(level="debug", stream=out)
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


def test_back_up_now_keeps_the_numbers_masked_and_writes_them_nowhere_else(rig_of: MakeRig, lines: io.StringIO) -> None:
    rig = rig_of()
    rig.back_up_now()
    kept = list(OtherParty.objects.all())
    assert len(kept) > 20
    assert {one.detail for one in kept} == {"masked"}
    assert {one.direction for one in kept} == {"inbound", "outbound"}
    assert all(one.number == "" and len(one.ending) == 4 and len(one.name) in (0, 2) for one in kept)
    numbers = {_number_of(call) for call in rig.sim.world.books[rig.sim.company.id].by_id.values()}
    assert len(numbers) > 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(args::text, ' ') FROM procrastinate_jobs")
        jobs = str(cursor.fetchone())
    letters = " ".join(str(mail.letter) for mail in Mail.objects.all())
    stored = " ".join(rig.objects())
    for text in (lines.getvalue(), jobs, letters, stored):
        assert not {number for number in numbers if number.removeprefix("+") in text}


def test_a_listed_number_is_found_however_it_is_typed_and_no_other(rig_of: MakeRig) -> None:
    rig = rig_of()
    rig.back_up_now()
    company = Company.objects.get(pk=rig.company.pk)
    number = next(_number_of(call) for call in rig.sim.world.books[rig.sim.company.id].by_id.values() if call.recordings)
    (found,) = other_party.hashes(company, rig.installation.vault, number)
    assert OtherParty.objects.filter(number_hash=found).exists()
    national = f"0{number.removeprefix('+81')}" if number.startswith("+81") else number.removeprefix("+1")
    assert other_party.hashes(company, rig.installation.vault, national) == [found]
    assert other_party.hashes(company, rig.installation.vault, f"{number[:-1]}{(int(number[-1]) + 1) % 10}") == []


def test_a_company_that_keeps_nothing_keeps_nothing(rig_of: MakeRig) -> None:
    rig = rig_of()
    Company.objects.filter(pk=rig.company.pk).update(other_party="off")
    rig.back_up_now()
    assert not OtherParty.objects.exists()
    assert Company.objects.get(pk=rig.company.pk).number_key == ""
    rig.check()


def test_after_a_looser_choice_listing_everything_again_keeps_more(rig_of: MakeRig) -> None:
    rig = rig_of()
    rig.back_up_now()
    Company.objects.filter(pk=rig.company.pk).update(other_party="full")
    rig.start(relist=True)
    rig.drain()
    assert set(OtherParty.objects.values_list("detail", flat=True)) == {"full"}
    assert all(number.startswith("+") for number in OtherParty.objects.values_list("number", flat=True))
    rig.check()


def _number_of(call: Call) -> str:
    return external(call)[0]
