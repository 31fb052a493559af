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

from rokuon.domain.failures import by_reason, leaves
from rokuon.ledger import holds
from rokuon.ledger.models import Hold, Run
from rokuon.ledger.pace import Rate, rate, seconds_left, settled
from rokuon.ledger.read import RunProgress, failing_windows, run_progress
from rokuon.ops.i18n import _
from rokuon.org.models import Target

from . import output

T = TypeVar("T")

POLL_S = 1.0
SLOW_POLL = 10
"""A poll that takes long is made so many times its own length apart, so that watching never costs more than a tenth of the database."""

LINE_EVERY_S = 5.0
HELD_FOR_S = 5.0
DATABASE_PATIENCE_S = 60.0
MOST_ROWS = 20


class End(Enum):
    FINISHED = "finished"
    PAUSED = "paused"
    HELD = "held"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class View:
    """One look at the run. `waits` are the reasons for which windows wait to be listed again."""

    progress: RunProgress
    rate: Rate
    seconds_left: float | None
    holds: Sequence[Hold]
    waits: tuple[str, ...] = ()


def follow(run_id: int, *, as_json: bool, keep_working: Callable[[], None]) -> tuple[End, View]:
    """Show the run until it ends, or until all that is left waits: for a hold to lift, or for a listing that failed to be tried again
    later. `keep_working` is called with every look."""
    if as_json:
        return _watch(run_id, keep_working, lambda view: output.write_json_line(as_data(view)))
    out = output.console()
    if not out.is_terminal:
        return _watch(run_id, keep_working, _Lines())
    targets = _targets(run_id)
    with Live(console=out, auto_refresh=False, transient=True) as live:
        return _watch(run_id, keep_working, lambda view: live.update(_picture(view, targets), refresh=True))


def _watch(run_id: int, keep_working: Callable[[], None], show: Callable[[View], None]) -> tuple[End, View]:
    moved_at, mark = time.monotonic(), None
    while True:
        began = time.monotonic()
        keep_working()
        progress, pace, open_holds, waits = patient(lambda: _look(run_id))
        now = time.monotonic()
        view = View(progress, pace, seconds_left(progress, pace), open_holds, waits)
        show(view)
        if progress.run.state == Run.State.PAUSED:
            return End.PAUSED, view
        if progress.run.state != Run.State.RUNNING:
            return End.FINISHED, view
        if mark != (mark := (progress.total, progress.pages, progress.windows_done)):
            moved_at = now
        if open_holds and now - moved_at > HELD_FOR_S:
            return End.HELD, view
        left = progress.windows - progress.windows_done - progress.unlisted
        if progress.postponed == left > 0 and now - moved_at > HELD_FOR_S:
            return End.POSTPONED, view
        time.sleep(max(POLL_S, SLOW_POLL * (now - began)))


def _look(run_id: int) -> tuple[RunProgress, Rate, Sequence[Hold], tuple[str, ...]]:
    progress = run_progress(run_id)
    # What a hold stops is said with the hold, and not by a window.
    waits = tuple(sorted({window.reason for window in failing_windows(run_id)} & {leaf.reason for leaf in leaves()}))
    return progress, rate(progress.run, datetime.now(UTC)), holds.open_holds(progress.run.company_id), waits


def patient(ask: Callable[[], T]) -> T:
    """What `ask` answers. Waits for a database that is away for a short time; the workers do the same."""
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
        **output.counts_json(progress.total),
        "recordings_per_second": round(view.rate.recordings, 2),
        "bytes_per_second": round(view.rate.bytes),
        "seconds_left": None if view.seconds_left is None else round(view.seconds_left),
        "holds": [{"on": hold.on, "reason": hold.reason} for hold in view.holds],
        "waits": list(view.waits),
    }


def summary(view: View) -> str:
    """The run in one line."""
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
    if view.seconds_left:
        parts.append(_("about %(time)s left") % {"time": output.duration(view.seconds_left)})
    return _(", ").join(parts)


def waiting(view: View) -> list[str]:
    """Why parts of the run wait to be listed again: the run goes on by itself, but not at once."""
    return [_("Waiting: %(advice)s [%(reason)s]") % {"advice": _(by_reason(reason).advice), "reason": reason} for reason in view.waits]


class _Lines:
    """A line every few seconds while something changes, for logs and pipes."""

    def __init__(self) -> None:
        self._last: tuple[str, tuple[str, ...]] = ("", ())
        self._at = 0.0

    def __call__(self, view: View) -> None:
        line, now = summary(view), time.monotonic()
        ended = view.progress.run.state != Run.State.RUNNING
        if (line, view.waits) != self._last and (ended or now - self._at >= LINE_EVERY_S):
            output.say(f"{datetime.now(UTC):%H:%M:%S} UTC  {line}")
            for line_of_reason in waiting(view):
                output.say(f"    {line_of_reason}")
            sys.stdout.flush()
            self._last, self._at = (line, view.waits), now


def _picture(view: View, targets: dict[int, str]) -> Group:
    """Fixed height: a row for each target, whether anything of it was found yet or not."""
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
        parts.append(Text(_("and %(count)d more targets") % {"count": len(targets) - MOST_ROWS}, style="dim"))
    parts += [Text(_("Held: %(reason)s") % {"reason": hold.reason}, style="yellow") for hold in view.holds]
    parts += [Text(line, style="yellow") for line in waiting(view)]
    return Group(*parts)
