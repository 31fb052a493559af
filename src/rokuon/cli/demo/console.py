"""The demo's console: a web server beside the demo, two sample people, and a sign-in link and a password for the visitor."""

import time
import urllib.error
import urllib.request
from datetime import datetime
from secrets import token_urlsafe

import click

from rokuon.accounts import links, operators, proof
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import Link, Membership, Person
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.cli.support.subprocesses import Child, rokuon
from rokuon.domain.failures import InternalFault
from rokuon.org.models import Company, Office

START_S = 30.0


class Console:
    """The caller of `start` must call `stop`. `command` is the command line that calls `rokuon` on the demo."""

    def __init__(self, session: CliSession, command: str) -> None:
        self._session, self._command = session, command
        self._child: Child | None = None

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    def start(self) -> None:
        """Start the server and return when it answers. Raises InternalFault if it does not."""
        self._child = Child(rokuon("serve", "--processes", "1"))
        deadline = time.monotonic() + START_S
        while not self._answers():
            if not self._child.alive or time.monotonic() > deadline:
                click.echo(self._child.said(), err=True)
                raise InternalFault("the console does not start")
            time.sleep(0.1)

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self._session.config.public.origin}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def open(self, company: Company) -> None:
        """Print the address and a new link."""
        _people(company, self._session.now())
        password = _password(self._session.now())
        person, token = operators.sign_in_link(None, self._session.now())
        origin = self._session.config.public.origin
        minutes = int(links.LIFE[Link.Kind.SIGN_IN].total_seconds() // 60)
        output.say("\n" + click.style(_("The console is open: %(url)s") % {"url": origin}, bold=True))
        about = {"email": person.email, "minutes": minutes}
        output.say(_("This link signs you in as %(email)s, once, within %(minutes)d minutes:") % about)
        output.say(f"  {origin}{links.path(token)}")
        output.say(_("Another link: %(command)s") % {"command": f"{self._command} admin-link"})
        output.say(_("The console asks for a password again before far-reaching changes. It is: %(password)s") % {"password": password})


def _password(now: datetime) -> str:
    """Set a new password for the operator and return it. The first use of a link would remove it, if the address were not proven before."""
    operator, _token = operators.sign_in_link(None, now)
    proof.prove(COMMAND_LINE, operator, Person.Proof.OPERATOR, now)
    operator.refresh_from_db()
    password = token_urlsafe(12)
    operator.set_password(password)
    operator.save(update_fields=["password"])
    return password


def _people(company: Company, now: datetime) -> None:
    """Add one person for each lesser role, so that the people page is not empty. They cannot sign in, and each start invites them again, so
    that no invitation has expired."""
    office = Office.objects.filter(company=company).order_by("name").first()
    for email, name, role, within in (
        ("hanako@example.com", "佐藤 花子", Membership.Role.OFFICE_ADMIN, office),
        ("viewer@example.com", "Ingrid Weber", Membership.Role.VIEWER, None),
    ):
        person, made = Person.objects.get_or_create(email=email, defaults={"name": name})
        if made:
            person.set_unusable_password()
            person.save()
            Membership.objects.create(person=person, company=company, office=within, role=role)
        if person.last_login is None:
            links.make(person, Link.Kind.INVITATION, Link.Handed.SCREEN, now)
