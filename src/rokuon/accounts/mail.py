"""Mails about accounts: plain and HTML, in the reader's language, with no secret but the link."""

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from rokuon.ops.mail import compose

from .models import Person


def configured() -> bool:
    """Whether this installation sends mail at all (ROKUON_SMTP_URL)."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def send_invitation(person: Person, address: str, company: str, inviter: str, days: int) -> None:
    """Raises OSError (also SMTPException, which is one) where the server does not take it."""
    language = person.language or translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        about = {"person": person, "address": address, "company": company, "inviter": inviter, "days": days}
        compose(
            _("%(company)s: your invitation to Rokuon") % {"company": company},
            render_to_string("accounts/mail/invitation.txt", about),
            render_to_string("accounts/mail/invitation.html", about),
            person.email,
            language=language,
        ).send()
