"""An installation, a simulated Dialpad and a bucket, connected as in production, driven by the test instead of a worker process."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from rokuon.backup import retained
from rokuon.config import Config
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger import read
from rokuon.ledger.models import Call, Copy, Coverage, Hold, Recording, Run, Window
from rokuon.ledger.read import RunProgress
from rokuon.ledger.sql import ms
from rokuon.notify.models import Mail
from rokuon.org import directory, services
from rokuon.org.models import Bucket, Company, Target
from rokuon.runtime import installation
from rokuon.simulator import Simulator, SimulatorThread, Switches, WorldSpec
from rokuon.simulator.events import EndedCall
from rokuon.stores import marker
from rokuon.wiring import backup_now
from rokuon.wiring.connections import API_KEY, CREDENTIAL, bucket_owner, company_owner
from rokuon.wiring.job_handlers import JobHandlers
from tests.checker import Checker, folder_objects
from tests.e2e import seen

T = TypeVar("T")
ROUNDS = 200
DAY_MS = 86_400_000


def small_world(**changes: Any) -> WorldSpec:
    """Forty recordings of five weeks: centers, teams, transfers, calls around midnight, one long call."""
    return WorldSpec(
        **{"now_ms": int(time.time() * 1000), "recordings": 40, "days": 33, "talk_s": (3, 8, 20), "long_call_s": 300} | changes
    )


class Rig:
    """An installation for a test. It sets up the simulator's `companies` with a rule on every target and a folder each as their bucket.
    Close it at the end."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        *,
        world: WorldSpec | None = None,
        switches: Mapping[str, Any] | None = None,
        tls: ssl.SSLContext | None = None,
        **env: str,
    ) -> None:
        self.folder, self.dsn = folder, dsn
        self.environment = {"ROKUON_DATA_DIR": str(folder / "inst"), "ROKUON_DATABASE_URL": dsn, **env}
        self.config = Config.load(self.environment)
        installation.init(self.config)
        self.installation = installation.open_installation(self.config)
        self.sim = Simulator(world or small_world(), Switches(**{"limit_per_second": 0} | dict(switches or {})), ssl_context=tls)
        self._thread = SimulatorThread(self.sim)
        self._thread.__enter__()
        self._ahead = timedelta()
        self.companies = [self._set_up(number, sim_id) for number, sim_id in enumerate(self.sim.world.companies)]

    def _set_up(self, number: int, sim_id: int) -> Company:
        company = services.create_company(f"Company {number}", self.sim.base_url, str(sim_id))
        sealed = self.installation.vault.seal(self.sim.keys.of(sim_id)[0].secret, owner=company_owner(company.pk), field=API_KEY)
        Company.objects.filter(pk=company.pk).update(api_key=sealed, enabled=True, requests_per_second=5_000)
        self.bucket_folder(number).mkdir(parents=True)
        bucket = services.register_bucket(company, self.bucket_folder(number).as_uri())
        services.change(company, services.choice(company, bucket))
        self.run_async(lambda engine: self._mark(engine, bucket))
        self.run_async(lambda engine: self._sync(engine, company.pk))
        Target.objects.filter(company=company).update(backed_up=True)
        company.refresh_from_db()
        return company

    async def _mark(self, engine: JobHandlers, bucket: Bucket) -> None:
        """Create the marker that the verification of a bucket leaves in it."""
        store = engine.connections.open_store(bucket.pk, bucket.url, bucket.credential)
        await marker.create(
            store, marker.Claim(str(bucket.company.claim), self.installation.identity), marker.new_identity(), datetime.now(UTC)
        )
        await store.close()

    async def _sync(self, engine: JobHandlers, company_id: int) -> None:
        told = await (await engine.connections.source(company_id)).directory()
        await engine.db(directory.apply, company_id, told, self.clock())

    def close(self) -> None:
        self._thread.__exit__(None, None, None)
        self.installation.close()

    # --- time and work ------------------------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **how: float) -> None:
        self._ahead += timedelta(**how)
        self.sim.advance(int(timedelta(**how).total_seconds() * 1000))

    def sync(self) -> None:
        """Fetch the first company's directory again."""
        self.run_async(lambda engine: self._sync(engine, self.company.pk))

    def end_call(self, **how: Any) -> EndedCall:
        return self._thread.run(self.sim.end_call(**how))

    def engine(self) -> JobHandlers:
        return JobHandlers(self.installation, queue, clock=self.clock)

    def run_async(self, work: Callable[[JobHandlers], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            engine = self.engine()
            try:
                return await work(engine)
            finally:
                await engine.close()

        return asyncio.run(run())

    @property
    def company(self) -> Company:
        return self.companies[0]

    def start(
        self, company: Company | None = None, wanted: TimeRange | None = None, *, relist: bool = False, two_years: bool = False
    ) -> int:
        """Start Back up now for a range; without one, since the first call of this world or, as in production, for two years. Of the 26
        windows of two years, 24 are empty in a small world, and they would be the largest part of a test's work."""
        company = company or self.company
        if wanted is None and not two_years:
            spec = self.sim.world.spec
            wanted = TimeRange(spec.now_ms - (spec.days + 2) * DAY_MS, ms(self.clock()))
        return backup_now.start(company.pk, ScopeKind.COMPANY, 0, wanted, self.clock(), queue, relist=relist).run_id

    def drain(self, engines: int = 1) -> None:
        """Do all work that is due now according to the ledger, as workers would."""

        async def work() -> None:
            made = [self.engine() for _ in range(engines)]
            try:
                await asyncio.gather(*[self._drain(engine) for engine in made])
            finally:
                for engine in made:
                    await engine.close()

        asyncio.run(work())

    async def _drain(self, engine: JobHandlers) -> None:
        for _ in range(ROUNDS):
            windows = await engine.db(read.queued_windows)
            due = await engine.db(read.companies_with_due_copies, self.clock())
            if not windows and not due:
                return
            await asyncio.gather(*[engine.window(window) for window in windows], *[engine.due(company) for company in due])
        raise AssertionError("the work does not come to an end")

    def back_up_now(self, **how: Any) -> RunProgress:
        run = self.start(**how)
        self.drain()
        return read.run_progress(run)

    def pass_time(self, hours: float = 0, steps: tuple[float, ...] = (0.02, 0.1, 0.3, 1, 4, 12, 24)) -> None:
        """Advance the time, with a tick and its work at each step (hours)."""
        for step in (hours,) if hours else steps:
            self.advance(hours=step)
            before = dict(Hold.objects.values_list("pk", "probes"))
            tick(self.clock())
            self._probe(before)
            self.drain()

    def _probe(self, before: Mapping[int, int]) -> None:
        """Run the probes that the tick asked for."""
        asked = [hold for hold in Hold.objects.filter(lifted_at=None) if hold.probes > before.get(hold.pk, 0)]

        async def probes(engine: JobHandlers) -> None:
            for hold in asked:
                await engine.probe(hold.company_id, hold.pk)

        if asked:
            self.run_async(probes)

    # --- looking ------------------------------------------------------------------------------------------------------------

    def bucket_folder(self, number: int = 0) -> Path:
        return self.folder / "inst" / "buckets" / f"b{number}"

    def objects(self, number: int = 0) -> dict[str, bytes]:
        return folder_objects(self.bucket_folder(number))

    def checker(self, number: int = 0) -> Checker:
        company, sim_id = self.companies[number], list(self.sim.world.companies)[number]
        rules = Target.objects.filter(company=company, backed_up=True).values_list("dialpad_id", flat=True)
        return Checker(self.sim.base_url, self.sim.keys.of(sim_id)[-1].secret, self.dsn, company.pk, list(rules), sim_id)

    def check(self, number: int = 0, **expected: Any) -> None:
        self.check_without_spool(number, **expected)
        leftovers = [str(path) for path in self.config.spool_dir.iterdir() if path.name != retained.FOLDER]
        assert leftovers == [], "the spool returns to nothing (I18)"

    def check_without_spool(self, number: int = 0, **expected: Any) -> None:
        """A killed process leaves spool files; the next start removes them."""
        problems = self.checker(number).problems(self.objects(number), **expected)
        assert not problems, "\n".join([f"{len(problems)} problems, seed {self.sim.world.spec.seed}:", *problems[:20]])

    def states(self, number: int = 0) -> dict[str, int]:
        rows = self.checker(number).rows()
        return {state: sum(row.state == state for row in rows) for state in {row.state for row in rows}}

    def admin_sees(self, number: int = 0) -> seen.Seen:
        return seen.look(self.companies[number], self.clock())

    def mailed(self, kind: str) -> Counter[tuple[str, str]]:
        """Count the mails in the outbox about notices of a kind, by occasion and address."""
        mails = Mail.objects.all()
        return Counter((mail.occasion, mail.to) for mail in mails if any(line["kind"] == kind for line in mail.letter["lines"]))

    def audio_requests(self, number: int = 0) -> int:
        sim_id = list(self.sim.world.companies)[number]
        return self.sim.meter.company(sim_id).audio_requests.total()

    def list_pages(self, number: int = 0) -> int:
        sim_id = list(self.sim.world.companies)[number]
        return self.sim.meter.company(sim_id).list_pages.total()

    def reconfigure(self, **env: str) -> None:
        """Restart with other environment settings."""
        self.environment |= env
        self.config = Config.load(self.environment)
        self.installation.close()
        self.installation = installation.open_installation(self.config)

    def limit_key(self, *scopes: str) -> None:
        """Set the scopes of the first company's key, as its owner does in Dialpad."""
        self.sim.keys.of(self.sim.company.id)[0].scopes = frozenset(scopes)

    def new_key(self) -> None:
        """Enter another key of the first company, as its admin would."""
        secret = self.sim.keys.add(self.sim.company.id).secret
        self.enter_key(secret)

    def enter_key(self, secret: str) -> None:
        sealed = self.installation.vault.seal(secret, owner=company_owner(self.company.pk), field=API_KEY)
        Company.objects.filter(pk=self.company.pk).update(api_key=sealed)

    def attempts(self) -> list[int]:
        return list(Copy.objects.filter(company=self.company).values_list("attempt", flat=True))

    def forget_everything(self) -> None:
        """Delete the ledger, but not the settings (E17, E18)."""
        for table in (Copy, Recording, Call, Coverage, Window, Run, Hold):
            table.objects.all().delete()

    def use_bucket(self, url: str, credential: str = "") -> Bucket:
        """Use another bucket for the first company."""
        bucket = services.register_bucket(self.company, url)
        if credential:
            bucket.credential = self.installation.vault.seal(credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL)
            bucket.save()
        self.run_async(lambda engine: self._mark(engine, bucket))
        services.change(self.company, services.choice(self.company, bucket))
        return bucket
