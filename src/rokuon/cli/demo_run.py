"""What the demo does once its installation and its Dialpad stand: set up, back up twice, show the result."""

import time
from decimal import Decimal
from pathlib import Path

import click
from django.db import connections

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.ops.i18n import _
from rokuon.ops.installation import Installation
from rokuon.ops.secrets import Secret
from rokuon.org.models import Company
from rokuon.stores.verification import FRESH_GRANT_S
from rokuon.wiring import backup_now, settings, setup

from . import output
from .backup import company_zone
from .crew import Crew
from .demo_world import RunningWorld
from .follow import End, View, follow
from .session import Session
from .verdict import conclude, exit_code

LIMIT_PER_SECOND = Decimal(20)


class Demo:
    """Use as a context manager: the worker that it starts ends with it. `shown` is the data folder as the person wrote it."""

    def __init__(self, installation: Installation, dialpad: RunningWorld, folder: Path, shown: Path) -> None:
        self._session = Session(installation.config, installation)
        self._dialpad, self._bucket, self._shown = dialpad, folder / "bucket", shown
        self._crew = Crew(self._session, quiet=True)

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_error: object) -> None:
        self._crew.stop()
        connections.close_all()

    @property
    def worker_alive(self) -> bool:
        return self._crew.working

    def back_up_twice(self) -> int:
        """The exit code of the worse of the two runs."""
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
        code = conclude(end, second, company_zone(self._session, company), quiet=False)
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
            company, result, _account = setup.add_company(
                session.installation, self._dialpad.world.base_url, Secret(hello["key"]), COMMAND_LINE, now
            )
        else:
            result = setup.sync(session.installation, company, COMMAND_LINE, now)
        output.say(
            _("Directory sync: %(company)s, %(offices)d offices, %(centers)d contact centers, %(teams)d coaching teams, %(users)d people.")
            % {
                "company": company.name,
                "offices": result.offices,
                "centers": result.contact_centers,
                "teams": result.coaching_teams,
                "users": result.users,
            }
        )
        if company.bucket_id is None:
            self._choose(company)
        company.refresh_from_db()
        return company

    def _choose(self, company: Company) -> None:
        """Settings of the company, once; what a visitor changes later stays."""
        url = self._bucket.as_uri()
        bucket = company.buckets.filter(url=setup.canonical_bucket_url(self._session.config, url)).first()
        if bucket is None:
            bucket, verification = setup.add_bucket(
                self._session.installation, company, url, None, COMMAND_LINE, self._session.now(), patience=FRESH_GRANT_S
            )
            if bucket is None:
                raise verification.failure or RuntimeError("a bucket that was verified is not registered")
        wanted = {"enabled": True, "bucket": bucket, "requests_per_second": LIMIT_PER_SECOND}
        settings.change(company, wanted, COMMAND_LINE, self._session.now())
        settings.change_rules(company, list(company.targets.all()), [], queue, COMMAND_LINE, self._session.now())
        output.say(_("Settings: backup enabled, bucket %(url)s verified, rules of all targets enabled.") % {"url": bucket.url})

    def _run(self, company: Company) -> tuple[End, View]:
        began = time.monotonic()
        started = backup_now.start(company.pk, ScopeKind.COMPANY, 0, None, self._session.now(), queue)
        end, view = follow(started.run_id, as_json=False, keep_working=self._crew.keep_working)
        total = view.progress.total
        output.say(
            _("Run %(run)d took %(time)s: %(pages)d pages listed, %(verified)s verified, %(size)s in the bucket.")
            % {
                "run": view.progress.run.pk,
                "time": output.duration(time.monotonic() - began),
                "pages": view.progress.pages,
                "verified": output.recordings(total.verified),
                "size": output.amount(total.bytes),
            }
        )
        return end, view

    def _say_fetched(self) -> None:
        output.say(_("Recordings asked of Dialpad in this run: %(count)s") % {"count": output.number(self._dialpad.audio_requests())})

    def say_what_to_try(self) -> None:
        data = f"rokuon --data {self._shown}"
        output.say("\n" + _("The simulated Dialpad and a worker go on until Ctrl-C. Try in another terminal:"))
        for command in ("status", "settings show", "backup-now --relist", "runs", "failures", "doctor"):
            click.echo(f"  {data} {command}")


def _heading(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))
