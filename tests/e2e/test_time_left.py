"""The time left of real runs: shown for copies that make progress, and never for those that are held or paused."""

from rokuon.accounts.permissions import AccessReach
from rokuon.cli.backup.follow import in_words
from rokuon.console.overview import read_model as overview
from rokuon.console.runs import read_model as runs
from rokuon.domain.failures import HoldOn
from rokuon.domain.pace import Left
from rokuon.ledger import holds, read, throughput
from rokuon.ledger import runs as ledger_runs
from rokuon.ledger.models import Run
from rokuon.org import budget
from rokuon.org.models import Company, Target
from rokuon.wiring import time_left
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world


def told(rig: Rig, run_id: int) -> Left | None:
    """Return the time left, from the function that the console and the commands use."""
    now, run = rig.clock(), Run.objects.get(pk=run_id)
    progress = read.run_progress(run_id)
    answer = time_left.of_run(rig.company, progress, throughput.rate(run, now), now).left
    assert runs.load_run(rig.company, run, AccessReach(rig.company.pk), now).time == answer
    return answer


def test_a_run_that_has_begun_says_at_least_and_a_held_or_paused_one_nothing(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20))
    Company.objects.update(requests_per_second=15)
    rig.company.refresh_from_db()
    run = rig.start(two_years=True)
    begun = told(rig, run)
    assert begun is not None
    assert (begun.more, begun.seconds) == (True, None)
    assert in_words(begun) == "at least 2 s left"

    holds.open_hold(rig.company.pk, HoldOn.SOURCE, "", "source_key_refused", "", rig.clock())
    assert told(rig, run) is None
    holds.lift(rig.company.pk, HoldOn.SOURCE, "", rig.clock())
    budget.slow_down(rig.company.pk, 600)
    assert told(rig, run) is None, "a pause that Dialpad asked for"
    progress = read.run_progress(run)
    stopped = time_left.of_run(rig.company, progress, throughput.rate(progress.run, rig.clock()), rig.clock()).stopped
    assert [(one.reason, one.copies) for one in stopped] in ([("source_throttled", progress.total.pending)], [])


def test_a_paused_run_has_no_time_left_and_what_a_hold_stops_is_not_counted(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=40), switches={"admin_recordings": "login"})
    run = rig.start()
    rig.drain()
    assert read.run_progress(run).total.pending > 0, "held as a kind"
    ids = list(Target.objects.values_list("pk", flat=True))
    pending = read.run_progress(run).total.pending
    remaining = time_left.of_pending(rig.company, ids, pending, 5.0, rig.clock())
    assert (remaining.left, [(one.held, one.copies) for one in remaining.stopped]) == (None, [(True, pending)])
    assert remaining.stopped[0].next_at is not None
    reach = AccessReach(rig.company.pk)
    assert overview.work(rig.company, reach, list(Target.objects.all()), rig.clock()).seconds_left is None
    again = rig.start(relist=True)
    assert told(rig, again) is not None
    ledger_runs.pause(again, rig.clock())
    assert told(rig, again) is None
