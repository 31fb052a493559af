"""Transactional outbox: mails are queued in the caller's transaction and delivered later, at least once.

A sender claims a mail by a conditional update, sends it without a transaction, and then stores the outcome. If it dies in between, the mail
is due again after `LEASE` and is sent twice, with the same Message-ID. This module does not know why a mail was written.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q

from rokuon.accounts.mail import configured
from rokuon.runtime.mail import INVALID, MailProblem, Whose, compose, trouble
from rokuon.runtime.mail_addresses import is_address

from .message import Letter, from_json
from .models import Mail, Occasion
from .recipients import Address
from .render import Rendered, render

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""After the first try, the second, ...; the last one from then on."""

GIVE_UP_AFTER = timedelta(days=7)
LEASE = timedelta(minutes=5)
"""Longer than an unresponsive server can hold a mail: MAIL_WITHIN_S for each of at most a dozen answers."""

SHARE_S = 60.0
"""After this time a job begins no further mail, so that other jobs can run."""

LATE = timedelta(minutes=30)
CLAIMED = "sending"

LOCK = 0x526F6B0D
"""Key of our PostgreSQL advisory lock: it serialises the handling of letters of one office that nobody can receive."""


class RunsInDatabase(Protocol):
    """Runs a function that uses Django's connection in a place that has one, and returns its result."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


def directly(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """A `RunsInDatabase` for a thread that may use a connection of its own."""
    return function(*args, **kwargs)


def put(letter: Letter, addresses: Iterable[Address], *, company_id: int | None, office_id: int | None, now: datetime) -> int:
    """Queue one mail of this letter for each address, due at once, in the caller's transaction. Returns the number of mails.

    If this installation sends no mail (no ROKUON_SMTP_URL), nothing is queued: a notice is then visible in the console only, and old mails
    must not go out on the day on which an operator sets a server.
    """
    if not configured():
        return 0
    stored = letter.as_json()
    mails = [
        Mail(
            company_id=company_id,
            office_id=office_id,
            occasion=letter.occasion,
            to=address.email,
            language=address.language,
            letter=stored,
            created_at=now,
            due_at=now,
        )
        for address in addresses
    ]
    return len(Mail.objects.bulk_create(mails))


def waits(now: datetime) -> bool:
    """Whether a mail is due."""
    return Mail.objects.filter(due_at__lte=now).exists()


def send_due(
    database: RunsInDatabase,
    clock: Callable[[], datetime],
    origin: str,
    admins: Callable[[int], Sequence[Address]],
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Send due mails over one connection, until none is due, the job's time is used up, or the server cannot be used. Returns whether more
    mails are due.

    Any number of senders may run at a time. The calling thread holds no database connection of its own: all database access goes through
    `database`. `admins` returns a company's admins, for letters that nobody of an office can receive (C17).
    """
    ends = time.monotonic() + SHARE_S
    line = _Connection()
    try:
        while not stopping() and database(waits, clock()):
            if time.monotonic() > ends:
                return True
            try:
                line.open()
            except OSError as error:
                database(_put_all_back, trouble(error, opening=True), clock())
                return False
            mail = database(_claim, clock())
            if mail is not None and not _send(line, mail, database, clock, origin, admins):
                return False
    finally:
        line.close()
    return False


def _send(
    line: "_Connection",
    mail: Mail,
    database: RunsInDatabase,
    clock: Callable[[], datetime],
    origin: str,
    admins: Callable[[int], Sequence[Address]],
) -> bool:
    """Send a mail; return whether another one can be sent now."""
    if not is_address(mail.to):
        database(_failed, mail.pk, MailProblem(Whose.ADDRESS, INVALID, True), clock(), admins)
        return True
    try:
        line.send(mail, rendered(mail, origin, clock()))
    except OSError as error:
        cause = trouble(error)
        database(_failed, mail.pk, cause, clock(), admins)
        if cause.whose is Whose.SERVER:
            database(_put_all_back, cause, clock())
            return False
        if cause.whose is Whose.CONNECTION:
            line.close()
        return True
    except Exception as error:
        # A fault of ours in one mail must not block the others.
        log.exception("mail_crashed", extra={"mail": mail.pk})
        database(_failed, mail.pk, MailProblem(Whose.MESSAGE, type(error).__name__), clock(), admins)
        return True
    database(_sent, mail.pk, clock())
    return True


def rendered(mail: Mail, origin: str, now: datetime) -> Rendered:
    """Return the text of a mail. A delayed mail states the time of its figures."""
    return render(from_json(mail.letter), mail.language, origin, mail.created_at if now - mail.created_at >= LATE else None)


class NoServer(OSError):
    """No server is set any more (ROKUON_SMTP_URL), although mails wait for one."""


class _Connection:
    """A connection to the mail server, opened when needed. Its errors are OSError, as all of smtplib's are."""

    def __init__(self) -> None:
        self._backend: Any = None

    def open(self) -> None:
        if self._backend is None:
            if not configured():
                raise NoServer
            self._backend = get_connection()
            self._backend.open()
            # Detects an unresponsive server before a mail is claimed for it.
            self._backend.connection.ehlo_or_helo_if_needed()

    def send(self, mail: Mail, words: Rendered) -> None:
        self.hand_over(compose(words.subject, words.text, words.html, mail.to, language=mail.language, token=mail.token, notice=True))

    def hand_over(self, message: EmailMessage) -> None:
        message.connection = self._backend
        message.send()

    def close(self) -> None:
        if self._backend is not None:
            self._backend.fail_silently = True  # errors on disconnect do not matter
            self._backend.close()
            self._backend = None


def _claim(now: datetime) -> Mail | None:
    """Claim and return the mail that has been due longest; None if another sender was faster or nothing is due."""
    mail = Mail.objects.filter(due_at__lte=now).order_by("due_at", "pk").first()
    if mail is None:
        return None
    ours = Mail.objects.filter(pk=mail.pk, due_at=mail.due_at).update(due_at=now + LEASE, tries=F("tries") + 1, error=CLAIMED)
    mail.tries += 1
    return mail if ours else None


@transaction.atomic
def _sent(mail_id: int, now: datetime) -> None:
    """Store that the mail was accepted. So the server works again: mails that wait because it did not are due now."""
    if Mail.objects.filter(pk=mail_id, sent_at=None).update(sent_at=now, due_at=None, refused_at=None, error=""):
        log.info("mail_sent", extra={"mail": mail_id})
    servers = Q(error__startswith=f"{Whose.SERVER}:") | Q(error__startswith=f"{Whose.CONNECTION}:")
    Mail.objects.filter(servers, due_at__gt=now).exclude(pk=mail_id).update(due_at=now)


@transaction.atomic
def _failed(mail_id: int, cause: MailProblem, now: datetime, admins: Callable[[int], Sequence[Address]]) -> None:
    """Store that the mail was not accepted: schedule its next try, or give it up."""
    mail = Mail.objects.get(pk=mail_id)
    waiting = Mail.objects.filter(pk=mail_id, due_at__isnull=False)
    log.warning("mail_not_taken", extra={"mail": mail_id, "error": str(cause), "tries": mail.tries})
    if not cause.final and now - mail.created_at < GIVE_UP_AFTER:
        waiting.update(due_at=now + _pause(mail.tries), error=str(cause))
    elif waiting.update(due_at=None, refused_at=now, error=str(cause)):
        log.warning("mail_refused", extra={"mail": mail_id, "error": str(cause)})
        if cause.whose in (Whose.ADDRESS, Whose.MESSAGE):
            _tell_admins_instead(mail, now, admins)


def _pause(tries: int) -> timedelta:
    return BACKOFF[min(max(tries, 1), len(BACKOFF)) - 1]


@transaction.atomic
def _put_all_back(cause: MailProblem, now: datetime) -> None:
    """The server cannot be used: postpone every due mail by its own count of tries, and give up those that have waited too long."""
    due = Mail.objects.filter(due_at__lte=now)
    gone = due.filter(created_at__lte=now - GIVE_UP_AFTER).update(due_at=None, refused_at=now, error=str(cause))
    put_back = 0
    for tries in range(len(BACKOFF)):
        those = due.filter(tries=tries) if tries < len(BACKOFF) - 1 else due.filter(tries__gte=tries)
        put_back += those.update(due_at=now + _pause(tries + 1), tries=F("tries") + 1, error=str(cause))
    log.warning("mail_server_unusable", extra={"error": str(cause), "mails": put_back, "given_up": gone})


def _tell_admins_instead(mail: Mail, now: datetime, admins: Callable[[int], Sequence[Address]]) -> None:
    """Send a letter that nobody of the office can receive to its company's admins, once. Not while another reader of the office got the
    same letter or may still get it."""
    letter = from_json(mail.letter)
    if mail.office_id is None or mail.company_id is None or letter.fallback:
        return
    with connection.cursor() as cursor:
        # Two readers of one letter may be refused at the same moment, and each transaction must see the other.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, mail.office_id])
    told = replace(letter, fallback=True)
    same = Mail.objects.filter(company=mail.company_id, office=mail.office_id, occasion=mail.occasion)
    if same.filter(letter=mail.letter, created_at=mail.created_at, refused_at=None).exists():
        return
    if same.filter(letter=told.as_json(), created_at__gte=mail.created_at).exists():
        return
    put(told, admins(mail.company_id), company_id=mail.company_id, office_id=mail.office_id, now=now)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """The state of the outbox. `waiting` mails, the oldest of them queued at `oldest`; the server last accepted one at `last_sent`. `error`
    is the server's answer to the oldest refused mail that still waits (`runtime.mail_words`); it is tried again at `next_try`. `refused`
    mails of the past seven days were given up, the newest with `refused_error`."""

    waiting: int = 0
    oldest: datetime | None = None
    last_sent: datetime | None = None
    error: str = ""
    next_try: datetime | None = None
    refused: int = 0
    refused_error: str = ""


def outbox_state(company_id: int | None, now: datetime) -> OutboxState:
    """Return the outbox state of a company; of the whole installation for None."""
    mails = Mail.objects.filter(company=company_id) if company_id is not None else Mail.objects.all()
    due = mails.filter(due_at__isnull=False)
    waiting = due.aggregate(count=Count("pk"), oldest=Min("created_at"))
    troubled = due.exclude(error__in=("", CLAIMED)).order_by("created_at", "pk").first()
    refused = mails.filter(refused_at__gt=now - GIVE_UP_AFTER).order_by("-refused_at", "-pk")
    newest = refused.first()
    return OutboxState(
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        last_sent=mails.aggregate(at=Max("sent_at"))["at"],
        error=troubled.error if troubled else "",
        next_try=troubled.due_at if troubled else None,
        refused=refused.count(),
        refused_error=newest.error if newest else "",
    )


def trial(address: str, language: str, company: str, zone: str, origin: str) -> MailProblem | None:
    """Send a test mail now, outside of the outbox, so that the user sees the result at once: None if the server accepted it.

    Takes as long as the server does, at most MAIL_WITHIN_S for each of its answers. The caller has checked that mail is configured.
    """
    if not is_address(address):
        return MailProblem(Whose.ADDRESS, INVALID, True)
    words = render(Letter(Occasion.TRIAL, company=company, zone=zone), language, origin)
    message = compose(words.subject, words.text, words.html, address, language=language, notice=True)
    line, opened = _Connection(), False
    try:
        line.open()
        opened = True
        line.hand_over(message)
    except OSError as error:
        return trouble(error, opening=not opened)
    finally:
        line.close()
    return None
