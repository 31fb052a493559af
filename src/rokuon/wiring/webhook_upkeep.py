"""Maintain a company's webhook at Dialpad: create it, check it once a day, and change its secret every 90 days (rows W12, W13).

Events only make backups faster. Failures here are stored and shown to people; the sweeps find every call without events.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from rokuon.base.addresses import PublicUrl, is_loopback
from rokuon.base.logs import hide
from rokuon.dialpad.webhooks import WebhookState
from rokuon.domain.failures import RokuonError
from rokuon.events.known_hooks import REMEMBERED_S
from rokuon.events.models import Hook
from rokuon.org.models import Company
from rokuon.runtime.installation import Installation
from rokuon.wiring.connections import Connections

log = logging.getLogger(__name__)

HOOK_SECRET = "hook_secret"  # noqa: S105 - the name under which it is sealed
CHECK_EVERY = timedelta(days=1)
CHECK_FAILED_EVERY = timedelta(hours=1)
NEW_SECRET_EVERY = timedelta(days=90)
BOTH_COUNT = timedelta(hours=24)
SECRET_BYTES = 32


def hook_owner(company_id: int) -> str:
    return f"company:{company_id}"


def hook_url(public_url: str, hook: Hook) -> str:
    return f"{public_url.rstrip('/')}/hooks/dialpad/{hook.path}"


def hook_of(installation: Installation, company_id: int) -> Hook:
    """Return the company's hook; create it if there is none. Safe to call concurrently."""
    sealed = _new_secret(installation, company_id)
    hook, _made = Hook.objects.get_or_create(company_id=company_id, defaults={"secret": sealed})
    return hook


def _new_secret(installation: Installation, company_id: int) -> str:
    return installation.vault.seal(secrets.token_urlsafe(SECRET_BYTES), owner=hook_owner(company_id), field=HOOK_SECRET)


def is_due(hook: Hook, address: str, now: datetime) -> bool:
    """Whether the webhook must be checked now: daily; hourly after a failure; at once when the public address has changed."""
    if hook.checked_at is None or hook.address != address:
        return hook.checked_at is None or not hook.reason or now - hook.checked_at >= CHECK_FAILED_EVERY
    return now - hook.checked_at >= (CHECK_FAILED_EVERY if hook.reason else CHECK_EVERY)


def change_secret(installation: Installation, hook: Hook, now: datetime) -> None:
    """Set a new secret; the old one stays valid for one more day."""
    fresh = _new_secret(installation, hook.company_id)
    Hook.objects.filter(pk=hook.pk, secret=hook.secret).update(
        secret=fresh, old_secret=hook.secret, old_until=now + BOTH_COUNT, secret_at=now
    )
    hook.refresh_from_db()


async def look_after(
    installation: Installation, connections: Connections, company_id: int, public_url: str, clock: Callable[[], datetime]
) -> None:
    """Create or repair the webhook and the subscription of a company, and store the result.

    Dialpad gets a new secret only after every web process has read it, even during a flood of requests. The secret is not changed while the
    last one may not have reached Dialpad: only two are valid at once.
    """
    db = connections.db
    hook = await db(hook_of, installation, company_id)
    if clock() - hook.secret_at >= NEW_SECRET_EVERY and not hook.reason:
        await db(change_secret, installation, hook, clock())
        await asyncio.sleep(2 * REMEMBERED_S)
    address = hook_url(public_url, hook)
    known = WebhookState(hook.webhook_id, hook.subscription_id, False) if hook.webhook_id and hook.subscription_id else None
    try:
        secret = hide(installation.vault.open(hook.secret, owner=hook_owner(company_id), field=HOOK_SECRET))
        source = await connections.source(company_id, "live")
        standing = await source.ensure_events(address, secret.reveal(), known)
    except RokuonError as error:
        await db(enter_failure, hook, address, error, clock())
        return
    await db(enter, hook, address, standing, clock())


def companies_due(public: PublicUrl, now: datetime) -> list[int]:
    """Return the companies whose webhook must be checked now: those with a key whose Dialpad can reach the public address."""
    found = []
    for company in Company.objects.exclude(api_key="").filter(enabled=True).select_related("hook"):
        if not reachable(public, company):
            continue
        hook = getattr(company, "hook", None)
        if hook is None or is_due(hook, hook_url(public.origin, hook), now):
            found.append(company.pk)
    return found


def reachable(public: PublicUrl, company: Company) -> bool:
    """Whether this company's Dialpad can post to the public address: an outside Dialpad cannot reach a loopback address."""
    return not public.loopback or is_loopback(urlsplit(company.base_url).hostname or "")


def enter(hook: Hook, address: str, standing: WebhookState, now: datetime) -> None:
    if standing.repaired and hook.checked_at is not None and not hook.reason and hook.address == address:
        log.warning("subscription_was_gone", extra={"company": hook.company_id})
    Hook.objects.filter(pk=hook.pk).update(
        address=address, webhook_id=standing.webhook_id, subscription_id=standing.subscription_id, checked_at=now, reason=""
    )
    Hook.objects.filter(pk=hook.pk, since=None).update(since=now)


def enter_failure(hook: Hook, address: str, error: RokuonError, now: datetime) -> None:
    log.warning("events_not_set_up", extra={"company": hook.company_id, "reason": error.reason, "detail": error.detail})
    Hook.objects.filter(pk=hook.pk).update(address=address, checked_at=now, reason=error.reason)
