"""Checks of mail: the server, waiting mails, refused addresses, and companies and offices without a recipient."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta

from django.core.mail import get_connection

from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.config import Config
from rokuon.notify import outbox, recipients
from rokuon.notify.models import Mail
from rokuon.org.models import Company, Office
from rokuon.runtime.mail import trouble
from rokuon.runtime.mail_words import Then, in_words, is_passing

from .check import Check, Level
from .web import ANSWER_S, short_reason

WAITS_LONG = timedelta(minutes=15)
NAMED = 5


def mail_checks(session: CliSession) -> Iterator[Check]:
    yield _server(session.config)
    if session.config.smtp is None:
        return
    yield from _waiting(session)
    yield from _refused(session)
    for company in Company.objects.filter(enabled=True).order_by("name", "pk"):
        yield from _nobody_told(session, company)


def _server(config: Config) -> Check:
    what, server = _("Mail"), config.smtp
    if server is None:
        return Check(
            what,
            Level.WARNING,
            _("no server is set: nobody is notified of failures, and invitations are links that you pass on yourself"),
            _("Set ROKUON_SMTP_URL, then try it with `rokuon notices test ADDRESS`."),
        )
    at = f"{server.host}:{server.port}"
    connection = get_connection(timeout=ANSWER_S)
    try:
        connection.open()
    except OSError as error:
        cause = trouble(error, opening=True)
        return Check(
            what,
            Level.WARNING if is_passing(cause.code) else Level.PROBLEM,
            _("%(at)s cannot be used: %(reason)s") % {"at": at, "reason": _reason(error)},
            in_words(cause),
        )
    finally:
        connection.fail_silently = True  # errors on disconnect do not matter
        connection.close()
    return Check(what, Level.OK, _("%(at)s takes mail from %(sender)s") % {"at": at, "sender": config.sender})


def _reason(error: OSError) -> str:
    return str(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else short_reason(error)


def _waiting(session: CliSession) -> Iterator[Check]:
    found = outbox.outbox_state(None, session.now())
    if found.oldest is not None and found.oldest < session.now() - WAITS_LONG:
        says = ngettext(
            "%(count)d mail waits, the oldest since %(since)s", "%(count)d mails wait, the oldest since %(since)s", found.waiting
        )
        since = output.moment(found.oldest, session.config.time_zone)
        yield Check(
            _("Waiting mails"),
            Level.WARNING,
            says % {"count": found.waiting, "since": since},
            join_sentences(
                in_words(found.error, at=output.moment(found.next_try, session.config.time_zone) if found.next_try else ""),
                _("None is lost: a worker sends them when the mail server takes them. `rokuon notices` shows them."),
            ).strip(),
        )


def _refused(session: CliSession) -> Iterator[Check]:
    recent = Mail.objects.filter(refused_at__gt=session.now() - recipients.REFUSED_FOR).order_by("refused_at", "pk")
    errors = dict(recent.values_list("to", "error"))
    refused = recipients.refused_of(list(errors), session.now())
    for error in sorted({errors[address] for address in refused}):
        yield Check(
            _("Refused addresses"),
            Level.WARNING,
            _some(sorted(address for address in refused if errors[address] == error)),
            join_sentences(
                in_words(error, Then.GIVEN_UP), _("They come from Dialpad, from People, or from `rokuon notices to`: correct them there.")
            ),
        )


def _nobody_told(session: CliSession, company: Company) -> Iterator[Check]:
    """Row C17: whether each backed-up office has a person who can be notified of its failures."""
    what, now = f"{company.name}: {_('recipients of notices')}", session.now()
    offices = Office.objects.filter(company=company, targets__backed_up=True).distinct().order_by("name", "pk")
    known = recipients.known(company.pk, list(offices), now)
    orphans = [office.name for office in offices if all(one.refused_at for one in known[office.pk])]
    if all(one.refused_at for one in known[None]):
        yield Check(
            what,
            Level.PROBLEM if orphans else Level.WARNING,
            _("no company admin can be notified of failures"),
            _("Invite a company admin with `rokuon people invite`, or add an address with `rokuon notices to add`."),
        )
    if orphans:
        yield Check(
            what,
            Level.WARNING,
            _("no office admin can be notified; the company's admins are notified instead: %(offices)s") % {"offices": _some(orphans)},
            _("Invite an office admin with `rokuon people invite`, or add an address with `rokuon notices to add --office NAME`."),
        )
    elif offices:
        yield Check(what, Level.OK, _("every office has a recipient"))


def _some(names: list[str]) -> str:
    more = _("and %(count)d more") % {"count": len(names) - NAMED}
    return _(", ").join(names[:NAMED] + ([more] if len(names) > NAMED else []))
