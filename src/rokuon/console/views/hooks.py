"""Where Dialpad tells of calls: `POST /hooks/dialpad/<path>`. Not a page; nobody signs in here, the signature is the key.

The answers: 200 once the event is kept and a look is asked for; 401 for whatever the hook's own secret has not signed, and for an address
that is none, which look the same; 400 for an event that cannot be read; 413 for a body that is too large; 503
while the database is away, so that Dialpad tries again.
"""

import logging
import time
from functools import lru_cache

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from rokuon.console.gate import CHANGE, everyone, now
from rokuon.console.installation import installation
from rokuon.dialpad.events import MAX_BYTES, EventMalformed, EventRefused, read_event
from rokuon.events import inbox
from rokuon.events.models import Hook
from rokuon.jobs import queue
from rokuon.ledger.sql import at
from rokuon.ops.logs import hide
from rokuon.wiring.hooks import HOOK_SECRET, hook_owner

log = logging.getLogger(__name__)

REMEMBERED_S = 3.0
"""Far less than the day in which an old secret still counts."""

_known: dict[str, tuple[float, Hook]] = {}

NOBODY = "x" * 43
"""Signs nothing: an address that is none costs as much as a wrong signature."""


@csrf_exempt
@everyone(CHANGE)
def dialpad(request: HttpRequest, path: str) -> HttpResponse:
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
            return HttpResponse(status=413)
        body = request.body
    except (RequestDataTooBig, ValueError):
        return HttpResponse(status=413)
    try:
        hook = _hook(path)
        try:
            event = read_event(body, _secrets(hook, request))
        except EventRefused:
            return _refused(hook, request)
        if hook is None:
            return _refused(hook, request)
        inbox.receive(
            hook.company_id,
            digest=event.digest,
            call_id=event.call_id,
            other_legs=event.other_legs,
            state=event.state,
            started_at=at(event.started_ms),
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


def _refused(hook: Hook | None, request: HttpRequest) -> HttpResponse:
    log.warning("event_refused")
    if hook is not None and inbox.saw_forgery(hook, now(request)):
        log.error("events_forged", extra={"company": hook.company_id})
    return HttpResponse(status=401)


def _hook(path: str) -> Hook | None:
    """The hook of an address. Remembered for a few seconds, so that a burst asks once; an address that is none never is."""
    known = _known.get(path)
    if known is not None and time.monotonic() - known[0] < REMEMBERED_S:
        return known[1]
    hook = Hook.objects.filter(path=path).first()
    if hook is None:
        _known.pop(path, None)
    else:
        _known[path] = (time.monotonic(), hook)
    return hook


def _secrets(hook: Hook | None, request: HttpRequest) -> list[str]:
    """The secrets that count now, the newest first: the old one longer than its day where Dialpad could not be told of the new one."""
    if hook is None:
        return [NOBODY]
    sealed = [hook.secret]
    if hook.old_secret and hook.old_until is not None and (now(request) < hook.old_until or hook.reason):
        sealed.append(hook.old_secret)
    return [_opened(token, hook.company_id) for token in sealed]


@lru_cache(maxsize=512)
def _opened(token: str, company_id: int) -> str:
    return hide(installation().vault.open(token, owner=hook_owner(company_id), field=HOOK_SECRET)).reveal()
