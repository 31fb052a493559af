"""Read model of the system page: facts about the installation, each with advice if something is wrong.

It reads only the database and this machine's disks; `rokuon doctor` also asks Dialpad, the buckets and the mail server.
"""

import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon import __version__
from rokuon.accounts.mail import configured
from rokuon.base import measures
from rokuon.base.addresses import PublicUrl
from rokuon.base.measures import LOW_SPACE, NO_SPACE
from rokuon.config import Config
from rokuon.console.web import status_banner
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.jobs import queue
from rokuon.ledger.models import Run
from rokuon.notify import outbox
from rokuon.org import budget, ranges
from rokuon.org.models import Company
from rokuon.runtime.mail_words import in_words
from rokuon.wiring import budget_text, range_text, sweeps

from . import events_text
from .fact import Fact

SWEEP_LATE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts of one kind. `name` is the anchor of the group on the page."""

    name: str
    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class SystemPage:
    parts: Sequence[FactGroup]

    @property
    def wrong(self) -> int:
        """The number of facts that need attention."""
        return sum(fact.state == "failed" for part in self.parts for fact in part.facts)


def load_system(company: Company, config: Config, public: PublicUrl, now: datetime, zone: str) -> SystemPage:
    return SystemPage(
        [
            FactGroup("work", _("Work"), [_workers(), _sweeps(company, now), _budget(company, zone), *_ranges(company)]),
            FactGroup("events", _("Events from Dialpad"), events_text.facts(company, public, now)),
            FactGroup("mail", _("Mail"), list(_mail(now))),
            FactGroup("machine", _("Database and disks"), [_database(config), *_disks(config)]),
            FactGroup("versions", _("Versions"), _versions()),
        ]
    )


def _workers() -> Fact:
    what, alive = _("Workers"), queue.live_workers(WORKER_SILENT_S)
    if alive:
        return Fact(what, "verified", _("%(count)d alive") % {"count": alive})
    todo = _("Start one on the machine that runs Rokuon: `rokuon worker`, or `rokuon up` for all of it.")
    return Fact(what, "failed", _("none is running"), _("Nothing is backed up at the moment."), todo=todo, at=queue.last_sign_of_life())


def _sweeps(company: Company, now: datetime) -> Fact:
    what = _("Last sweep")
    if not (company.enabled and company.api_key):
        return Fact(what, "excluded", _("not begun"), _("Sweeps begin when the key is entered and backup is enabled."))
    ended = Run.objects.filter(company=company, state=Run.State.FINISHED).exclude(purpose=Run.Purpose.BACK_UP_NOW)
    at = ended.aggregate(at=Max("finished_at"))["at"]
    says = _("Recent calls are checked every %(minutes)d minutes, with or without call events from Dialpad.") % {
        "minutes": sweeps.SWEEPS[-1].every // timedelta(minutes=1)
    }
    if at is None:
        return Fact(what, "waiting", _("none has ended yet"), says)
    if now - at > SWEEP_LATE:
        return Fact(
            what, "waiting", _("late"), says, at=at, todo=_("A hold or a missing worker stops it: the banner at the top says which.")
        )
    return Fact(what, "verified", _("on time"), says, at=at)


def _budget(company: Company, zone: str) -> Fact:
    what, standing = _("Requests to Dialpad"), budget.budget_state(company.pk)
    if pause := status_banner.paused(standing, zone):
        return Fact(what, "waiting", _("paused"), pause)
    words = _("%(rate)s a second at most") % {"rate": f"{round(standing.rate, 2):g}"}
    if standing.lowered:
        return Fact(what, "waiting", words, budget_text.lowered(standing))
    return Fact(what, "verified", words)


def _ranges(company: Company) -> Iterator[Fact]:
    for one in ranges.ignored(company.pk):
        yield Fact(_("List of calls"), "waiting", range_text.says(one), range_text.consequence(), one.last_seen_at, range_text.todo())


def _mail(now: datetime) -> Iterator[Fact]:
    what = _("Mail server")
    if not configured():
        yield Fact(
            what,
            "waiting",
            _("none is set"),
            _("No notification mails are sent about failures; they are only shown here. Invitations are links that you pass on yourself."),
            todo=_("Set ROKUON_SMTP_URL, such as smtp://user:password@mail.example.com:587, and start Rokuon again."),
        )
        return
    yield Fact(what, "", f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}", _("Sender: %(sender)s") % {"sender": settings.DEFAULT_FROM_EMAIL})
    standing, what = outbox.outbox_state(None, now), _("Outbox")
    why = in_words(standing.error)
    if standing.waiting and why:
        waits = ngettext("%(count)s mail waits", "%(count)s mails wait", standing.waiting) % {"count": measures.number(standing.waiting)}
        yield Fact(what, "failed", waits, _("None is lost: they are sent when the server takes them."), standing.oldest, why)
    elif standing.waiting:
        yield Fact(what, "running", _("%(count)s on their way") % {"count": measures.number(standing.waiting)}, at=standing.last_sent)
    elif standing.last_sent is not None:
        yield Fact(what, "verified", _("nothing waits"), _("The last mail was taken by the server."), standing.last_sent)
    else:
        yield Fact(what, "", _("nothing sent yet"), _("A test mail on the page of notices shows whether it works."))


def _database(config: Config) -> Fact:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), pg_database_size(current_database())")
        version, size = cursor.fetchone()
    kind = _("embedded, kept by Rokuon") if config.embedded else _("your own")
    about = {"version": str(version).split()[0], "kind": kind, "size": measures.amount(size)}
    return Fact(_("Database"), "verified", _("answers"), _("PostgreSQL %(version)s, %(kind)s, %(size)s") % about)


def _disks(config: Config) -> Iterator[Fact]:
    for what, path in ((_("Disk of the data folder"), config.data_dir), (_("Disk of the spool"), config.spool_dir)):
        yield _disk(what, path)


def _disk(what: str, path: Path) -> Fact:
    """Return the free space on the machine that serves this page; a worker on another machine has its own disks."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return Fact(what, "waiting", _("not on this machine"), _("Only the machine that serves the console is checked."))
    says = _("%(free)s of %(total)s free") % {"free": measures.amount(usage.free), "total": measures.amount(usage.total)}
    if usage.free < NO_SPACE:
        return Fact(what, "failed", _("full"), says, todo=_("Free some space: nothing can be stored without it."))
    if usage.free < LOW_SPACE:
        return Fact(what, "waiting", _("nearly full"), says, todo=_("Free some space."))
    return Fact(what, "verified", _("enough"), says)


def _versions() -> list[Fact]:
    return [Fact("Rokuon", "", __version__), Fact("Python", "", platform.python_version())]
