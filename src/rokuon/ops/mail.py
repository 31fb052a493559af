"""How this installation writes mails and understands what a mail server answers, for invitations and notices alike."""

import re
import smtplib
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email

from rokuon.ops.addresses import PublicUrl
from rokuon.ops.i18n import _

MOST_SUBJECT = 160
"""Characters. More than any list of mails shows; a header of it stays far below what servers take."""

_SPACES = re.compile(r"\s+")


def one_line(text: str, most: int = MOST_SUBJECT) -> str:
    """Text that may hold names from outside, for one line: no line break, no other control character, and none of the invisible ones
    that turn the direction of what follows; cut with an ellipsis."""
    seen = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    # Cf: marks of direction, zero-width and tag characters. Cs: halves of a pair, which cannot be encoded.
    seen = _SPACES.sub(" ", "".join(one for one in seen if unicodedata.category(one) not in ("Cf", "Cs"))).strip()
    return seen if len(seen) <= most else f"{seen[: most - 1].rstrip()}…"


def is_address(text: str) -> bool:
    """Whether a server would be asked for this address at all. What Dialpad's directory holds was typed by people."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def compose(
    subject: str, text: str, html: str, to: str, *, language: str, token: uuid.UUID | None = None, notice: bool = False
) -> EmailMultiAlternatives:
    """A mail by a program: no automatic answer is wanted. Every line is ASCII of at most 78 characters, whatever the words are, so that
    it passes servers that take no 8-bit text. `token` makes its Message-ID. A `notice` can be sorted by its List-Id."""
    public: PublicUrl = settings.ROKUON_PUBLIC_URL
    domain = "localhost" if public.host.startswith("[") else public.host
    mail = _Mail(
        one_line(subject),
        text,
        to=[to],
        headers={
            "Message-ID": f"<{token or uuid.uuid4()}@{domain}>",
            "Date": format_datetime(datetime.now(UTC)),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": language,
            **({"List-Id": f"Rokuon <notices.{domain}>"} if notice else {}),
        },
    )
    encoding = Charset("utf-8")
    # Quoted-printable takes nine characters for a Japanese one; base64 hides Latin text from those who read the raw mail.
    encoding.body_encoding = BASE64 if language == "ja" else QP
    mail.encoding = encoding
    mail.attach_alternative(html, "text/html")
    return mail


class _Mail(EmailMultiAlternatives):
    def message(self) -> Any:
        """Its subject in encoded words (RFC 2047) that are short enough for the first to stand beside "Subject:"; otherwise the header
        would begin with an empty line. A name that looks like such a word would be decoded, line breaks and all: it is encoded too."""
        made, subject = super().message(), str(self.subject)
        if not subject.isascii() or "=?" in subject:
            made.replace_header("Subject", Header(subject, "utf-8").encode(maxlinelen=60, linesep=""))
        return made


class Whose(StrEnum):
    """What the trouble with a mail concerns. `SERVER`: every mail, since the server is away, or refuses the password or the sender.
    `CONNECTION`: lost in the middle, nobody knows why. `POLICY`: the server does not relay this mail for us. `ADDRESS`: its reader.
    `MESSAGE`: what it says."""

    SERVER = "server"
    CONNECTION = "connection"
    POLICY = "policy"
    ADDRESS = "address"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a mail was not taken. `code` is the server's number or the name of an error, never its text.

    `final`: the same mail to the same address would be refused again. What concerns the server or its policy never is: somebody can mend
    that, and then the mail goes.
    """

    whose: Whose
    code: str
    final: bool = False

    def __str__(self) -> str:
        return f"{self.whose}:{self.code}"


_SIGN_IN_FIRST = frozenset({530, 534, 535, 538})
"""RFC 4954: answers to any command of a client that should have authenticated."""

_POLICY = re.compile(rb"\s*5\.7\.\d")
"""RFC 3463: the server's policy refuses, most often because it does not relay for us."""


def trouble(error: Exception, *, opening: bool = False) -> Trouble:
    """What an error of smtplib or of the connection means. `opening`: before the first mail was offered."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _answered(Whose.ADDRESS, code, said)
    if isinstance(error, smtplib.SMTPDataError):
        return _answered(Whose.MESSAGE, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPResponseException):
        return Trouble(Whose.SERVER, str(error.smtp_code))
    if opening or isinstance(error, smtplib.SMTPNotSupportedError):
        return Trouble(Whose.SERVER, type(error).__name__)
    return Trouble(Whose.CONNECTION, type(error).__name__)


def _answered(whose: Whose, code: int, said: bytes | str) -> Trouble:
    if code == 421:
        return Trouble(Whose.CONNECTION, str(code))
    if code in _SIGN_IN_FIRST:
        return Trouble(Whose.SERVER, str(code))
    if code >= 500 and _POLICY.match(said if isinstance(said, bytes) else said.encode(errors="replace")):
        return Trouble(Whose.POLICY, str(code))
    return Trouble(whose, str(code), code >= 500)


def in_words(trouble_or_stored: Trouble | str) -> str:
    """A whole sentence on what it means and what to do; "" for none. Also of the text that `Trouble` was stored as."""
    whose, _colon, code = str(trouble_or_stored).partition(":")
    match whose:
        case Whose.SERVER if code in {"535", "534", "538", "530"}:
            said = _("The mail server refuses the user or the password (%(code)s). Correct ROKUON_SMTP_URL; waiting mails then go.")
        case Whose.SERVER if code.isdecimal():
            said = _("The mail server refuses the sender (%(code)s). Correct ROKUON_MAIL_FROM; waiting mails then go.")
        case Whose.SERVER:
            said = _("The mail server cannot be used (%(code)s). Check that it runs, and ROKUON_SMTP_URL; waiting mails then go.")
        case Whose.CONNECTION:
            said = _("The mail server ended the connection (%(code)s). Rokuon tries again by itself.")
        case Whose.POLICY:
            said = _("The mail server does not pass mail on for Rokuon (%(code)s). Allow that there; the mail is tried again.")
        case Whose.ADDRESS:
            said = _("The mail server does not take mail for this address (%(code)s). Correct or remove the address.")
        case Whose.MESSAGE:
            said = _("The mail server refuses the mail (%(code)s). Ask whoever runs it for the cause.")
        case _:
            return ""
    return said % {"code": code}
