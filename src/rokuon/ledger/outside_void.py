"""Days whose calls outside every rule are not known any more, because a rule or the directory changed after their listing."""

from datetime import datetime

from django.db import transaction

from rokuon.domain.clocks import MOST_APART

from . import runs
from .sql import execute, fetch

LOCK = 1_379_811_842
"""Key of our PostgreSQL advisory lock: no day is published with rules or trainees that another transaction is changing."""


def keep_rules(company_id: int) -> None:
    """Wait for a transaction that is changing the company's rules or trainees (`left_out`), and let none do so until the end of
    this one. Call it before any row of the ledger is locked, and read them afterwards."""
    fetch("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK, company_id])


@transaction.atomic
def left_out(company_id: int, target_id: int, since: datetime | None) -> None:
    """Forget the days on which calls of this target may be neither copied nor counted: its rule, on since `since` (None: unknown), was
    switched off, or a trainee left it. Call it in that transaction, before other rows of the ledger are locked.

    A listing of the company leaves out the calls of every target with a rule, also of one that it is not sorted into. Days that were
    published before `since` counted them. On a day that was covered for the target as late as it was listed here, or is sealed, its calls
    are in the ledger.
    """
    fetch("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, company_id])
    forgotten = fetch(
        """DELETE FROM ledger_outsideday o
            WHERE o.company_id = %(company)s AND (%(since)s::timestamptz IS NULL OR o.published_at >= %(since)s)
              AND NOT EXISTS (SELECT 1 FROM ledger_coverage v
                               WHERE v.target_id = %(target)s AND v.day = o.day AND (v.sealed OR v.listed_at >= o.listed_at))
        RETURNING o.day""",
        {"company": company_id, "target": target_id, "since": None if since is None else since - MOST_APART},
    )
    execute("DELETE FROM ledger_outsidecount WHERE company_id = %s AND day = ANY(%s)", [company_id, [day for (day,) in forgotten]])
    runs.no_longer_listed_as(company_id, "outside", unless_as=str(target_id))
