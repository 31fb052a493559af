"""The hooks as a web process knows them: read once a second at most in a burst of events, and again before an event is refused.

A refusal is not said by what was read a moment ago: the secret may have changed since. But reading again costs a question to the database,
and anybody may send what is refused. So each address may have it read again forty times at once, and then once a second; addresses that
are none share one allowance. Beyond it, an event is judged by what was read within the last second.
"""

import threading
import time
from collections.abc import Callable

from .models import Hook

REMEMBERED_S = 1.0
BURST = 40
EVERY_S = 1.0


class Allowance:
    """BURST at once, then one each `every_s`."""

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
    """One of a process; used by all of its threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._hooks: dict[str, Hook] = {}
        self._read_at = -REMEMBERED_S
        self._allowances: dict[str, Allowance] = {}
        self._of_strangers = Allowance(EVERY_S / 5, clock)

    def find(self, path: str) -> Hook | None:
        """The hook of an address, as it was within the last second."""
        if self._clock() - self._read_at >= REMEMBERED_S:
            self._read()
        return self._hooks.get(path)

    def may_read_again(self, path: str) -> bool:
        """Whether a refusal of what came to this address may ask the database now; counts as having done so."""
        with self._lock:
            if path not in self._hooks:
                return self._of_strangers.take()
            return self._allowances.setdefault(path, Allowance(EVERY_S, self._clock)).take()

    def find_again(self, path: str) -> Hook | None:
        """The hook of an address, as it is now."""
        self._read()
        return self._hooks.get(path)

    def _read(self) -> None:
        """All of them at once: a company has one, and so no address can be asked for that is not among them."""
        began = self._clock()
        hooks = {hook.path: hook for hook in Hook.objects.all()}
        with self._lock:
            self._hooks, self._read_at = hooks, began
            self._allowances = {path: allowance for path, allowance in self._allowances.items() if path in hooks}
