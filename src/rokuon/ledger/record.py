"""Enter outcomes of copies (ARCHITECTURE.md) with conditional updates in batches.

An outcome names the attempt that it saw. If the copy has changed in the meantime, the outcome changes nothing, with one exception:
a proven object is evidence whatever another worker wrote, so `verified` is tried again on the current state.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import Cause
from rokuon.domain.work import Outcome

from . import aside, transitions
from .sql import fetch


@transaction.atomic
def record(outcomes: Sequence[Outcome], now: datetime) -> set[int]:
    """Enter the outcomes. Return the ids of the copies that were updated. The others had changed, and stay as they are."""
    written = transitions.enter([(outcome, "pending", outcome.attempt) for outcome in outcomes], Cause.TRY, now)
    aside.enter(outcomes, now)
    late = [outcome for outcome in outcomes if outcome.copy_id not in written and outcome.state == "verified"]
    if late:
        current = {
            row[0]: (row[1], row[2])
            for row in fetch("SELECT id, state, attempt FROM ledger_copy WHERE id = ANY(%s)", [[o.copy_id for o in late]])
        }
        written |= {copy_id for copy_id, (state, _) in current.items() if state == "verified"}
        again = [(o, *current[o.copy_id]) for o in late if o.copy_id in current and o.copy_id not in written]
        written |= transitions.enter(again, Cause.PROOF, now)
    return written
