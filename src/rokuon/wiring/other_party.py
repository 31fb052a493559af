"""The key of a company's numbers, and what is kept, sought and removed with it."""

import logging
import secrets
import time
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.backup.discover import Targets
from rokuon.base.logs import hide
from rokuon.base.secrets import SecretUnreadable, Vault
from rokuon.domain.other_party import Keeper, PartyDetail, candidates, keeper, number_hash
from rokuon.ledger import other_parties
from rokuon.org.models import Company
from rokuon.wiring.connections import company_owner

log = logging.getLogger(__name__)

NUMBER_KEY = "number_key"
KEY_BYTES = 32
CLEARED = "company.other_party"
BY_ITSELF = Actor("Rokuon")
PATIENCE_S = 10.0
"""A tick spends at most this long on one removal; the next tick resumes it."""


def number_key(company: Company, vault: Vault) -> bytes:
    """Return the key of the hashes of a company's numbers; create it if there is none. Safe to call concurrently. Raises
    SecretUnreadable."""
    if not company.number_key:
        sealed = vault.seal(secrets.token_hex(KEY_BYTES), owner=company_owner(company.pk), field=NUMBER_KEY)
        Company.objects.filter(pk=company.pk, number_key="").update(number_key=sealed)
        company.refresh_from_db(fields=["number_key"])
    return bytes.fromhex(hide(vault.open(company.number_key, owner=company_owner(company.pk), field=NUMBER_KEY)).reveal())


def keeping(company: Company, vault: Vault) -> Keeper | None:
    """Return what reduces a listed party to what the company keeps; None for nothing. A key that cannot be read does not stop a backup:
    then nothing is kept."""
    if company.other_party == PartyDetail.OFF:
        return None
    try:
        return keeper(PartyDetail(company.other_party), number_key(company, vault))
    except SecretUnreadable:
        log.warning("number_key_unreadable", extra={"company": company.pk})
        return None


def with_keeping(targets: Targets, company: Company, vault: Vault) -> Targets:
    """Return these targets for a listing that enters calls."""
    return replace(targets, keep=keeping(company, vault))


def hashes(company: Company, vault: Vault, text: str) -> list[str]:
    """Return the hashes of the company's numbers that this text may mean; none if the company keeps no numbers."""
    meant = list(candidates(text)) if company.other_party != PartyDetail.OFF and company.number_key else []
    if not meant:
        return []
    key = number_key(company, vault)
    return other_parties.known(company.pk, (number_hash(key, one) for one in meant))


def clear_what_exceeds(now: datetime) -> None:
    """Remove what is kept beyond the companies' choices, in batches; the end of a removal is in the audit log. What a stopped process left
    is found again."""
    until = time.monotonic() + PATIENCE_S
    for company_id, detail in other_parties.companies_to_clear():
        removed = 0
        while changed := other_parties.clear(company_id):
            removed += changed
            if time.monotonic() > until:
                break
        _note(company_id, detail, removed, now)


@transaction.atomic
def _note(company_id: int, detail: PartyDetail, removed: int, now: datetime) -> None:
    if removed:
        company = Company.objects.get(pk=company_id)
        subject = ("company", company.pk, company.name)
        audit.record(
            BY_ITSELF, CLEARED, now=now, company_id=company.pk, subject=subject, after={"other_party": detail.value, "rows": removed}
        )
