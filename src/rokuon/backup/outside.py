"""Recorded calls outside every rule in a window's listing: each is reported with the resume mark that passes it."""

from collections.abc import Container, Iterable

from rokuon.domain.outside import OutsideCall
from rokuon.domain.ports import TimeRange


class OutsideCalls:
    """Collects the calls that the classifier found. A call below the resume mark would be listed again if the job was resumed there, so it
    waits here until the mark has passed it. Meanwhile a leg that arrives late may show that it is not outside."""

    def __init__(self, window: TimeRange) -> None:
        self._window = window
        self._waiting: list[OutsideCall] = []

    def passed(self, found: Iterable[OutsideCall], inside_after_all: Container[str], down_to_ms: int) -> tuple[OutsideCall, ...]:
        """Take what was found, drop the calls that are inside after all, and return those of the window that started at or after the new
        mark and were not returned before."""
        mine = (call for call in found if self._window.after_ms <= call.started_ms < self._window.before_ms)
        calls = [call for call in (*self._waiting, *mine) if call.call_id not in inside_after_all]
        self._waiting = [call for call in calls if call.started_ms < down_to_ms]
        return tuple(call for call in calls if call.started_ms >= down_to_ms)
