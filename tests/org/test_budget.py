"""The budget: spaced slots from one row, whoever asks (Dialpad docs, "Rate limits"; I13)."""

import itertools

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


def test_live_work_passes_the_queue_and_pushes_it_back(company: Company) -> None:
    queued = budget.reserve(company.pk, 10, "bulk")
    (live,) = budget.reserve(company.pk, 1, "live")
    (after,) = budget.reserve(company.pk, 1, "bulk")
    assert live < 0.02
    assert after - queued[-1] == pytest.approx(2 * 1.03 / 15, abs=0.05)


def test_live_work_gets_one_slot_in_five_ahead_of_the_queue(company: Company) -> None:
    budget.reserve(company.pk, 10, "bulk")
    lives = [budget.reserve(company.pk, 1, "live")[0] for _ in range(3)]
    assert lives[0] == pytest.approx(0, abs=0.05)
    assert lives[2] - lives[1] == pytest.approx(5 * 1.03 / 15, abs=0.05)


def test_a_sweep_stands_in_the_queue_and_takes_a_seventh_of_it(company: Company) -> None:
    budget.reserve(company.pk, 10, "bulk")
    sweeps = [budget.reserve(company.pk, 1, "sweep")[0] for _ in range(3)]
    assert sweeps[0] == pytest.approx(10 * 1.03 / 15, abs=0.05)
    assert sweeps[2] - sweeps[1] == pytest.approx(7 * 1.03 / 15, abs=0.05)


def test_a_429_moves_every_lane_and_a_shorter_one_does_not_shorten_it(company: Company) -> None:
    budget.slow_down(company.pk, 30)
    budget.slow_down(company.pk, 1)
    assert budget.reserve(company.pk, 1, "bulk")[0] == pytest.approx(30, abs=0.5)
    assert budget.reserve(company.pk, 1, "live")[0] == pytest.approx(30, abs=0.5)


def test_an_idle_budget_does_not_save_slots_for_a_burst(company: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE org_budget SET next_at = now() - interval '1 hour', next_live_at = now() - interval '1 hour'")
    slots = budget.reserve(company.pk, 3, "bulk")
    assert slots[2] - slots[0] == pytest.approx(2 * 1.03 / 15, abs=1e-3)


def test_a_company_without_a_budget_row_is_an_error_not_a_free_pass(db: None) -> None:
    with pytest.raises(LookupError):
        budget.reserve(4711, 1, "bulk")
