"""Rokuon in a benchmark: its own installation with real worker processes, and runs of Back up now."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rokuon.stores import marker
from rokuon.stores.registry import kind_of

from .processes import ask_to_end, start, tree_cpu_seconds

WORKERS_READY_S = 30.0
RUN_WITHIN_S = 180.0
CANCEL_S = 8.0
"""Time until the requests in flight at a cancel have ended: they wait for their send slots."""
OFF = 50_000
"""Requests per second that no machine reaches: the budget is off."""


@dataclass(frozen=True)
class Ran:
    """One run: duration, CPU of the worker processes and of PostgreSQL, and the ledger's counts."""

    seconds: float
    worker_cpu: float
    database_cpu: float
    verified: int
    other: int
    pages: int
    calls: int


class Rokuon:
    """An open installation. Use `opened`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        from rokuon.config import Config
        from rokuon.runtime import installation
        from rokuon.runtime.django_start import start_django

        self.folder, self._stack = folder, stack
        os.environ["ROKUON_DATA_DIR"] = str(folder)
        os.environ["ROKUON_LOG_LEVEL"] = "info"
        config = Config.load()
        installation.init(config)
        self.installation = stack.enter_context(installation.open_installation(config))
        start_django()
        from django.core.management import call_command
        from django.db import connections

        stack.callback(connections.close_all)
        call_command("migrate", verbosity=0)
        self._workers: list[int] = []

    @property
    def buckets(self) -> Path:
        return self.folder / "buckets"

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Start worker processes that are ready for jobs when this yields."""
        from rokuon.jobs.queue import live_workers

        with ExitStack() as stack:
            before = live_workers(5)
            started = [start(stack, [sys.executable, "-m", "rokuon", "worker", "--one"], self.folder / "workers.log") for _ in range(count)]
            deadline = time.monotonic() + WORKERS_READY_S
            while live_workers(5) < before + count:
                if time.monotonic() > deadline or any(one.poll() is not None for one in started):
                    raise RuntimeError("the workers did not start; see workers.log")
                time.sleep(0.1)
            self._workers = [one.pid for one in started]
            stack.callback(ask_to_end, started)
            yield
            self._workers = []

    def company(self, base_url: str, key: str, bucket_url: str, requests_per_second: float, media_charge: str = "one") -> int:
        """Create a company with all its targets backed up into the bucket; return its id."""
        from django.utils import timezone

        from rokuon.dialpad.pacing import UnpacedSlots
        from rokuon.dialpad.source import DialpadSource
        from rokuon.org import directory, services
        from rokuon.org.models import Company, Target
        from rokuon.wiring.connections import API_KEY, company_owner, store_settings

        # The source has the same company again, so the company of the previous run gives up its identity.
        for known in Company.objects.exclude(dialpad_id=""):
            Company.objects.filter(pk=known.pk).update(dialpad_id=f"before-{known.pk}")
        company = services.create_company("Benchmark", base_url, "")
        sealed = self.installation.vault.seal(key, owner=company_owner(company.pk), field=API_KEY)
        Company.objects.filter(pk=company.pk).update(
            api_key=sealed, enabled=True, requests_per_second=requests_per_second, media_charge=media_charge
        )
        bucket = services.register_bucket(company, bucket_url)
        services.change(company, services.choice(company, bucket))

        async def read() -> object:
            store = kind_of(bucket_url).open(bucket_url, None, store_settings(self.installation.config))
            await marker.create(
                store, marker.Claim(str(company.claim), self.installation.identity), marker.new_identity(), datetime.now(UTC)
            )
            await store.close()
            source = DialpadSource(base_url, key, UnpacedSlots(time.monotonic), now_ms=lambda: int(time.time() * 1000))
            try:
                return await source.directory()
            finally:
                await source.close()

        directory.apply(company.pk, asyncio.run(read()), timezone.now())  # type: ignore[arg-type]
        Target.objects.filter(company_id=company.pk).update(backed_up=True)
        return company.pk

    def back_up(self, company_id: int, since_ms: int, until_ms: int, *, until: Callable[[], bool] = lambda: False) -> Ran:
        """Run Back up now over the range, until the run ends or `until` returns true."""
        from django.utils import timezone

        from rokuon.domain.ports import TimeRange
        from rokuon.domain.recording import ScopeKind
        from rokuon.jobs import queue
        from rokuon.ledger import read
        from rokuon.ledger.models import Run
        from rokuon.wiring import backup_now

        workers, database = self._cpu()
        began = time.monotonic()
        wanted = TimeRange(since_ms, until_ms)
        run = backup_now.start(company_id, ScopeKind.COMPANY, 0, wanted, timezone.now(), queue).run_id
        while Run.objects.filter(pk=run, state=Run.State.RUNNING).exists() and not until():
            if time.monotonic() - began > RUN_WITHIN_S:
                raise RuntimeError(f"run {run} does not end: {self.failures(company_id)}; see {self.folder / 'workers.log'}")
            time.sleep(0.05)
        seconds = time.monotonic() - began
        workers_after, database_after = self._cpu()
        progress = read.run_progress(run)
        total = progress.total
        return Ran(
            seconds,
            workers_after - workers,
            database_after - database,
            total.verified,
            total.pending + total.failed + total.gone + total.excluded,
            progress.pages,
            progress.calls,
        )

    def recorded_calls(self, company_id: int) -> tuple[int, int]:
        """Return how many of the company's listed calls were recorded, and how many there are."""
        from rokuon.ledger.models import Call

        calls = Call.objects.filter(target__company_id=company_id)
        return calls.filter(was_recorded=True).count(), calls.count()

    def failures(self, company_id: int) -> str:
        """Return why copies are not verified, for the error message of an invalid run."""
        from rokuon.ledger.models import Copy

        rows = Copy.objects.filter(company_id=company_id).exclude(state="verified").values_list("state", "reason", "detail")[:5]
        return "; ".join(" ".join(row) for row in rows)

    def cancel(self, company_id: int) -> None:
        """Cancel the company's runs, and wait until the workers have stopped working on them."""
        from django.utils import timezone

        from rokuon.ledger import runs
        from rokuon.ledger.models import Run

        for run in Run.objects.filter(company_id=company_id, state=Run.State.RUNNING):
            runs.cancel(run.pk, timezone.now())
        time.sleep(CANCEL_S)

    def _cpu(self) -> tuple[float, float]:
        postmaster = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        return sum(tree_cpu_seconds(pid) for pid in self._workers), tree_cpu_seconds(postmaster)


@contextmanager
def opened(folder: Path) -> Iterator[Rokuon]:
    """Open a new installation in `folder`; its database stops at the end."""
    with ExitStack() as stack:
        yield Rokuon(folder, stack)
