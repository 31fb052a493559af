"""Webhooks and call event subscriptions per company, and delivery of events by Dialpad's rules.

An event is a bare HS256 JWT if the webhook has a secret, else JSON. 2xx means delivered. After 5xx, or no answer within the timeout,
delivery is retried 3 times with doubling waits; after 4xx (429 too) never; after a failed connection at once, twice.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from .answers import Answer, bad_request, json_answer, not_found
from .model import Call
from .query import Query, as_id
from .switches import Switches

RETRIES = 3
RECONNECTS = 2
PER_COMPANY = 100
COMPANY_WIDE = 10
STATES = frozenset(
    [
        "admin",
        "admin_recording",
        "ai_playbook",
        "all",
        "barge",
        "blocked",
        "call_transcription",
        "calling",
        "connected",
        "csat",
        "dispositions",
        "eavesdrop",
        "hangup",
        "hold",
        "merged",
        "missed",
        "monitor",
        "parked",
        "pcsat",
        "postcall",
        "preanswer",
        "queued",
        "recap_action_items",
        "recap_outcome",
        "recap_purposes",
        "recap_summary",
        "recording",
        "ringing",
        "takeover",
        "transcription",
        "voicemail",
        "voicemail_uploaded",
    ]
)


@dataclass
class Webhook:
    id: int
    hook_url: str
    secret: str = ""

    def wire(self) -> dict[str, Any]:
        # Answers contain the secret in clear text, as Dialpad's do.
        shown: dict[str, Any] = {"hook_url": self.hook_url, "id": str(self.id)}
        if self.secret:
            shown["signature"] = {"algo": "HS256", "secret": self.secret, "type": "jwt"}
        return shown


@dataclass
class Subscription:
    """target is ("callcenter", id), ("office", id), ("coachingteam", id), ("user", id), or None for the whole company."""

    id: int
    webhook: Webhook
    states: list[str]
    enabled: bool = True
    group_calls_only: bool = False
    target: tuple[str, int] | None = None
    with_recordings: bool = True

    def wire(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "call_states": self.states,
            "enabled": self.enabled,
            "group_calls_only": self.group_calls_only,
            "id": str(self.id),
            "webhook": self.webhook.wire(),
        }
        if self.target is not None:
            shown["target_type"], shown["target_id"] = self.target[0], str(self.target[1])
        return shown

    def wants(self, call: Call, state: str) -> bool:
        if not self.enabled or (state not in self.states and "all" not in self.states):
            return False
        if self.group_calls_only and call.leg == "user":
            return False
        if self.target is None:
            return True
        kind, target = self.target
        team = call.agent.team if call.agent is not None else None
        ids = {
            "callcenter": call.center.id if call.center is not None else None,
            "office": call.office.id,
            "user": call.agent.id if call.agent is not None else None,
            "coachingteam": team.id if team is not None else None,
        }
        return ids.get(kind) == target


@dataclass
class Delivery:
    """Result of one event for one subscription. attempts has a status, "timeout" or "connection" for each try."""

    subscription: int
    call_id: int
    state: str
    attempts: list[int | str] = field(default_factory=list)
    delivered: bool = False


@dataclass
class HookStore:
    """Webhooks and subscriptions of one company."""

    webhooks: dict[int, Webhook] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)


def jwt(claims: dict[str, Any], secret: str) -> str:
    """Return claims as a compact JWT signed with HMAC-SHA256."""

    def part(value: object) -> bytes:
        raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    return (signed + b"." + part(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


async def deliver(
    session: aiohttp.ClientSession, subscription: Subscription, claims: dict[str, Any], switches: Switches, delivery: Delivery
) -> None:
    """Post one event until it is accepted or Dialpad would give up. Adds every try to delivery."""
    hook = subscription.webhook
    if hook.secret:
        body, kind = jwt(claims, hook.secret).encode(), "text/plain; charset=utf-8"
    else:
        body, kind = json.dumps(claims).encode(), "application/json"
    retries, reconnects = 0, 0
    while True:
        try:
            timeout = aiohttp.ClientTimeout(total=switches.event_timeout_s)
            async with session.post(
                hook.hook_url, data=body, headers={"Content-Type": kind}, timeout=timeout, allow_redirects=False
            ) as response:
                delivery.attempts.append(response.status)
                if 200 <= response.status < 300:
                    delivery.delivered = True
                    return
                if response.status < 500:
                    return
        except TimeoutError:
            delivery.attempts.append("timeout")
        except (aiohttp.ClientError, OSError, ValueError):
            # ValueError: an invalid hook URL. It counts as a failed connection.
            delivery.attempts.append("connection")
            reconnects += 1
            if reconnects > RECONNECTS:
                return
            continue
        retries += 1
        if retries > RETRIES:
            return
        await asyncio.sleep(switches.event_backoff_s * 2 ** (retries - 1))


# --- API


def webhooks(query: Query, store: HookStore, new_id: int) -> Answer:
    """GET lists, POST creates."""
    if query.method == "GET":
        return json_answer(query.with_cursor({"items": [hook.wire() for hook in store.webhooks.values()]}, None))
    body = _object(query)
    url = body.get("hook_url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return bad_request("hook_url must be a URL")
    if any(hook.hook_url == url for hook in store.webhooks.values()):
        return bad_request("A webhook with this hook_url exists already")
    hook = store.webhooks[new_id] = Webhook(new_id, url, str(body.get("secret") or ""))
    return json_answer(hook.wire())


def webhook(query: Query, store: HookStore, new_id: int) -> Answer:
    """GET, PATCH or DELETE of one; deleting it also deletes its subscriptions."""
    found = store.webhooks.get(as_id(query.item))
    if found is None:
        return not_found()
    if query.method == "DELETE":
        del store.webhooks[found.id]
        store.subscriptions = {i: s for i, s in store.subscriptions.items() if s.webhook is not found}
    elif query.method == "PATCH":
        body = _object(query)
        found.hook_url, found.secret = str(body.get("hook_url") or found.hook_url), str(body.get("secret", found.secret) or "")
    return json_answer(found.wire())


def subscriptions(query: Query, store: HookStore, new_id: int) -> Answer:
    """GET lists (filter by target), POST creates: at most 100 per company, 10 of them for the whole company."""
    if query.method == "GET":
        kind, target = query.text("target_type"), query.number("target_id")
        wanted = [s for s in store.subscriptions.values() if not kind or s.target == (kind, target)]
        return json_answer(query.with_cursor({"items": [s.wire() for s in wanted]}, None))
    made = Subscription(new_id, Webhook(0, ""), ["all"], with_recordings="recordings_export" in query.key.scopes)
    wrong = _fill(made, _object(query), store)
    if wrong is None and made.webhook.id == 0:
        wrong = "endpoint_id must name a webhook"
    if wrong is not None:
        return bad_request(wrong)
    wide = sum(1 for s in store.subscriptions.values() if s.target is None)
    if len(store.subscriptions) >= PER_COMPANY or (made.target is None and wide >= COMPANY_WIDE):
        return bad_request("Too many event subscriptions.")
    store.subscriptions[new_id] = made
    return json_answer(made.wire())


def subscription(query: Query, store: HookStore, new_id: int) -> Answer:
    """GET, PATCH or DELETE of one."""
    found = store.subscriptions.get(as_id(query.item))
    if found is None:
        return not_found()
    if query.method == "DELETE":
        del store.subscriptions[found.id]
    elif query.method == "PATCH":
        wrong = _fill(found, _object(query), store)
        if wrong is not None:
            return bad_request(wrong)
    return json_answer(found.wire())


def _fill(it: Subscription, body: dict[str, Any], store: HookStore) -> str | None:
    """Apply body to the subscription. If body is invalid, return the reason and change nothing."""
    hook = it.webhook
    try:
        if body.get("endpoint_id") is not None:
            hook = store.webhooks[int(body["endpoint_id"])]
        target = (str(body["target_type"]), int(body["target_id"])) if body.get("target_id") is not None else it.target
    except (KeyError, TypeError, ValueError):
        return "endpoint_id must name a webhook, and target_id and target_type a target"
    states = body.get("call_states") or it.states
    if not isinstance(states, list) or not set(states) <= STATES:
        return "call_states holds an unknown state"
    it.webhook, it.target, it.states = hook, target, [str(state) for state in states]
    it.enabled = bool(body["enabled"]) if body.get("enabled") is not None else it.enabled
    it.group_calls_only = bool(body.get("group_calls_only", it.group_calls_only))
    return None


def _object(query: Query) -> dict[str, Any]:
    return query.body if isinstance(query.body, dict) else {}
