"""Restart the embedded database when it is gone, while a process that others depend on runs; report causes that cannot be fixed.

The database itself cannot report that it is away. So the log says it, `/readyz` names the reason (`runtime.trouble`), and a permanent cause
ends the process, so that its starter (systemd, a container runtime, a person) notices.
"""

import logging
import os
import signal
import threading
import time
from pathlib import Path

import psycopg

from rokuon.domain.failures import ConfigError, DatabaseDamaged, DatabaseFull, DatabaseLockRefused, DatabaseUnusable

from . import postgres, trouble

log = logging.getLogger(__name__)

LOOK_EVERY_S, MOST_DELAY_S = 1.0, 8.0
GIVE_UP_AFTER_S = 300.0
PASSES_NEVER = (DatabaseDamaged, DatabaseLockRefused)


class _Stopped(Exception):
    """The guard was asked to stop while it waited for the database."""


class ProcessGuard:
    """A thread beside the process's work. `gave_up` is why the process was asked to end; None while a restart may succeed.

    It waits for missing disk space without limit: once an operator has freed some, nobody has to start anything.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="guard", daemon=True)
        self.gave_up: ConfigError | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        delay, away_since = LOOK_EVERY_S, 0.0
        while not self._stop.wait(delay):
            if postgres.answers(self._data_dir):
                delay = LOOK_EVERY_S
                continue
            away_since = away_since or time.monotonic()
            try:
                self._start_again()
            except _Stopped:
                return
            except ConfigError as error:
                delay = min(delay * 2, MOST_DELAY_S)
                trouble.say(error.reason)
                log.error("database_not_started", extra={"reason": error.reason, "says": str(error), "again_in_s": delay})
                if _is_final(error, time.monotonic() - away_since):
                    self._give_up(error)
                    return
                continue
            log.warning("database_started_again", extra={"after_s": round(time.monotonic() - away_since, 1)})
            trouble.say("")
            delay, away_since = LOOK_EVERY_S, 0.0

    def _start_again(self) -> None:
        """Start the database. Raises ConfigError with the database's message for any failure."""
        try:
            postgres.start_again(self._data_dir, self._wait)
        except (ConfigError, _Stopped):
            raise
        except (OSError, psycopg.Error) as error:
            raise DatabaseUnusable(str(error).strip()) from error
        except Exception as error:
            log.exception("guard_failed")
            raise DatabaseUnusable(type(error).__name__) from error

    def _wait(self, seconds: float) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _give_up(self, error: ConfigError) -> None:
        self.gave_up = error
        log.error("database_given_up", extra={"reason": error.reason})
        os.kill(os.getpid(), signal.SIGTERM)


def _is_final(error: ConfigError, away_s: float) -> bool:
    return isinstance(error, PASSES_NEVER) or (away_s > GIVE_UP_AFTER_S and not isinstance(error, DatabaseFull))
