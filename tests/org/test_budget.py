"""The budget: spaced slots from one row, whoever asks (Dialpad docs, "Rate limits"; I13)."""

import itertools
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings as settings_by_person
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


# --- pauses, and a rate that finds itself -------------------------------------------------------------------------------------


def long_ago(company: Company, seconds: float) -> None:
    """As if all that the budget remembers had happened so many seconds earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE org_budget SET next_at = next_at - %(s)s, blocked_until = blocked_until - %(s)s, asked_until = asked_until - %(s)s,
                      throttled_at = throttled_at - %(s)s, lowered_at = lowered_at - %(s)s WHERE company_id = %(company)s""",
            {"s": timedelta(seconds=seconds), "company": company.pk},
        )


def throttled(company: Company, times: int, apart_s: float = 20) -> None:
    for _ in range(times):
        budget.slow_down(company.pk, 1)
        long_ago(company, apart_s)


def test_a_pause_is_kept_with_the_time_that_was_asked_for_until_it_is_over(company: Company) -> None:
    assert budget.budget_state(company.pk) == budget.BudgetState(15, 15)
    budget.slow_down(company.pk, 900, asked=86_400)
    now, found = datetime.now(UTC), budget.budget_state(company.pk)
    assert found.paused_until is not None
    assert found.asked_until is not None
    assert (found.paused_until - now).total_seconds() == pytest.approx(900, abs=5)
    assert (found.asked_until - now).total_seconds() == pytest.approx(86_400, abs=5)
    long_ago(company, 901)
    assert budget.budget_state(company.pk) == budget.BudgetState(15, 15), "what is over is not told any more"
    budget.slow_down(company.pk, 30, asked=30)
    again = budget.budget_state(company.pk)
    assert again.asked_until is not None
    assert again.paused_until is not None
    assert abs(again.asked_until - again.paused_until) < timedelta(seconds=1), "a new pause forgets what an old one asked for"


def test_a_person_ends_a_pause_and_requests_are_sent_at_once(company: Company) -> None:
    budget.slow_down(company.pk, 86_400, asked=86_400)
    assert budget.reserve(company.pk, 1, "bulk")[0] > 80_000
    assert settings_by_person.change(company, {"requests_per_second": Decimal(14)}, COMMAND_LINE, datetime.now(UTC))
    assert budget.budget_state(company.pk) == budget.BudgetState(14, 14)
    assert budget.reserve(company.pk, 1, "bulk")[0] < 5


def test_another_setting_leaves_a_pause_alone(company: Company) -> None:
    budget.slow_down(company.pk, 86_400, asked=86_400)
    assert settings_by_person.change(company, {"voicemail": True}, COMMAND_LINE, datetime.now(UTC))
    assert budget.budget_state(company.pk).paused_until is not None


def test_a_pause_without_a_named_time_tells_none(company: Company) -> None:
    budget.slow_down(company.pk, 30)
    assert budget.budget_state(company.pk).paused_until is not None
    assert budget.budget_state(company.pk).asked_until is None


def test_one_429_costs_its_pause_and_no_rate(company: Company) -> None:
    throttled(company, 1)
    assert budget.budget_state(company.pk) == budget.BudgetState(15, 15)
    long_ago(company, budget.GO_ON_S + 1)
    throttled(company, 1)
    assert not budget.budget_state(company.pk).lowered, "the next one after a long while is one again"


def test_429s_that_go_on_lower_the_rate_and_the_slots_lie_further_apart(company: Company) -> None:
    throttled(company, 4, apart_s=6)
    rate = budget.budget_state(company.pk).rate
    assert 15 * 0.7**3 <= rate < 15 * 0.7**3 * 1.2
    slots = budget.reserve(company.pk, 3, "bulk")
    assert slots[2] - slots[1] == pytest.approx(1.03 / rate, rel=0.02)


def test_the_429s_of_one_burst_count_once(company: Company) -> None:
    throttled(company, 1)
    for _ in range(50):
        budget.slow_down(company.pk, 1)
    assert budget.budget_state(company.pk).rate == pytest.approx(15 * 0.7, rel=0.02)


def test_a_long_pause_between_them_hides_no_429_that_goes_on(company: Company) -> None:
    budget.slow_down(company.pk, 900, asked=86_400)
    long_ago(company, 905)
    budget.slow_down(company.pk, 900, asked=85_000)
    assert budget.budget_state(company.pk).lowered


def test_the_rate_rises_again_slowly_to_the_set_one_and_not_above_it(company: Company) -> None:
    throttled(company, 3)
    low = budget.budget_state(company.pk).rate
    long_ago(company, 120)
    assert budget.budget_state(company.pk).rate - low == pytest.approx(2 * 15 / 60, rel=0.1)
    long_ago(company, 3601)
    assert budget.budget_state(company.pk) == budget.BudgetState(15, 15)


def test_the_set_rate_stays_the_most_and_something_is_always_asked(company: Company) -> None:
    throttled(company, 40)
    assert 0.5 <= budget.budget_state(company.pk).rate < 1
    Company.objects.update(requests_per_second="0.20")
    assert budget.budget_state(company.pk).rate == pytest.approx(0.2)


@pytest.mark.parametrize("limit", [2.0, 5.0, 9.0])
def test_against_a_lower_limit_the_rate_finds_it_and_stays_near(company: Company, limit: float) -> None:
    """Half an hour against a limit: asked every ten seconds, refused whenever the rate is above it."""
    rates, refused = [], 0
    for _ in range(180):
        rate = budget.budget_state(company.pk).rate
        if rate > limit:
            budget.slow_down(company.pk, 1)
            refused += 1
        rates.append(rate)
        long_ago(company, 10)
    later = rates[60:]
    assert max(later) <= limit * 1.25
    assert sum(later) / len(later) >= limit * 0.7
    assert refused < 25
