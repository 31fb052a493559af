"""A run that waits after a failed listing: it says so, and goes on at once when someone asks again."""

from datetime import timedelta

from rokuon.ledger import read, runs
from rokuon.ledger.models import Run
from tests.ledger.factory import NOW, World


def test_a_postponed_window_is_counted_and_due_at_once_when_asked_for_again(world: World) -> None:
    since = NOW - timedelta(days=20)
    run, _ = runs.open_run(world.company.pk, "company", 0, [world.center.pk], since, NOW, NOW, relist=False)
    runs.add_windows(run, [runs.WindowPlan("company", "", (world.center.pk,), since, NOW)], NOW)
    queued: list[int] = []
    (window_id,) = runs.queue_windows(world.company.pk, NOW, queued.append)
    assert read.run_progress(run.pk).postponed == 0
    runs.put_back(window_id, "source_unavailable", "503", 900, NOW, queued.append)
    assert read.run_progress(run.pk).postponed == 1
    assert runs.queue_windows(world.company.pk, NOW, queued.append) == []
    runs.wake(run.pk, NOW)
    assert runs.queue_windows(world.company.pk, NOW, queued.append) == [window_id]
    assert Run.objects.get(pk=run.pk).state == "running"
