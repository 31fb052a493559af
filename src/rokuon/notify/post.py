"""The outbox: what is decided becomes rows in the deciding transaction, and leaves the house later, at least once each."""

from collections.abc import Iterable
from datetime import datetime

from rokuon.accounts.mail import configured

from .letter import Letter
from .models import Mail
from .recipients import Address


def put(letter: Letter, addresses: Iterable[Address], *, company_id: int | None, office_id: int | None, now: datetime) -> int:
    """One mail of this letter for each address, due at once, in the caller's transaction. Returns how many.

    Where this installation sends no mail (no ROKUON_SMTP_URL) nothing is put: a notice is then read in the console alone, and mails
    must not lie in wait for the day on which somebody sets a server.
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
