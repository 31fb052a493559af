"""Rokuon's own webhook and subscription at Dialpad: found by their address, created if missing, corrected if they differ.

Webhooks and subscriptions of others are not changed. Dialpad's answers contain the secret in clear text, so they do not leave this module.
"""

from dataclasses import dataclass
from typing import Any

from rokuon.domain.failures import (
    EventsForbidden,
    EventsNotOffered,
    EventsRefused,
    SourceAnswerMalformed,
    SourceNotFound,
    SourceRequestRefused,
    SourceScopeMissing,
)

from . import paging
from .client import ApiClient
from .schema import parse_items

STATES = ("hangup", "recording", "admin_recording")
"""Call states to subscribe to: a call has ended, its recording is available."""

PER_PAGE = "100"
MOST_PAGES = 100
"""A company has at most 100 subscriptions of a type (its docs, "Event subscriptions")."""


@dataclass(frozen=True, slots=True)
class WebhookState:
    """Dialpad's ids of both, and whether anything had to be created or corrected (row W13)."""

    webhook_id: str
    subscription_id: str
    repaired: bool


async def ensure(api: ApiClient, hook_url: str, secret: str, known: WebhookState | None) -> WebhookState:
    """Ensure one webhook at this address with this secret, and one enabled company-wide subscription to it for `STATES`.

    Raises SourceError; EventsForbidden, EventsNotOffered and EventsRefused say why there can be no events.
    """
    try:
        return await _ensure(api, hook_url, secret, known)
    except SourceScopeMissing as error:
        raise EventsForbidden(error.detail) from None
    except SourceNotFound as error:
        raise EventsNotOffered(error.detail) from None
    except SourceRequestRefused as error:
        raise EventsRefused(error.detail) from None


async def _ensure(api: ApiClient, hook_url: str, secret: str, known: WebhookState | None) -> WebhookState:
    webhook, made = await _webhook(api, hook_url, secret, known)
    webhook_id = _id(webhook)
    found = await _subscription(api, webhook_id, known)
    wanted = {"call_states": list(STATES), "enabled": True, "group_calls_only": False}
    if found is None:
        answer = await api.send("POST", "/subscriptions/call", {**wanted, "endpoint_id": int(webhook_id)})
        return WebhookState(webhook_id, _id(answer), True)
    differs = set(found.get("call_states") or ()) != set(STATES) or found.get("enabled") is not True or bool(found.get("group_calls_only"))
    if differs:
        await api.send("PATCH", f"/subscriptions/call/{_id(found)}", {**wanted, "endpoint_id": int(webhook_id)})
    return WebhookState(webhook_id, _id(found), made or differs)


async def _webhook(api: ApiClient, hook_url: str, secret: str, known: WebhookState | None) -> tuple[dict[str, Any], bool]:
    found = await _one(api, f"/webhooks/{known.webhook_id}") if known is not None else None
    if found is None:
        found = next((item for item in await _all(api, "/webhooks") if item.get("hook_url") == hook_url), None)
    if found is None:
        return await api.send("POST", "/webhooks", {"hook_url": hook_url, "secret": secret}), True
    signature = found.get("signature")
    if found.get("hook_url") == hook_url and isinstance(signature, dict) and signature.get("secret") == secret:
        return found, False
    return await api.send("PATCH", f"/webhooks/{_id(found)}", {"hook_url": hook_url, "secret": secret}), True


async def _subscription(api: ApiClient, webhook_id: str, known: WebhookState | None) -> dict[str, Any] | None:
    if known is not None:
        found = await _one(api, f"/subscriptions/call/{known.subscription_id}")
        if found is not None and _webhook_of(found) == webhook_id:
            return found
    mine = [item for item in await _all(api, "/subscriptions/call") if _webhook_of(item) == webhook_id and not item.get("target_id")]
    return mine[0] if mine else None


def _webhook_of(subscription: dict[str, Any]) -> str:
    webhook = subscription.get("webhook")
    return str(webhook.get("id")) if isinstance(webhook, dict) else ""


async def _one(api: ApiClient, path: str) -> dict[str, Any] | None:
    try:
        return await api.get(path)
    except SourceNotFound:
        return None


async def _all(api: ApiClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async for answer in paging.answers(api, path, {"limit": PER_PAGE}, MOST_PAGES):
        found += [item for item in parse_items(answer) if isinstance(item, dict)]
    return found


def _id(item: dict[str, Any]) -> str:
    if not item.get("id"):
        raise SourceAnswerMalformed("an answer without an id")
    return str(item["id"])
