"""A bug of Rokuon itself in one window: it is reported and counted, and the run ends; it is never retried silently for ever."""

import pytest

from rokuon.domain.ports import TimeRange
from rokuon.jobs.tick import tick
from rokuon.ledger import read
from rokuon.ledger.models import Window
from rokuon.ledger.runs import LISTING_ATTEMPTS
from rokuon.ledger.sql import ms
from rokuon.wiring import job_handlers
from tests.e2e.conftest import MakeRig


def test_a_window_that_always_crashes_fails_and_the_run_ends(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    now_ms = ms(rig.clock())
    run = rig.start(wanted=TimeRange(now_ms - 28 * 86_400_000, now_ms))

    async def crash(*_: object) -> job_handlers.JobEnd:
        raise ExceptionGroup("several", [ValueError("a bug")])

    monkeypatch.setattr(job_handlers, "work_on_window", crash)
    for _ in range(LISTING_ATTEMPTS):
        for window in read.queued_windows():
            rig.run_async(lambda one, window=window: one.window(window))
        rig.advance(hours=5)
        tick(rig.clock())
    window = Window.objects.get(run=run)
    assert (window.state, window.reason) == ("failed", "internal_fault")
    progress = read.run_progress(run)
    assert (progress.run.state, progress.unlisted) == ("finished", 1)
