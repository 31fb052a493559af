"""Send the sign-in links that people have requested, to addresses that may sign in. Everybody else gets no mail.

The web server only stores requests (`accounts.mail_links`): whether an address may sign in is decided here, where no answer to the person
who asked depends on it.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from rokuon.accounts import mail, mail_links
from rokuon.accounts.mail_links import Claimed
from rokuon.notify.outbox import RunsInDatabase
from rokuon.runtime.mail import Whose, trouble

from . import directory_admins

log = logging.getLogger(__name__)


def path(token: str) -> str:
    """Return the path of the link, below the console's public address."""
    return f"/mail-link/{token}/"


def send_due(database: RunsInDatabase, clock: Callable[[], datetime], origin: str, stopping: Callable[[], bool] = lambda: False) -> int:
    """Handle every due request; return the number of mails that the server took. The calling thread holds no database connection."""
    taken = 0
    while not stopping():
        claimed = database(mail_links.claim, clock())
        if claimed is None:
            break
        language = database(_language_if_allowed, claimed)
        if language is None:
            database(mail_links.refused, claimed)
        else:
            taken += _send(claimed, language, origin, database, clock)
    return taken


def _language_if_allowed(claimed: Claimed) -> str | None:
    """Return the language of the mail; None if the address may not sign in."""
    if not mail.configured() or not directory_admins.may_sign_in(claimed.email):
        return None
    return directory_admins.language_of(claimed.email) or claimed.language


def _send(claimed: Claimed, language: str, origin: str, database: RunsInDatabase, clock: Callable[[], datetime]) -> bool:
    try:
        mail.send_sign_in_link(claimed.email, f"{origin}{path(claimed.token)}", claimed.purpose, language)
    except OSError as error:
        cause = trouble(error)
        log.warning("sign_in_mail_not_sent", extra={"request": claimed.id, "error": str(cause)})
        if cause.whose is Whose.ADDRESS and cause.final:
            database(mail_links.refused, claimed)
        else:
            database(mail_links.not_sent, claimed, clock())
        return False
    log.info("sign_in_mail_sent", extra={"request": claimed.id})
    database(mail_links.sent, claimed)
    return True
