"""Mails about accounts: plain and HTML, in the reader's language, with no secret but the link."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from .models import Person


def configured() -> bool:
    """Whether this installation sends mail at all (ROKUON_SMTP_URL)."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def send_invitation(person: Person, address: str, company: str, inviter: str, days: int) -> None:
    """Raises OSError (also SMTPException, which is one) where the server does not take it."""
    with translation.override(person.language or translation.get_language()):
        about = {"person": person, "address": address, "company": company, "inviter": inviter, "days": days}
        # Names come from people and from Dialpad: a line break in one would begin a header of its own.
        subject = " ".join((_("%(company)s: your invitation to Rokuon") % {"company": company}).split())[:200]
        mail = EmailMultiAlternatives(subject, render_to_string("accounts/mail/invitation.txt", about), to=[person.email])
        mail.attach_alternative(render_to_string("accounts/mail/invitation.html", about), "text/html")
        mail.send()
