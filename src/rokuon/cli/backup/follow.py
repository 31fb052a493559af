"""Follow a run to its end: a live display on a terminal, plain lines in a log, JSON lines for machines."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rokuon.base import dates
from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output, pauses
from rokuon.domain.failures import by_reason, leaves
from rokuon.domain.pace import Left
from rokuon.ledger import holds
from rokuon.ledger.models import Hold, Run
from rokuon.ledger.read import RunProgress, failing_windows, run_progress
from rokuon.ledger.throughput import Rate, rate, settled
from rokuon.ledger.waiting import StoppedCopies, waiting_copies
from rokuon.org import budget
from rokuon.org.budget import BudgetState
from rokuon.org.models import Company, Target
from rokuon.wiring import budget_text, time_left

T = TypeVar("T")

POLL_S = 1.0
SLOW_POLL = 10
"""Pause between two polls, in lengths of the last one: watching never uses more than about a tenth of the database's time."""

LINE_EVERY_S = 5.0
SAY_AGAIN_S = 60.0
NAMED = 5
"""The number of recordings of each reason to name by their ids."""

HELD_FOR_S = 5.0
DATABASE_PATIENCE_S = 60.0
MOST_ROWS = 20


class FollowResult(Enum):
    FINISHED = "finished"
    PAUSED = "paused"
    HELD = "held"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class View:
    """One look at the run. `waits` are the reasons for which windows wait to be listed again, `standing` is None if it was not read."""

    progress: RunProgress
    rate: Rate
    left: Left | None
    holds: Sequence[Hold]
    stopped: Sequence[StoppedCopies] = ()
    waits: tuple[str, ...] = ()
    standing: BudgetState | None = None


def follow(run_id: int, *, as_json: bool, keep_working: Callable[[], None]) -> tuple[FollowResult, View]:
    """Show the run until it ends, or until everything left waits: for a hold to lift, or for the next try of a failed listing. Calls
    `keep_working` with every look."""
    if as_json:
        return _watch(run_id, keep_working, lambda view: output.write_json_line(as_data(view)))
    out = output.console()
    if not out.is_terminal:
        return _watch(run_id, keep_working, _Lines())
    targets = _targets(run_id)
    with Live(console=out, auto_refresh=False, transient=True) as live:
        return _watch(run_id, keep_working, lambda view: live.update(_picture(view, targets), refresh=True))


def _watch(run_id: int, keep_working: Callable[[], None], show: Callable[[View], None]) -> tuple[FollowResult, View]:
    moved_at, mark = time.monotonic(), None
    while True:
        began = time.monotonic()
        keep_working()
        view = patient(lambda: look(run_id))
        progress, open_holds, now = view.progress, view.holds, time.monotonic()
        show(view)
        if progress.run.state == Run.State.PAUSED:
            return FollowResult.PAUSED, view
        if progress.run.state != Run.State.RUNNING:
            return FollowResult.FINISHED, view
        if mark != (mark := (progress.total, progress.pages, progress.windows_done)):
            moved_at = now
        if open_holds and now - moved_at > HELD_FOR_S:
            return FollowResult.HELD, view
        left = progress.windows - progress.windows_done - progress.unlisted
        if progress.postponed == left > 0 and now - moved_at > HELD_FOR_S:
            return FollowResult.POSTPONED, view
        time.sleep(max(POLL_S, SLOW_POLL * (now - began)))


def look(run_id: int) -> View:
    """Return the run at this moment."""
    progress = run_progress(run_id)
    # A cause that opened a hold is shown with the hold, not with a window.
    waits = tuple(sorted({window.reason for window in failing_windows(run_id)} & {leaf.reason for leaf in leaves()}))
    now, company = datetime.now(UTC), Company.objects.get(pk=progress.run.company_id)
    pace = rate(progress.run, now)
    remaining = time_left.of_run(company, progress, pace, now)
    return View(progress, pace, remaining.left, holds.open_holds(company.pk), remaining.stopped, waits, budget.budget_state(company.pk))


def patient(ask: Callable[[], T]) -> T:
    """Return the result of `ask`. Waits for a database that is away for a short time; the workers do the same."""
    deadline = time.monotonic() + DATABASE_PATIENCE_S
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(POLL_S)


def _targets(run_id: int) -> dict[int, str]:
    keys = Run.objects.values_list("targets", flat=True).get(pk=run_id)
    return output.labels(Target.objects.filter(pk__in=keys).select_related("office"))


def as_data(view: View) -> dict[str, Any]:
    progress = view.progress
    return {
        "run": progress.run.pk,
        "state": progress.run.state,
        "windows": progress.windows,
        "windows_done": progress.windows_done,
        "unlisted": progress.unlisted,
        "pages": progress.pages,
        "calls": progress.calls,
        "malformed": progress.malformed,
        "nothing_to_fetch": progress.unnamed,
        **output.counts_json(progress.total),
        "recordings_per_second": round(view.rate.recordings, 2),
        "bytes_per_second": round(view.rate.bytes),
        "seconds_left": round(view.left.seconds) if view.left and view.left.seconds is not None else None,
        "seconds_left_at_least": round(view.left.least) if view.left else None,
        "holds": [{"on": hold.on, "reason": hold.reason} for hold in view.holds],
        "waits": list(view.waits),
        "paused_until": view.standing.paused_until if view.standing and view.standing.asked_until else None,
        "pause_asked_until": view.standing.asked_until if view.standing else None,
        "requests_per_second": round(view.standing.rate, 2) if view.standing else None,
    }


def summary(view: View) -> str:
    """Return the run in one line."""
    progress, total = view.progress, view.progress.total
    parts = [
        _("listed %(done)d of %(all)d windows") % {"done": progress.windows_done, "all": progress.windows},
        _("%(done)s of %(all)s recordings") % {"done": output.number(settled(total)), "all": output.number(total.discovered)},
        output.amount(total.bytes),
        _("%(rate).1f/s") % {"rate": view.rate.recordings},
        f"{output.amount(view.rate.bytes)}/s",
    ]
    if total.failed:
        parts.append(_("%(count)s failed") % {"count": output.number(total.failed)})
    if time_left := in_words(view.left):
        parts.append(time_left)
    return _(", ").join(parts)


def in_words(left: Left | None) -> str:
    """Return the remaining time as text, "" if nothing moves. While the list is read, the known part is a minimum and the rest a guess."""
    if left is None:
        return ""
    told = {"least": output.duration(left.least), "time": output.duration(left.least if left.seconds is None else left.seconds)}
    if not left.more:
        return _("about %(time)s left") % told
    if left.seconds is None or left.seconds == left.least:
        return _("at least %(least)s left") % told
    return _("at least %(least)s, about %(time)s left") % told


def waiting(view: View) -> list[str]:
    """Return why the run or parts of it wait: it resumes automatically, but not at once."""
    lines = [_("Waiting: %(advice)s [%(reason)s]") % {"advice": _(by_reason(reason).advice), "reason": reason} for reason in view.waits]
    for one in view.stopped:
        if one.held and one.next_at is not None:
            told = {"recordings": output.recordings(one.copies), "at": pauses.moment(one.next_at), "reason": one.reason}
            lines.append(_("On hold: %(recordings)s, next try at %(at)s [%(reason)s]") % told)
    if view.standing is not None:
        lines += [budget_text.pause(view.standing, pauses.moment), budget_text.lowered(view.standing)]
    return [line for line in lines if line]


def _still(view: View) -> list[str]:
    """Return, for a run in which nothing moved for a minute, the ids of the recordings that it waits for, and until when."""
    run, now = view.progress.run, datetime.now(UTC)
    lines = []
    for group in waiting_copies(run.company_id, run.targets, run.since, run.until, now, NAMED):
        told = {"recordings": output.recordings(group.count), "ids": _(", ").join(group.ids), "reason": group.reason}
        told["ids"] += " …" if group.count > len(group.ids) else ""
        if group.next_at is None:
            lines.append(_("Under way or next: %(recordings)s (%(ids)s)") % told)
        else:
            told["at"] = pauses.moment(group.next_at)
            lines.append(_("Waiting: %(recordings)s (%(ids)s), next try at %(at)s [%(reason)s]") % told)
    return lines


class _Lines:
    """Prints a line every few seconds while something changes, for logs and pipes; if nothing does, it prints each minute what the run
    waits for."""

    def __init__(self) -> None:
        self._last: tuple[str, tuple[str, ...]] = ("", ())
        self._at = -LINE_EVERY_S

    def __call__(self, view: View) -> None:
        line, now = summary(view), time.monotonic()
        ended = view.progress.run.state != Run.State.RUNNING
        why = tuple(waiting(view))
        moved = (line, why) != self._last
        if (moved and (ended or now - self._at >= LINE_EVERY_S)) or now - self._at >= SAY_AGAIN_S:
            output.say(f"{dates.progress_clock(datetime.now(UTC))}  {line}")
            for line_of_reason in [*why, *([] if moved else patient(lambda: _still(view)))]:
                output.say(f"    {line_of_reason}")
            sys.stdout.flush()
            self._last, self._at = (line, why), now


def _picture(view: View, targets: dict[int, str]) -> Group:
    """Return the live display. Its height is fixed: one row per target, also for a target without any recording yet."""
    progress = view.progress
    rows = Table.grid(padding=(0, 1))
    for justify in ("left", "left", "right", "right", "right"):
        rows.add_column(justify=justify, no_wrap=True)
    shown = sorted(targets, key=lambda pk: (-progress.targets[pk].pending if pk in progress.targets else 0, targets[pk]))
    for pk in shown[:MOST_ROWS]:
        counts = progress.targets.get(pk)
        done, known = (settled(counts), counts.discovered) if counts else (0, 0)
        rows.add_row(
            Text(targets[pk], overflow="ellipsis"),
            ProgressBar(total=max(1, known), completed=done, width=24),
            Text(f"{output.number(done)}/{output.number(known)}"),
            Text(output.amount(counts.bytes if counts else 0)),
            Text(_("%(count)s failed") % {"count": counts.failed}, style="red") if counts and counts.failed else Text(),
        )
    total = progress.total
    head = Table.grid(padding=(0, 1))
    head.add_row(ProgressBar(total=max(1, total.discovered), completed=settled(total), width=40), Text(summary(view), style="bold"))
    parts: list[Any] = [head, rows]
    if len(targets) > MOST_ROWS:
        more = len(targets) - MOST_ROWS
        parts.append(Text(ngettext("and %(count)d more target", "and %(count)d more targets", more) % {"count": more}, style="dim"))
    parts += [Text(line, style="yellow") for line in waiting(view)]
    return Group(*parts)
