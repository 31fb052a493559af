"""Cache of the hooks in a web process: read at most once a second in a burst of events, and again before an event is refused.

A refusal must not rely on cached data: the secret may have changed since. But reading again costs a database query, and anyone may send
requests that are refused. So each address allows forty such queries at once, and then one a second; unknown addresses share one allowance.
Beyond it, an event is checked with data that is at most a second old.
"""

import threading
import time
from collections.abc import Callable

from .models import Hook

REMEMBERED_S = 1.0
BURST = 40
EVERY_S = 1.0


class Allowance:
    """Rate limit: BURST at once, then one every `every_s` seconds."""

    def __init__(self, every_s: float, clock: Callable[[], float]) -> None:
        self._every_s, self._clock = every_s, clock
        self._left, self._at = float(BURST), clock()

    def take(self) -> bool:
        now = self._clock()
        self._left, self._at = min(float(BURST), self._left + (now - self._at) / self._every_s), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class KnownHooks:
    """One instance per process, used by all its threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hooks: dict[str, Hook] = {}
        self._read_at = -REMEMBERED_S
        self._allowances: dict[str, Allowance] = {}
        self._of_strangers = Allowance(EVERY_S / 5, clock)

    def find(self, path: str) -> Hook | None:
        """Return the hook of an address, from data at most a second old."""
        if self._clock() - self._read_at >= REMEMBERED_S:
            self._read()
        return self._hooks.get(path)

    def may_read_again(self, path: str) -> bool:
        """Whether the database may be queried now before a request to this address is refused. The query is counted."""
        with self._lock:
            if path not in self._hooks:
                return self._of_strangers.take()
            return self._allowances.setdefault(path, Allowance(EVERY_S, self._clock)).take()

    def find_again(self, path: str) -> Hook | None:
        """Return the hook of an address, from the database."""
        self._read()
        return self._hooks.get(path)

    def _read(self) -> None:
        """Read all hooks at once: there is one per company, and so unknown addresses cost no query of their own."""
        began = self._clock()
        hooks = {hook.path: hook for hook in Hook.objects.all()}
        with self._lock:
            self._hooks, self._read_at = hooks, began
            self._allowances = {path: allowance for path, allowance in self._allowances.items() if path in hooks}
