"""Dialpad makes recordings unreachable after the access window, and the budget is small: those that leave soon are copied first (M8)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from rokuon.domain import expiry
from rokuon.domain.failures import HoldOn
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Hold
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.rig import Rig, small_world

MakeRig = Callable[..., Rig]
WINDOW = timedelta(days=45)


def rig_with(rig_of: MakeRig, days: int | None, **env: str) -> Rig:
    """Calls of ninety days, of which Dialpad provides the last 45."""
    rig = rig_of(
        world=small_world(recordings=200, days=90, talk_s=(3, 3, 3), long_call_s=3),
        switches={"recording_access_days": WINDOW.days, "old_recordings": "denied"},
        **env,
    )
    Company.objects.filter(pk=rig.company.pk).update(access_window_days=days)
    return rig


def next_job() -> int | None:
    """Take the job that a worker would take next, and return its window."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo'
                                                           ORDER BY priority DESC, id LIMIT 1)
            RETURNING (args->>'window_id')::int""",
            [queue.WINDOW],
        )
        row = cursor.fetchone()
    return row and row[0]


def back_up_slowly(rig: Rig, an_hour_for: int) -> None:
    """Back up now with one worker that takes windows from the queue; `an_hour_for` requests of audio take one hour."""

    async def work(engine: JobHandlers) -> None:
        asked = 0
        while (window_id := await engine.db(next_job)) is not None:
            await engine.window(window_id)
            rig.advance(hours=(rig.audio_requests() - asked) / an_hour_for)
            asked = rig.audio_requests()

    rig.start()
    rig.run_async(work)


@pytest.mark.parametrize("days", [WINDOW.days, None])
def test_with_the_access_window_set_what_is_about_to_leave_is_saved_and_without_it_is_lost(rig_of: MakeRig, days: int | None) -> None:
    rig = rig_with(rig_of, days)
    border = rig.clock() - WINDOW
    back_up_slowly(rig, an_hour_for=1)
    left_meanwhile = Copy.objects.filter(call_started_at__gt=border, call_started_at__lte=rig.clock() - WINDOW)
    saved, lost = left_meanwhile.filter(state="verified").count(), left_meanwhile.filter(state__in=["pending", "failed"]).count()
    assert (saved > 5, lost) == (True, 0) if days else lost > 5, (saved, lost)
    assert Copy.objects.filter(state="verified", call_started_at__gt=border).count() > 60, "and the others too"
    tried = Copy.objects.filter(call_started_at__lte=border).exclude(reason="")
    assert tried.filter(reason="recording_forbidden").count() > 60 or not days, "what had left before was tried, as each one's own trouble"
    assert not Hold.objects.exists() or not days


@pytest.mark.parametrize("days", [WINDOW.days, None])
def test_due_copies_are_fetched_by_deadline_and_the_past_ones_are_tried_too(rig_of: MakeRig, days: int | None) -> None:
    rig = rig_with(rig_of, days, ROKUON_TRANSFERS="1")
    bucket = str(rig.company.bucket_id)
    holds.open_hold(rig.company.pk, HoldOn.BUCKET, bucket, "bucket_forbidden", "", rig.clock())
    rig.back_up_now()
    waiting = list(Copy.objects.filter(state="pending").order_by("pk").values_list("recording__recording_id", "call_started_at"))
    assert len(waiting) > 150 and rig.audio_requests() == 0
    past = rig.clock() - WINDOW
    rig.run_async(lambda engine: engine.db(engine.lift, rig.company.pk, HoldOn.BUCKET, bucket))
    rig.run_async(lambda engine: engine.due(rig.company.pk))
    first_hops = [entry.path for entry in rig.sim.meter.log if entry.endpoint in ("media", "media_admin")]
    asked = list(dict.fromkeys(path.rpartition("/")[2].partition(".")[0] for path in first_hops))
    if days:
        waiting.sort(key=lambda copy: expiry.turn(ms(copy[1]), ms(copy[1]), ms(past)))
    assert asked == list(dict.fromkeys(recording_id for recording_id, _ in waiting)), "a recording of two targets is asked for twice"
