"""The budget: spaced slots from one row, whoever asks (Dialpad docs, "Rate limits"; I13)."""

import itertools
import time

import pytest
from django.db import connection

from rokuon.org import budget
from rokuon.org.models import Company
from tests.ledger.factory import World


@pytest.fixture
def company(db: None) -> Company:
    return World().company


def test_slots_are_spaced_three_percent_wider_than_the_rate(company: Company) -> None:
    slots = budget.reserve(company.pk, 10, "bulk")
    gaps = [after - before for before, after in itertools.pairwise(slots)]
    assert all(gap == pytest.approx(1.03 / 15, abs=1e-3) for gap in gaps)
    assert slots[0] < 0.02


def test_the_next_reservation_continues_after_the_last_slot(company: Company) -> None:
    first, second = budget.reserve(company.pk, 10, "bulk"), budget.reserve(company.pk, 1, "bulk")
    assert second[0] - first[-1] == pytest.approx(1.03 / 15, abs=0.05)


def test_whoever_asks_no_two_slots_lie_closer_than_the_spacing(company: Company) -> None:
    """A slot between two others would be one request too many in its second."""
    slots: list[float] = []
    began = time.monotonic()
    for lane, count in itertools.islice(itertools.cycle((("bulk", 3), ("live", 1), ("sweep", 1), ("live", 1))), 40):
        reserved = budget.reserve(company.pk, count, lane)  # type: ignore[arg-type]
        slots += [time.monotonic() - began + slot for slot in reserved]
    assert slots == sorted(slots)
    assert all(after - before > 1.03 / 15 - 0.02 for before, after in itertools.pairwise(slots))


def test_live_work_stands_in_the_queue_with_one_slot_at_a_time(company: Company) -> None:
    budget.reserve(company.pk, 4, "bulk")
    (live,) = budget.reserve(company.pk, 3, "live")
    (after,) = budget.reserve(company.pk, 1, "bulk")
    assert live == pytest.approx(4 * 1.03 / 15, abs=0.05)
    assert after - live == pytest.approx(1.03 / 15, abs=0.05)


def test_a_sweep_takes_a_seventh_of_the_queue_and_waits_for_its_turn(company: Company) -> None:
    spacing = 1.03 / 15
    (first,) = budget.reserve(company.pk, 3, "sweep")
    assert first < 0.02
    assert budget.reserve(company.pk, 1, "sweep") == []
    assert budget.sweep_waits(company.pk) == pytest.approx(5.5 * spacing, abs=0.05)
    budget.reserve(company.pk, 6, "bulk")
    assert budget.sweep_waits(company.pk) == 0
    (second,) = budget.reserve(company.pk, 1, "sweep")
    assert second - first == pytest.approx(7 * spacing, abs=0.05)


def test_a_429_moves_every_lane_and_a_shorter_one_does_not_shorten_it(company: Company) -> None:
    budget.slow_down(company.pk, 30)
    budget.slow_down(company.pk, 1)
    assert budget.reserve(company.pk, 1, "bulk")[0] == pytest.approx(30, abs=0.5)
    assert budget.reserve(company.pk, 1, "live")[0] == pytest.approx(30, abs=0.5)


def test_an_idle_budget_does_not_save_slots_for_a_burst(company: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE org_budget SET next_at = now() - interval '1 hour'")
    slots = budget.reserve(company.pk, 3, "bulk")
    assert slots[2] - slots[0] == pytest.approx(2 * 1.03 / 15, abs=1e-3)


def test_a_company_without_a_budget_row_is_an_error_not_a_free_pass(db: None) -> None:
    with pytest.raises(LookupError):
        budget.reserve(4711, 1, "bulk")
    with pytest.raises(LookupError):
        budget.sweep_waits(4711)
