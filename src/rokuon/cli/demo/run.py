"""The steps of the demo after its installation and its Dialpad exist: set up, back up, show the result, and let calls continue."""

import random
import time
from decimal import Decimal
from pathlib import Path

import click
from django.db import connections

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import buckets, companies, settings
from rokuon.base.i18n import _
from rokuon.base.secrets import Secret
from rokuon.cli.backup.follow import FollowResult, View, follow
from rokuon.cli.backup.result import conclude, exit_code
from rokuon.cli.support import output
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.session import CliSession
from rokuon.completeness.headline import of_company
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.org.models import Company
from rokuon.runtime.installation import Installation
from rokuon.stores.verification import FRESH_GRANT_S
from rokuon.wiring import backup_now

from . import planted_faults
from .arrivals import Arrivals
from .console import Console
from .world import RunningWorld

LIMIT_PER_SECOND = Decimal(20)
CALL_EVERY_S = 5.0
TALK_MS = (6_000, 70_000)


class Demo:
    """Use as a context manager: the console and the worker that it starts end with it. `shown` is the data folder as the person typed it,
    `command` is the command line that calls `rokuon` on the demo."""

    def __init__(self, installation: Installation, dialpad: RunningWorld, folder: Path, shown: Path, command: str) -> None:
        self._session = CliSession(installation.config, installation)
        self._dialpad, self._bucket, self._shown, self._command = dialpad, folder / "bucket", shown, command
        self._crew = EnsuredWorker(self._session, quiet=True)
        self._console = Console(self._session, command)

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_error: object) -> None:
        self._console.stop()
        self._crew.stop()
        connections.close_all()

    def open(self) -> int:
        """Run the demo with the console, which starts first, so that people can watch the backup there. Return the run's exit code."""
        company = self._set_up()
        bad = planted_faults.withheld(self._dialpad.truth()) if planted_faults.due(company) else []
        if bad:
            self._dialpad.script(bad)
            planted_faults.say_planted(len(bad))
        self._crew.start()
        self._console.start()
        self._console.open(company)
        _heading(_("Back up now: the past two years"))
        end, view = self._run(company)
        code = conclude(end, view, self._session.zone_of(company), quiet=False)
        output.say(_("The recordings are in %(path)s/") % {"path": self._shown / "bucket" / "call-recordings"})
        self._dialpad.script([])
        self._say_what_to_try()
        if planted_faults.left(company):
            planted_faults.say_how_to_win(company, self._session.config.public.origin)
        return code

    def let_calls_end(self) -> None:
        """Let calls end until something that the demo needs has ended; the caller can interrupt it."""
        company = Company.objects.get(base_url=self._dialpad.world.base_url)
        centers = list(company.targets.filter(kind="callcenter").order_by("pk"))
        drawn, arrivals = random.SystemRandom(), Arrivals(company.pk)
        due, open_cause = time.monotonic(), planted_faults.left(company) > 0
        while self._dialpad.alive and self._crew.working and self._console.alive:
            if time.monotonic() >= due:
                due = time.monotonic() + CALL_EVERY_S
                center, ended_at = drawn.choice(centers), self._session.now()
                [recording] = self._dialpad.end_call(int(center.dialpad_id), drawn.randrange(*TALK_MS))
                arrivals.expect(recording, center.name, ended_at)
            arrivals.say_new(self._session.now())
            if open_cause and (answer := of_company(company, self._session.now())).severity == "verified":
                open_cause = False
                planted_faults.say_won(answer.sentence)
            time.sleep(0.2)

    def back_up_twice(self) -> int:
        """Run twice; return the exit code of the worse run."""
        company = self._set_up()
        self._crew.start()
        self._dialpad.forget()
        _heading(_("Back up now: the past two years"))
        _first_end, first = self._run(company)
        self._say_fetched()
        self._dialpad.forget()
        _heading(_("Back up now, again: only what is missing or failed"))
        end, second = self._run(company)
        self._say_fetched()
        code = conclude(end, second, self._session.zone_of(company), quiet=False)
        output.say(_("The recordings are in %(path)s/") % {"path": self._shown / "bucket" / "call-recordings"})
        return max(code, exit_code(first.progress))

    def _set_up(self) -> Company:
        session, now = self._session, self._session.now()
        hello = self._dialpad.hello
        output.say(
            _("A simulated Dialpad answers at %(url)s, at Dialpad's documented limit of %(limit)d requests per second.")
            % {"url": self._dialpad.world.base_url, "limit": LIMIT_PER_SECOND}
        )
        company = Company.objects.filter(base_url=self._dialpad.world.base_url).first()
        if company is None:
            company, result, _account = companies.add_company(
                session.installation, self._dialpad.world.base_url, Secret(hello["key"]), COMMAND_LINE, now
            )
        else:
            result = companies.sync(session.installation, company, COMMAND_LINE, now)
        output.say(
            _("Directory sync: %(company)s, %(read)s.")
            % {
                "company": company.name,
                "read": output.read_from_dialpad(result.offices, result.contact_centers, result.coaching_teams, result.users),
            }
        )
        if company.bucket_id is None:
            self._choose(company)
        company.refresh_from_db()
        return company

    def _choose(self, company: Company) -> None:
        """Set the company's settings, once; later changes by a visitor stay."""
        url = self._bucket.as_uri()
        bucket = company.buckets.filter(url=buckets.canonical_bucket_url(self._session.config, url)).first()
        if bucket is None:
            bucket, verification = buckets.add_bucket(
                self._session.installation, company, url, None, COMMAND_LINE, self._session.now(), patience=FRESH_GRANT_S
            )
            if bucket is None:
                raise verification.failure or RuntimeError("a bucket that was verified is not registered")
        wanted = {"enabled": True, "bucket": bucket, "requests_per_second": LIMIT_PER_SECOND}
        settings.change(company, wanted, COMMAND_LINE, self._session.now())
        settings.change_rules(company, list(company.targets.all()), [], queue, COMMAND_LINE, self._session.now())
        output.say(_("Settings: backup enabled, bucket %(url)s verified, rules of all targets enabled.") % {"url": bucket.url})

    def _run(self, company: Company) -> tuple[FollowResult, View]:
        began = time.monotonic()
        started = backup_now.start(company.pk, ScopeKind.COMPANY, 0, None, self._session.now(), queue)
        end, view = follow(started.run_id, as_json=False, keep_working=self._crew.keep_working)
        total = view.progress.total
        output.say(
            _("Run %(run)d took %(time)s: %(pages)s listed, %(verified)s verified, %(size)s in the bucket.")
            % {
                "run": view.progress.run.pk,
                "time": output.duration(time.monotonic() - began),
                "pages": output.pages(view.progress.pages),
                "verified": output.recordings(total.verified),
                "size": output.amount(total.bytes),
            }
        )
        return end, view

    def _say_fetched(self) -> None:
        output.say(_("Recordings asked of Dialpad in this run: %(count)s") % {"count": output.number(self._dialpad.audio_requests())})

    def _say_what_to_try(self) -> None:
        output.say(
            "\n"
            + _(
                "Until Ctrl-C, a call ends at the simulated Dialpad every few seconds, and its recording is in the bucket seconds later: "
                "Dialpad tells the console of it. In another terminal:"
            )
        )
        for command in ("status", "failures", "backup-now", "settings show"):
            click.echo(f"  {self._command} {command}")


def _heading(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))
