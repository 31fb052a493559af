"""Which windows a run lists, and by which listing (M11)."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rokuon.backup.backfill import ListedTarget, plan_windows
from rokuon.domain import windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Scope, ScopeKind

FIRST = date(2026, 1, 1)
START = windows.day_start_ms(FIRST)
NOW = START + 90 * windows.DAY_MS
WANTED = TimeRange(START, NOW)


def target(number: int, *, trusted: bool = False, sealed: set[date] | None = None) -> ListedTarget:
    return ListedTarget(number, Scope(ScopeKind.CONTACT_CENTER, str(number)), sealed or set(), trusted)


def days(first: int, count: int) -> set[date]:
    return {FIRST + timedelta(days=first + n) for n in range(count)}


def test_untrusted_targets_share_one_listing_of_the_company() -> None:
    planned = plan_windows([target(1), target(2)], WANTED, company_targets=100, now_ms=NOW)
    assert {window.scope for window in planned} == {COMPANY_SCOPE}
    assert {window.targets for window in planned} == {(1, 2)}
    assert len(planned) == 4


def test_a_few_trusted_targets_are_listed_one_by_one() -> None:
    planned = plan_windows([target(1, trusted=True), target(2, trusted=True)], WANTED, company_targets=100, now_ms=NOW)
    assert {window.scope.id for window in planned} == {"1", "2"}


def test_many_trusted_targets_are_cheaper_by_the_company() -> None:
    planned = plan_windows([target(n, trusted=True) for n in range(60)], WANTED, company_targets=100, now_ms=NOW)
    assert {window.scope for window in planned} == {COMPANY_SCOPE}


def test_one_untrusted_target_of_a_share_makes_the_whole_share_a_company_listing() -> None:
    planned = plan_windows([target(1, trusted=True), target(2)], WANTED, company_targets=100, now_ms=NOW)
    assert {window.scope for window in planned} == {COMPANY_SCOPE}


def test_sealed_days_are_not_listed_and_a_new_target_is_listed_alone() -> None:
    old = target(1, sealed=days(0, 60))
    new = target(2)
    planned = plan_windows([old, new], WANTED, company_targets=2, now_ms=NOW)
    assert {window.targets for window in planned} == {(1,), (2,)}
    assert min(window.wanted.after_ms for window in planned if window.targets == (1,)) == START + 60 * windows.DAY_MS
    assert min(window.wanted.after_ms for window in planned if window.targets == (2,)) == START


def test_nothing_is_planned_where_every_day_is_sealed() -> None:
    assert plan_windows([target(1, sealed=days(0, 91))], WANTED, company_targets=1, now_ms=NOW) == []


@given(
    st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 89), max_size=40)), min_size=1, max_size=6),
    st.integers(1, 30),
)
def test_every_target_gets_each_of_its_unsealed_days_exactly_once(shapes: list[tuple[bool, set[int]]], company_targets: int) -> None:
    targets = [target(n, trusted=trusted, sealed={FIRST + timedelta(days=d) for d in sealed}) for n, (trusted, sealed) in enumerate(shapes)]
    planned = plan_windows(targets, WANTED, company_targets=company_targets, now_ms=NOW)
    for one in targets:
        mine = [day for window in planned if one.id in window.targets for day in windows.whole_days(window.wanted)]
        assert sorted(mine) == sorted(days(0, 90) - set(one.sealed))
    newest_first = [window.wanted.before_ms for window in planned]
    assert newest_first == sorted(newest_first, reverse=True)
