"""Live backup: load due hints, and settle them after the lookup."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rokuon.backup.discover import Targets
from rokuon.backup.live import Wanted
from rokuon.base.secrets import Vault
from rokuon.events import inbox
from rokuon.events.inbox import Due
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.org.tree import assign_folder, target_settings
from rokuon.wiring.other_party import with_keeping
from rokuon.wiring.targets import as_targets

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveFacts:
    dues: list[Due]
    wanted: list[Wanted]
    targets: Targets


@transaction.atomic
def load(company_id: int, vault: Vault, now: datetime) -> LiveFacts | None:
    """Return the calls to look for now; None if no hint is due."""
    dues = inbox.due(company_id, now)
    if not dues:
        return None
    company = Company.objects.get(pk=company_id)
    settings = target_settings(company)
    for one in settings:
        if one.target.backed_up and one.effective.bucket is not None:
            assign_folder(one.target)
    wanted = [Wanted(due.call_id, None if due.started_at is None else ms(due.started_at), ms(due.received_at)) for due in dues]
    return LiveFacts(dues, wanted, with_keeping(as_targets(company, settings), company, vault))


def settle(facts: LiveFacts, found: frozenset[str], now: datetime, ask_at: Callable[[datetime], None]) -> None:
    """Settle the hints: found calls are done; for the others, `ask_at` queues another lookup."""
    here = {due.call_id for due in facts.dues} & found
    with transaction.atomic():
        again = inbox.settle(facts.dues, here, now)
        if again is not None:
            ask_at(again)
    log.info("looked", extra={"hints": len(facts.dues), "found": len(here)})
