"""Counts the requests of clients, to check budgets, needless requests and leaked keys. It reports, and never refuses.

Times are seconds of a monotonic clock, at the arrival of a request.
"""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any


class SlidingWindow:
    """Sliding window of `seconds`: worst is the largest number of entries in any such window."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()
        self.worst = 0

    def held(self, now: float) -> int:
        """Return the number of entries in the last `seconds`."""
        while self._times and now - self._times[0] >= self._seconds:
            self._times.popleft()
        return len(self._times)

    def enter(self, now: float) -> int:
        self.held(now)
        self._times.append(now)
        self.worst = max(self.worst, len(self._times))
        return len(self._times)

    def free_in(self, now: float) -> float:
        """Return the seconds until the oldest entry leaves; 0 if empty."""
        return max(0.0, self._seconds - (now - self._times[0])) if self._times else 0.0


@dataclass
class CompanyMeter:
    """The requests with keys of one company."""

    # By endpoint name, everything under /api/v2; media requests are counted separately.
    requests: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    # 429 answers by endpoint.
    limited: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    # Call list pages by listed scope: "company" or "callcenter:<id>".
    list_pages: Counter[str] = field(default_factory=Counter)
    # By recording id: redirect chains begun, and answers 200 or 206 with audio.
    audio_requests: Counter[int] = field(default_factory=Counter)
    audio_served: Counter[int] = field(default_factory=Counter)
    audio_bytes: int = 0
    # Times when audio chains and API requests arrived within any one second.
    window: SlidingWindow = field(default_factory=lambda: SlidingWindow(1.0))
    media_window: SlidingWindow = field(default_factory=lambda: SlidingWindow(1.0))

    def report(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "requests_total": self.requests.total(),
            "worst_1s": self.window.worst,
            "media": dict(self.media),
            "media_total": self.media.total(),
            "media_worst_1s": self.media_window.worst,
            "statuses": {str(status): n for status, n in self.statuses.items()},
            "status_429": self.statuses[429],
            "limited": dict(self.limited),
            "faults": dict(self.faults),
            "list_pages": dict(self.list_pages),
            "audio_requests": {str(i): n for i, n in self.audio_requests.items()},
            "audio_served": {str(i): n for i, n in self.audio_served.items()},
            "audio_bytes": self.audio_bytes,
        }


@dataclass
class LogEntry:
    """One request as it arrived. query is verbatim, so a leaked key is visible; this log never leaves the simulator."""

    at: float
    company: int | None
    method: str
    path: str
    query: str
    endpoint: str
    host: str
    status: int
    key_in: str
    fault: str = ""


@dataclass
class Meter:
    """Everything counted since the start or the last reset()."""

    companies: dict[int, CompanyMeter] = field(default_factory=dict)
    # Requests without any key, and with an unknown or revoked one, by endpoint.
    no_key: Counter[str] = field(default_factory=Counter)
    bad_key: Counter[str] = field(default_factory=Counter)
    # Requests with the key in the query, by endpoint. media_secureblob is our own redirect; the client built any other.
    key_in_query: Counter[str] = field(default_factory=Counter)
    # Requests with an Authorization header to a host other than the API's.
    key_to_other_host: int = 0
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=20_000))

    def company(self, company_id: int) -> CompanyMeter:
        known = self.companies.get(company_id)
        if known is None:
            known = self.companies[company_id] = CompanyMeter()
        return known

    def reset(self) -> None:
        self.companies.clear()
        for counter in (self.no_key, self.bad_key, self.key_in_query):
            counter.clear()
        self.key_to_other_host = 0
        self.log.clear()

    def report(self) -> dict[str, Any]:
        return {
            "companies": {str(i): meter.report() for i, meter in self.companies.items()},
            "no_key": dict(self.no_key),
            "bad_key": dict(self.bad_key),
            "key_in_query": dict(self.key_in_query),
            "key_to_other_host": self.key_to_other_host,
        }

    def log_report(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.log]
