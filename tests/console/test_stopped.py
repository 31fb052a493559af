"""Honest estimates: numbers of what was found and not of what may come, and for what cannot be tried now the reason instead of a time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Run, Window
from rokuon.org import budget
from tests.console.conftest import World
from tests.console.test_counted_links import ready  # noqa: F401 (a fixture)
from tests.console.test_overview import end, found, text


@pytest.fixture
def running(ready: World) -> Run:  # noqa: F811
    """A run of four windows, one of them listed."""
    now = timezone.now()
    run = Run.objects.create(
        company=ready.company, scope_kind="company", targets=[ready.sales.pk], since=now - timedelta(days=40), until=now, created_at=now
    )
    for number in range(4):
        after, before = now - timedelta(days=10 * (number + 1)), now - timedelta(days=10 * number)
        Window.objects.create(
            run=run,
            scope_kind="company",
            targets=[ready.sales.pk],
            after=after,
            before=before,
            listed_down_to=after if number == 0 else before,
            state=Window.State.DONE if number == 0 else Window.State.WAITING,
        )
    return run


def test_while_the_list_is_read_only_what_was_found_is_counted(ready: World, running: Run) -> None:  # noqa: F811
    end(found(ready, ready.sales, 20), State.VERIFIED)
    found(ready, ready.sales, 10, at="p")
    address = ready.url(f"backup-now/{running.pk}/")
    assert "20 of 30 recordings found so far are done; Dialpad's list is still being read." in text(ready.admin, address)
    assert '<progress value="1" max="4"' in ready.admin.get(address).content.decode()
    Window.objects.update(state=Window.State.DONE)
    assert "20 of 30 recordings are done." in text(ready.admin, address)
    assert '<progress value="20" max="30"' in ready.admin.get(address).content.decode()


def test_what_is_held_has_no_time_left_but_its_reason_and_the_next_try(ready: World) -> None:  # noqa: F811
    end(found(ready, ready.sales, 30), State.VERIFIED)
    found(ready, ready.sales, 14, at="p")
    assert "time left at this rate –" not in text(ready.admin, ready.url("work/"))
    holds.open_hold(ready.company.pk, HoldOn.BUCKET, str(ready.bucket.pk), "bucket_unmarked", "", timezone.now())
    said = text(ready.admin, ready.url("work/"))
    assert "time left at this rate –" in said
    assert "On hold 14 recordings: Rokuon's marker is gone" in said
    assert "Next try" in said.partition("On hold 14 recordings")[2]


def test_what_is_throttled_has_no_time_left_until_the_pause_is_over(ready: World, running: Run) -> None:  # noqa: F811
    end(found(ready, ready.sales, 30), State.VERIFIED)
    found(ready, ready.sales, 5, at="p")
    budget.slow_down(ready.company.pk, 600)
    said = text(ready.admin, ready.url(f"backup-now/{running.pk}/progress/"))
    assert "left." not in said
    assert "Pending 5 recordings: Dialpad" in said
    assert "Next try" in said


def test_what_waits_for_a_later_try_does_not_lengthen_the_rest(ready: World) -> None:  # noqa: F811
    end(found(ready, ready.sales, 30), State.VERIFIED)
    found(ready, ready.sales, 4, at="p")
    Copy.objects.filter(state="pending").update(reason="store_unavailable", due_at=timezone.now() + timedelta(hours=2))
    said = text(ready.admin, ready.url("work/"))
    assert "time left at this rate –" in said
    assert "Pending 4 recordings:" in said.partition("time left")[2]


def test_another_office_reads_nothing_of_a_hold_that_does_not_stop_it(ready: World) -> None:  # noqa: F811
    found(ready, ready.sales, 3)
    holds.open_hold(ready.company.pk, HoldOn.BUCKET, str(ready.bucket.pk), "bucket_unmarked", "", timezone.now())
    assert "On hold" not in text(ready.client("viewer", ready.osaka), ready.url("work/"))
