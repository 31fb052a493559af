"""Views to play and download recordings: two permissions, and one entry in the audit log before the first byte is sent.

Playback is served from here and not by a link into the bucket: a person who loses the role does not receive the next megabyte, and seeking
works for calls of any length. A download uses a link that is valid for five minutes, if the store can sign one.
"""

from collections.abc import Iterator
from itertools import chain

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from rokuon.accounts import audit, handed_out
from rokuon.accounts.permissions import Action
from rokuon.base import i18n
from rokuon.console.web import guards, http_range
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.console.web.http_range import NotSatisfiable, Span
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError, RokuonError, StoreError
from rokuon.ledger import aside
from rokuon.ledger.models import Copy
from rokuon.wiring import playback
from rokuon.wiring.playback import Heard

from .views import copy_or_404

PLAY, DOWNLOAD = "recording.play", "recording.download"
PROBE = 2
"""Safari asks for the first two bytes before it plays; they contain nothing that can be heard."""

_POLICY = "default-src 'none'; sandbox"


@page(Action.LISTEN)
def play(request: CompanyRequest, copy: int) -> HttpResponseBase:
    return _hand_out(request, _verified(request, copy), PLAY)


@page(Action.DOWNLOAD)
def download(request: CompanyRequest, copy: int) -> HttpResponseBase:
    found = _verified(request, copy)
    if request.method == "GET":
        try:
            link = playback.link(installation(), found, _disposition(found, DOWNLOAD))
        except (StoreError, ConfigError) as error:
            return _refused(error)
        if link:
            _note(request, found, DOWNLOAD, 0, found.size)
            return _headed(HttpResponseRedirect(link), found, DOWNLOAD)
    return _hand_out(request, found, DOWNLOAD)


@page(Action.LISTEN)
def play_aside(request: CompanyRequest, copy: int) -> HttpResponseBase:
    return _hand_out(request, _kept_aside(request, copy), PLAY)


@page(Action.DOWNLOAD)
def download_aside(request: CompanyRequest, copy: int) -> HttpResponseBase:
    return _hand_out(request, _kept_aside(request, copy), DOWNLOAD)


def _verified(request: CompanyRequest, copy_id: int) -> Heard:
    found = copy_or_404(request.reach, copy_id)
    if found.state != Copy.State.VERIFIED:
        raise Http404
    return playback.recording(found)


def _kept_aside(request: CompanyRequest, copy_id: int) -> Heard:
    found = copy_or_404(request.reach, copy_id)
    kept = aside.of([found.pk]).get(found.pk)
    if kept is None:
        raise Http404
    return playback.kept_aside(found, kept)


def _hand_out(request: CompanyRequest, copy: Heard, action: str) -> HttpResponseBase:
    size, looks = copy.size, request.method == "HEAD"
    try:
        span = None if looks else _span(request, copy, size)
    except NotSatisfiable:
        answer = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        return _headed(answer, copy, action)
    first = span or Span(0, 1 if looks else min(size, playback.PIECE))
    try:
        body = playback.read(installation(), copy, first.start, first.end)
    except (StoreError, ConfigError) as error:
        return _refused(error)
    if looks:
        return _audio(HttpResponse(), copy, action, size)
    given = len(body) if span is not None else size
    if not _goes_on(request, copy, action, first, given):
        _note(request, copy, action, first.start, given)
    if span is not None:
        partial = HttpResponse(body, status=206, headers={"Content-Range": span.header(size)})
        return _audio(partial, copy, action, len(body))
    return _audio(StreamingHttpResponse(chain([body], _rest(copy, first.end))), copy, action, size)


def _span(request: CompanyRequest, copy: Heard, size: int) -> Span | None:
    """Return the requested range, cut to a megabyte, because a browser requests more when it needs more. None for the whole."""
    condition = request.headers.get("If-Range", "")
    if condition and condition != _etag(copy):
        return None
    span = http_range.wanted(request.headers.get("Range", ""), size)
    return span and Span(span.start, min(span.end, span.start + playback.PIECE))


def _rest(copy: Heard, start: int) -> Iterator[bytes]:
    size = copy.size
    for at in range(start, size, playback.PIECE):
        yield playback.read(installation(), copy, at, min(at + playback.PIECE, size))


def _goes_on(request: CompanyRequest, copy: Heard, action: str, span: Span, given: int) -> bool:
    """Whether these bytes belong to a play that is already in the audit log: they do not begin at the first byte, this person began this
    recording within the last hour, and has not received more of it since than one entry covers. A request from the first byte is a new
    play."""
    if span.start == 0:
        return span.end <= PROBE < (copy.size)
    return handed_out.goes_on(request.user, action, copy.copy.pk, span.start, given, copy.size, guards.now(request))


def _note(request: CompanyRequest, copy: Heard, action: str, start: int, given: int) -> None:
    with transaction.atomic():
        handed_out.begin(request.user, action, copy.copy.pk, start, given, guards.now(request))
        audit.record(
            guards.actor(request),
            action,
            now=guards.now(request),
            company_id=request.company.pk,
            office_id=copy.copy.target.office_id,
            subject=("copy", copy.copy.pk, copy.key),
            after={"call": copy.copy.recording.call_id, "recording": copy.copy.recording.recording_id, "bucket": copy.copy.bucket.url},
        )


def _audio(answer: HttpResponseBase, copy: Heard, action: str, length: int) -> HttpResponseBase:
    answer["Content-Type"] = copy.content_type
    answer["Content-Length"] = str(length)
    answer["ETag"] = _etag(copy)
    answer["Accept-Ranges"] = "bytes"
    return _headed(answer, copy, action)


def _headed(answer: HttpResponseBase, copy: Heard, action: str) -> HttpResponseBase:
    """Set headers that make a browser treat the bytes as audio and as nothing else, whatever they are (Q13)."""
    answer["Content-Disposition"] = _disposition(copy, action)
    answer["Content-Security-Policy"] = _POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "no-store"
    return answer


def _disposition(copy: Heard, action: str) -> str:
    return content_disposition_header(action == DOWNLOAD, copy.name) or "attachment"


def _etag(copy: Heard) -> str:
    return f'"{copy.sha256}"'


def _refused(error: RokuonError) -> HttpResponse:
    """Return a sentence for a person who opened the address directly; a player shows the page's own message."""
    advice = i18n._(error.advice) if not isinstance(error, ConfigError) else _("This installation cannot open the bucket.")
    return HttpResponse(f"{advice} [{error.reason}]\n", status=502, content_type="text/plain; charset=utf-8")
