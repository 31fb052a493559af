"""The delivery status of a mail as text: the server's answer, what to do, who can do it, and whether and when Rokuon tries again."""

from enum import Enum

from rokuon.base.i18n import _, join_sentences
from rokuon.domain import strict_certificates
from rokuon.runtime.mail import ASKS_FOR_UTF8, CERTIFICATE_INCOMPLETE, INVALID, NO_SERVER, SET_ASIDE, MailProblem, Whose


class Then(Enum):
    """The next step for the mail: try again, give up, or nothing, because it was sent outside of the outbox."""

    AGAIN = "again"
    GIVEN_UP = "given_up"
    ONCE = "once"


def in_words(trouble_or_stored: MailProblem | str, then: Then = Then.AGAIN, *, at: str = "") -> str:
    """Return whole sentences; "" for no problem. Also accepts the stored text of a `MailProblem`. `at` is the time of the next try, as
    text."""
    whose, _colon, code = str(trouble_or_stored).partition(":")
    said = _said(whose, code)
    if not said:
        return ""
    waits = whose in (Whose.SERVER, Whose.CONNECTION, Whose.POLICY, Whose.MAILBOX) or is_passing(code)
    return join_sentences(said % {"code": code}, _what_then(then, at) if waits else "")


def is_passing(code: str) -> bool:
    """Whether the answer asks to try again (RFC 5321, 4.2.1: 4yz), whatever it is about."""
    return _number(code).startswith("4")


def _number(code: str) -> str:
    last = code.rpartition(" ")[2]
    return last if len(last) == 3 and last.isdecimal() else ""


def _what_then(then: Then, at: str) -> str:
    match then:
        case Then.GIVEN_UP:
            return _("Rokuon tried for seven days and has given this mail up.")
        case Then.ONCE:
            return _("A test mail is not tried again automatically.")
        case Then.AGAIN if at:
            return _("Rokuon tries again automatically at %(at)s.") % {"at": at}
        case _:
            return _("Rokuon tries again automatically.")


def _said(whose: str, code: str) -> str:
    match whose:
        case Whose.SERVER:
            return _of_server(code)
        case Whose.CONNECTION if is_passing(code):
            return _("The mail server asked to wait and ended the connection (%(code)s).")
        case Whose.CONNECTION:
            return _("The mail server ended the connection (%(code)s).")
        case Whose.POLICY:
            return _("The mail server's rules do not let this mail pass (%(code)s). Its administrator can allow Rokuon to send through it.")
        case Whose.MAILBOX:
            return _("The mailbox is full (%(code)s). Its owner can free some space.")
        case Whose.ADDRESS:
            return _of_address(code)
        case Whose.MESSAGE if is_passing(code):
            return _("The mail server asked to wait before it takes the mail (%(code)s).")
        case Whose.MESSAGE if _number(code):
            return _("The mail server refuses the mail (%(code)s). Ask its administrator for the cause.")
        case Whose.MESSAGE if code == SET_ASIDE.code:
            return _(
                "This mail waited when the dump was made that has been restored. Whether it was sent since then is not known, so it is not "
                "sent again."
            )
        case Whose.MESSAGE:
            return _("Rokuon could not write this mail (%(code)s). Report this; the log says more.")
    return ""


def _of_server(code: str) -> str:
    number = _number(code)
    if number.startswith("4"):
        return _("The mail server asked to wait (%(code)s).")
    if number in {"530", "534", "535", "538"}:
        return _("The mail server refuses the user or the password (%(code)s). The operator corrects ROKUON_SMTP_URL.")
    if number and number != code:
        return _("The mail server refuses the connection from this machine (%(code)s). Its administrator can allow it.")
    if number:
        return _("The mail server refuses the sender (%(code)s). The operator corrects ROKUON_MAIL_FROM.")
    match code:
        case _ if code == NO_SERVER:
            return _("No mail server is set any more. The operator sets ROKUON_SMTP_URL.")
        case "SMTPNotSupportedError":
            return _(
                "The mail server offers no encryption or no sign-in of the kind that is set (%(code)s). "
                "The operator corrects ROKUON_SMTP_URL."
            )
        case _ if code == CERTIFICATE_INCOMPLETE:
            return join_sentences(
                _("The mail server's certificate lacks what RFC 5280 asks for (%(code)s)."), _(strict_certificates.ADVICE)
            )
        case "SSLCertVerificationError" | "SSLError" | "CertificateError":
            return _(
                "No encrypted connection to the mail server came about (%(code)s). The operator checks its name, port and encryption "
                "in ROKUON_SMTP_URL, and its certificate."
            )
        case "gaierror":
            return _("The mail server's name is not known (%(code)s). The operator checks it in ROKUON_SMTP_URL, and this machine's DNS.")
    return _("The mail server cannot be reached (%(code)s). The operator checks that it runs, and ROKUON_SMTP_URL.")


def _of_address(code: str) -> str:
    if is_passing(code):
        return _(
            "The mail server asked to wait before it takes mail for this address (%(code)s), as servers do with senders that are new to "
            "them. Nothing needs to be done."
        )
    if code == INVALID:
        return _("This is no address that mail can be sent to; no server was asked. Correct or remove it.")
    if code == ASKS_FOR_UTF8:
        return _(
            "The address has letters beyond ASCII before the @, and the mail server does not offer SMTPUTF8, which they need. Use an "
            "address without them, or a server that offers it."
        )
    return _("The mail server does not take mail for this address (%(code)s). Correct or remove the address.")
