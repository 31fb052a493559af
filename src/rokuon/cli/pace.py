"""How fast a run goes, and how long it may still take: from what was seen in the last seconds. Pure."""

from collections import deque
from dataclasses import dataclass

from rokuon.ledger.read import Counts, RunProgress

SEEN_S = 15.0
LISTED_ENOUGH = 0.1


def settled(counts: Counts) -> int:
    """Recordings whose fate is known: all but the pending."""
    return counts.discovered - counts.pending


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second."""

    recordings: float
    bytes: float


class Pace:
    """Fed with every poll; times are monotonic seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()
        self._first_discovered: int | None = None

    def feed(self, now: float, counts: Counts) -> Rate:
        self._seen.append((now, settled(counts), counts.bytes))
        if self._first_discovered is None:
            self._first_discovered = counts.discovered
        while len(self._seen) > 2 and now - self._seen[0][0] > SEEN_S:
            self._seen.popleft()
        then, recordings, size = self._seen[0]
        span = now - then
        if span <= 0:
            return Rate(0, 0)
        return Rate(max(0.0, (settled(counts) - recordings) / span), max(0.0, (counts.bytes - size) / span))

    def seconds_left(self, progress: RunProgress, rate: Rate) -> float | None:
        """None while too little is listed to say, or nothing moves. What is not listed yet counts as much as what was listed already."""
        total = progress.total
        if progress.run.state != progress.run.State.RUNNING:
            return 0.0
        share = progress.windows_done / progress.windows if progress.windows else 1.0
        if rate.recordings <= 0 or share < LISTED_ENOUGH:
            return None
        found_now = total.discovered - (self._first_discovered or 0)
        return (total.pending + found_now * (1 / share - 1)) / rate.recordings
