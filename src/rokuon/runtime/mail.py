"""Compose mails and classify a mail server's answers, for invitations and notices."""

import re
import smtplib
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

from rokuon.base.addresses import PublicUrl
from rokuon.domain import strict_certificates
from rokuon.runtime.mail_addresses import needs_utf8, normal

MOST_SUBJECT = 160
"""Characters. Mail lists show less; as a header, it stays far below the limits of servers."""

_SPACES = re.compile(r"\s+")


def one_line(text: str, most: int = MOST_SUBJECT) -> str:
    """Make text that may hold outside names fit one line: no line breaks, no other control characters, and no invisible ones that change
    the direction of the following text; cut with an ellipsis."""
    seen = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    # Cf: marks of direction, zero-width and tag characters. Cs: halves of a surrogate pair, which cannot be encoded.
    seen = _SPACES.sub(" ", "".join(one for one in seen if unicodedata.category(one) not in ("Cf", "Cs"))).strip()
    return seen if len(seen) <= most else f"{seen[: most - 1].rstrip()}…"


MOST_NAME = 60

_MADE_LINKS = re.compile(r"://|(?<=[^\s.])\.(?=[^\W\d_])|(?<=\S)@(?=\S)|(?<![^\W_])(?:mailto|tel|sms|javascript|data):", re.IGNORECASE)
"""Texts that mail programs turn into links: an address with a scheme, a domain such as `evil.example`, a mail address."""
_WIDE = str.maketrans({":": "：", ".": "．", "@": "＠"})


def name(text: str, most: int = MOST_NAME) -> str:
    """Return a name from a person or Dialpad for the text of a mail, plain or HTML: one short line that no program turns into a link. The
    characters that would make a link become full-width, so that the name stays readable."""
    return one_line(_MADE_LINKS.sub(lambda found: found[0].translate(_WIDE), one_line(text, 4 * most)), most)


def compose(
    subject: str, text: str, html: str, to: str, *, language: str, token: uuid.UUID | None = None, notice: bool = False
) -> EmailMultiAlternatives:
    """Compose a mail from a program; its headers ask for no automatic reply. Every line is ASCII of at most 78 characters, so that the mail
    passes servers that accept no 8-bit text. `token` becomes its Message-ID. A `notice` can be sorted by its List-Id."""
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
    # Quoted-printable needs nine characters for a Japanese one; base64 hides Latin text from readers of the raw mail.
    encoding.body_encoding = BASE64 if language == "ja" else QP
    mail.encoding = encoding
    mail.attach_alternative(html, "text/html")
    return mail


class _Mail(EmailMultiAlternatives):
    def message(self) -> Any:
        """Encode the subject as encoded words (RFC 2047) that are short enough for the first to follow "Subject:"; otherwise the header
        would begin with an empty line. A name that looks like an encoded word would be decoded, line breaks included: it is encoded too."""
        made, subject = super().message(), str(self.subject)
        if not subject.isascii() or "=?" in subject:
            made.replace_header("Subject", Header(subject, "utf-8").encode(maxlinelen=60, linesep=""))
        if needs_utf8(str(self.to[0])):
            # Plain UTF-8 (RFC 6532): an encoded word is no address. The library passes on text that is marked as bytes.
            made.replace_header("To", normal(self.to[0]).encode().decode("ascii", "surrogateescape"))
        return made

    def send(self, fail_silently: bool = False) -> int:
        """Send the mail. Raises OSError (SMTPException is one) if the server does not accept it, and CannotAsk if the server has no way to
        accept such an address."""
        backend = self.get_connection(fail_silently)
        if not isinstance(backend, EmailBackend):
            return super().send(fail_silently)
        opened = backend.open()
        try:
            self._hand_over(backend.connection)
        finally:
            if opened:
                backend.fail_silently = True  # errors on disconnect do not matter
                backend.close()
        return 1

    def _hand_over(self, server: Any) -> None:
        to, options = normal(self.to[0]), []
        server.ehlo_or_helo_if_needed()
        if needs_utf8(to):
            if not server.has_extn("smtputf8"):
                raise CannotAsk(ASKS_FOR_UTF8)
            options = ["SMTPUTF8", *(["BODY=8BITMIME"] if server.has_extn("8bitmime") else [])]
        sender = sanitize_address(self.from_email, "utf-8")
        server.sendmail(parseaddr(sender)[1], [to], self.message().as_bytes(linesep="\r\n"), mail_options=options)


class CannotAsk(OSError):
    """The server does not support such an address."""


class Whose(StrEnum):
    """The subject of a problem with a mail. `SERVER`: every mail, because the server is away, or refuses the password or the sender.
    `CONNECTION`: lost in the middle, cause unknown. `POLICY`: the server does not relay this mail for us. `ADDRESS`: the recipient's
    address. `MAILBOX`: the recipient's mailbox is full. `MESSAGE`: the content."""

    SERVER = "server"
    CONNECTION = "connection"
    POLICY = "policy"
    ADDRESS = "address"
    MAILBOX = "mailbox"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class MailProblem:
    """Why a server did not accept a mail. `code` is the server's number, after the name of an error if it came before any mail was offered;
    or that name alone; never the server's text.

    `final`: the server would refuse the same mail to the same address again. A problem with the server or its policy is never final: it can
    be fixed, and then the mail is sent. Neither is a 4yz answer: it asks to try again.
    """

    whose: Whose
    code: str
    final: bool = False

    def __str__(self) -> str:
        return f"{self.whose}:{self.code}"


_SIGN_IN_FIRST = frozenset({530, 534, 535, 538})
"""RFC 4954: answers to any command of a client that should have authenticated."""

ASKS_FOR_UTF8 = "smtputf8"
CERTIFICATE_INCOMPLETE = "CertificateIncomplete"
INVALID = "invalid"
NO_SERVER = "NoServer"

SET_ASIDE = MailProblem(Whose.MESSAGE, "Restored", True)
"""The mail was waiting when a dump was made that has been restored since."""

_ENHANCED = re.compile(rb"\s*5\.(\d{1,3})\.(\d{1,3})(?!\d)")
"""RFC 3463: the subject of a permanent answer, if the server gives it."""


def _about(said: bytes | str) -> Whose | None:
    found = _ENHANCED.match(said if isinstance(said, bytes) else said.encode(errors="replace"))
    match found and (int(found[1]), int(found[2])):
        case (7, _):
            return Whose.POLICY  # most often because it does not relay for us
        case (2, 2):
            return Whose.MAILBOX
        case (1, 7 | 8):
            return Whose.SERVER  # the sender's address
        case (1, _) | (2, _):
            return Whose.ADDRESS
        case (2, 3) | (3, 4) | (6, _):
            return Whose.MESSAGE
    return None


def trouble(error: Exception, *, opening: bool = False) -> MailProblem:
    """Classify an error of smtplib or of the connection. `opening`: before the first mail was offered."""
    if isinstance(error, CannotAsk):
        return MailProblem(Whose.ADDRESS, str(error), True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _answered(Whose.ADDRESS, code, said)
    if isinstance(error, smtplib.SMTPDataError):
        return _answered(Whose.MESSAGE, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPSenderRefused):
        about = _about(error.smtp_error) if error.smtp_code >= 500 else None
        return (
            MailProblem(Whose.MESSAGE, str(error.smtp_code), True)
            if about is Whose.MESSAGE
            else MailProblem(Whose.SERVER, str(error.smtp_code))
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailProblem(Whose.SERVER, str(error.smtp_code))
    if isinstance(error, smtplib.SMTPResponseException):
        return MailProblem(Whose.SERVER, f"{type(error).__name__} {error.smtp_code}")
    if strict_certificates.lacks(error):
        return MailProblem(Whose.SERVER, CERTIFICATE_INCOMPLETE)
    if opening or isinstance(error, smtplib.SMTPNotSupportedError):
        return MailProblem(Whose.SERVER, type(error).__name__)
    return MailProblem(Whose.CONNECTION, type(error).__name__)


def _answered(whose: Whose, code: int, said: bytes | str) -> MailProblem:
    if code == 421:
        return MailProblem(Whose.CONNECTION, str(code))
    if code in _SIGN_IN_FIRST:
        return MailProblem(Whose.SERVER, str(code))
    about = (_about(said) if code >= 500 else None) or whose
    return MailProblem(about, str(code), code >= 500 and about in (Whose.ADDRESS, Whose.MESSAGE))
