"""Mails about accounts: plain text and HTML, in the reader's language. The only secret in them is the link."""

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from rokuon.base import dates, i18n
from rokuon.runtime.mail import compose, name

from .mail_link_models import MailLink
from .models import Person


def configured() -> bool:
    """Whether this installation sends mail at all (ROKUON_SMTP_URL)."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def send_invitation(person: Person, address: str, company: str, inviter: Person, days: int) -> None:
    """Send an invitation. It names the inviter with their sign-in address, because anyone can have a given name. Raises OSError
    (SMTPException is one) if the server does not accept the mail."""
    language = person.language or translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language), i18n.speaking(language):
        about = {
            "address": address,
            "company": name(company),
            "inviter": _called(inviter),
            "days": days,
            "email": person.email,
            "since": dates.local_day(person.created_at, person.time_zone or settings.ROKUON_TIME_ZONE),
            "was_reset": person.reset_at is not None,
        }
        compose(
            _("%(company)s: your invitation to Rokuon") % {"company": name(company)},
            render_to_string("accounts/mail/invitation.txt", about),
            render_to_string("accounts/mail/invitation.html", about),
            person.email,
            language=language,
        ).send()


def send_sign_in_link(email: str, address: str, purpose: str, language: str) -> None:
    """Send a requested link (`mail_links`). It names no person and no company: anyone may have entered the address. Raises OSError if the
    server does not accept the mail."""
    with translation.override(language or settings.LANGUAGE_CODE):
        password = purpose == MailLink.Purpose.PASSWORD
        about = {"address": address, "password": password, "host": settings.ROKUON_PUBLIC_URL.host}
        compose(
            _("Rokuon: choose a new password") if password else _("Rokuon: your sign-in link"),
            render_to_string("accounts/mail/sign_in_link.txt", about),
            render_to_string("accounts/mail/sign_in_link.html", about),
            email,
            language=translation.get_language(),
        ).send()


def _called(person: Person) -> str:
    return _("%(name)s (%(email)s)") % {"name": name(person.name), "email": person.email} if name(person.name) else person.email
