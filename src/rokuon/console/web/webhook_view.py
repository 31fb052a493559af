"""Webhook endpoint for Dialpad's call events: `POST /hooks/dialpad/<path>`. The signature authenticates the request, not a sign-in.

The answers: 200 after the event is stored and a look is queued; 401 if none of the hook's currently valid secrets signed the event, and
also for an address that does not exist, so that the two cannot be distinguished; 400 for an event that names no call, or whose body
broke off; 413 for a body that is too large; 503 while the database is down, so that Dialpad tries again.
"""

import logging
from functools import lru_cache

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from rokuon.base.logs import hide
from rokuon.dialpad.events import MAX_BYTES, Event, EventMalformed, EventRefused, read_event
from rokuon.events import inbox
from rokuon.events.known_hooks import KnownHooks
from rokuon.events.models import Hook
from rokuon.jobs import queue
from rokuon.ledger.sql import at
from rokuon.wiring.webhook_upkeep import HOOK_SECRET, hook_owner

from .guards import CHANGE, everyone, now
from .installation import installation

log = logging.getLogger(__name__)

_known = KnownHooks()

NO_SECRET = "x" * 43
"""A secret that signs nothing: checking an address that does not exist takes as long as checking a wrong signature."""


def is_known(path: str) -> bool:
    """Whether there is such a hook; called before a body is read. True if the database does not answer: then the body decides."""
    try:
        found = _known.find(path)
        if found is None and _known.may_read_again(path):
            found = _known.find_again(path)
    except DatabaseError:
        return True
    return found is not None


@csrf_exempt
@everyone(CHANGE, machine=True)
def dialpad(request: HttpRequest, path: str) -> HttpResponse:
    try:
        body = _body(request)
    except RequestDataTooBig:
        return HttpResponse(status=413)
    except OSError:
        log.info("event_broke_off")
        return HttpResponse(status=400)
    try:
        signed = _signed(body, path, request)
        if signed is None:
            log.warning("event_refused")
            return HttpResponse(status=401)
        hook, event = signed
        inbox.receive(
            hook.company_id,
            digest=event.digest,
            call_id=event.call_id,
            other_legs=event.other_legs,
            state=event.state,
            started_at=at(event.started_ms) if event.started_ms is not None else None,
            happened_at=at(event.happened_ms) if event.happened_ms is not None else None,
            now=now(request),
            enqueue=queue.enqueue_look,
        )
        inbox.saw_event(hook, now(request))
    except EventMalformed as error:
        log.warning("event_malformed", extra={"why": str(error)})
        return HttpResponse(status=400)
    except DatabaseError:
        log.exception("event_not_kept")
        return HttpResponse(status=503)
    if event.secret:
        log.info("event_by_old_secret", extra={"company": hook.company_id})
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    """Return the body, also a chunked one without a length, as HTTP/1.1 allows. Raises RequestDataTooBig, and OSError if it breaks off."""
    if "HTTP_TRANSFER_ENCODING" not in request.META:
        return request.body
    body: bytes = request.META["wsgi.input"].read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise RequestDataTooBig
    return body


def _signed(body: bytes, path: str, request: HttpRequest) -> tuple[Hook, Event] | None:
    """Return the event and the hook whose secret signed it; None if no secret signed it. Raises EventMalformed.

    Before it refuses an event that no secret signed, or accepts one that an old secret signed, it reads the hook again.
    """
    hook = _known.find(path)
    event = _event(body, hook, request)
    if (event is None or event.secret) and _known.may_read_again(path):
        hook = _known.find_again(path)
        event = _event(body, hook, request)
        if event is None and hook is not None and inbox.saw_forgery(hook, now(request)):
            log.error("events_forged", extra={"company": hook.company_id})
    return (hook, event) if hook is not None and event is not None else None


def _event(body: bytes, hook: Hook | None, request: HttpRequest) -> Event | None:
    try:
        return read_event(body, _secrets(hook, request))
    except EventRefused:
        return None


def _secrets(hook: Hook | None, request: HttpRequest) -> list[str]:
    """Return the currently valid secrets, newest first. The old one stays valid for longer than a day if Dialpad could not be given the new
    one."""
    if hook is None:
        return [NO_SECRET]
    sealed = [hook.secret]
    if hook.old_secret and hook.old_until is not None and (now(request) < hook.old_until or hook.reason):
        sealed.append(hook.old_secret)
    return [_opened(token, hook.company_id) for token in sealed]


@lru_cache(maxsize=512)
def _opened(token: str, company_id: int) -> str:
    return hide(installation().vault.open(token, owner=hook_owner(company_id), field=HOOK_SECRET)).reveal()
