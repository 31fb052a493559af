"""The newest seals in a mail: every mailbox keeps them, out of reach of anyone who holds the server or the bucket."""

from datetime import datetime

from rokuon.base import dates
from rokuon.base.i18n import _, ngettext
from rokuon.base.measures import number
from rokuon.notify.message import Letter, MailedSeal
from rokuon.runtime.mail import one_line

MOST_SEALS = 20
"""Limit of buckets in a mail; the mail says how many more there are. `rokuon custody status` shows them all."""


def title(letter: Letter) -> str:
    return _("Newest seal of each bucket") if letter.seals else ""


def lines(letter: Letter) -> list[tuple[str, str]]:
    """Return the address of each bucket with its seal in words, and last how many buckets are left out."""
    said = [(one_line(one.bucket), _said(one, letter.zone)) for one in letter.seals[:MOST_SEALS]]
    more = len(letter.seals) - MOST_SEALS
    if more > 0:
        left = ngettext("and %(count)s more bucket", "and %(count)s more buckets", more) % {"count": number(more)}
        said.append((left, "rokuon custody status"))
    return said


def advice(letter: Letter) -> str:
    if not any(one.number for one in letter.seals):
        return ""
    return _("Keep this mail. With a number and its SHA-256 (`--head`), an auditor finds whether a bucket was rolled back later.")


def _said(one: MailedSeal, zone: str) -> str:
    if not one.number:
        return _("no seal yet")
    told = {"number": one.number, "at": dates.named(datetime.fromisoformat(one.at), zone), "sha256": one.sha256}
    return _("Seal %(number)d of %(at)s, SHA-256 %(sha256)s") % told
