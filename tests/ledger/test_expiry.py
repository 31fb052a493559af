"""What leaves the source's access window is counted by target, exactly at its borders."""

from datetime import timedelta

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, Work
from rokuon.ledger import failures, record
from rokuon.ledger.expiry import SOON, Expiring, expiring
from rokuon.ledger.models import Copy
from rokuon.ledger.sql import ms
from rokuon.org.models import Target
from tests.ledger.factory import NOW, World, failed

WINDOW = timedelta(days=45)
SECOND = timedelta(seconds=1)


def left(world: World) -> dict[int, Expiring]:
    return expiring(world.company.pk, WINDOW.days, NOW)


def entered(world: World, number: int, leaves_in: timedelta, target: Target | None = None) -> Work:
    """A pending copy that leaves so long after NOW."""
    started = NOW + leaves_in - WINDOW
    (work,) = world.place(world.planned(number, target, started_ms=ms(started)))
    return work


def test_nothing_leaves_where_nothing_waits(world: World) -> None:
    world.verify(entered(world, 1, timedelta(days=1)), entered(world, 2, -timedelta(days=1)))
    assert left(world) == {}


def test_a_copy_expires_soon_after_now_and_up_to_seven_days_ahead_and_has_expired_from_its_moment_on(world: World) -> None:
    for number, leaves_in in enumerate((timedelta(), -SECOND, SECOND, SOON, SOON + SECOND), 1):
        entered(world, number, leaves_in)
    assert left(world) == {world.center.pk: Expiring(2, 2, NOW + SECOND)}


def test_each_target_has_its_own_numbers_and_another_company_none(world: World) -> None:
    entered(world, 1, timedelta(days=3))
    entered(world, 2, timedelta(days=2))
    entered(world, 3, -timedelta(days=400), world.other)
    entered(World("Other"), 4, timedelta(days=1))
    assert left(world) == {
        world.center.pk: Expiring(2, 0, NOW + timedelta(days=2)),
        world.other.pk: Expiring(0, 1, None),
    }


def test_failed_counts_until_somebody_explains_it_and_again_when_it_fails_anew(world: World) -> None:
    first, second = entered(world, 1, timedelta(days=1)), entered(world, 2, timedelta(days=2))
    record.record([failed(first), failed(second)], NOW - SECOND)
    assert left(world)[world.center.pk] == Expiring(2, 0, NOW + timedelta(days=1))
    failures.close([first.copy_id], "known", "Ann", NOW)
    assert left(world)[world.center.pk] == Expiring(1, 0, NOW + timedelta(days=2))
    Copy.objects.filter(pk=first.copy_id).update(changed_at=NOW + SECOND)
    assert left(world)[world.center.pk] == Expiring(2, 0, NOW + timedelta(days=1))


def test_where_all_is_explained_no_target_is_named(world: World) -> None:
    work = entered(world, 1, timedelta(days=1))
    record.record([failed(work)], NOW)
    failures.close([work.copy_id], "known", "Ann", NOW)
    assert left(world) == {}


def test_what_is_gone_or_excluded_is_not_to_be_saved(world: World) -> None:
    gone, excluded = entered(world, 1, timedelta(days=1)), entered(world, 2, -timedelta(days=1))
    record.record([Outcome(gone.copy_id, gone.attempt, State.GONE, "recording_gone", spent=True)], NOW)
    Copy.objects.filter(pk=excluded.copy_id).update(state="excluded", reason="rule_disabled", due_at=None)
    assert left(world) == {}
