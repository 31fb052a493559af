"""Listening and downloading: two permissions, and each time one entry in the audit log before the first byte leaves.

Bytes pass through here and not by a link into the bucket while somebody listens: whoever loses the role hears the next megabyte no more,
and seeking works however long the call was. A download goes by a link of five minutes where the store can sign one.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from rokuon.accounts import audit
from rokuon.accounts.may import Action
from rokuon.accounts.models import AuditEntry
from rokuon.console import gate, ranges
from rokuon.console.gate import CompanyRequest, page
from rokuon.console.installation import installation
from rokuon.console.ranges import NotSatisfiable, Span
from rokuon.console.views.recordings import copy_or_404
from rokuon.domain.failures import ConfigError, RokuonError, StoreError
from rokuon.ledger.models import Copy
from rokuon.ops import i18n
from rokuon.wiring import listening

PLAY, DOWNLOAD = "recording.play", "recording.download"
SAME_PLAY = timedelta(hours=1)
PROBE = 2
"""Safari asks for the first two bytes before it plays: nothing can be heard in them."""

_POLICY = "default-src 'none'; sandbox"


@page(Action.LISTEN)
def play(request: CompanyRequest, copy: int) -> HttpResponseBase:
    return _hand_out(request, _verified(request, copy), PLAY)


@page(Action.DOWNLOAD)
def download(request: CompanyRequest, copy: int) -> HttpResponseBase:
    found = _verified(request, copy)
    if request.method == "GET":
        try:
            link = listening.link(installation(), found, _disposition(found, DOWNLOAD))
        except (StoreError, ConfigError) as error:
            return _refused(error)
        if link:
            _note(request, found, DOWNLOAD)
            return _headed(HttpResponseRedirect(link), found, DOWNLOAD)
    return _hand_out(request, found, DOWNLOAD)


def _verified(request: CompanyRequest, copy_id: int) -> Copy:
    found = copy_or_404(request.reach, copy_id)
    if found.state != Copy.State.VERIFIED:
        raise Http404
    return found


def _hand_out(request: CompanyRequest, copy: Copy, action: str) -> HttpResponseBase:
    size, looks = copy.size or 0, request.method == "HEAD"
    try:
        span = None if looks else _span(request, copy, size)
    except NotSatisfiable:
        answer = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        return _headed(answer, copy, action)
    first = span or Span(0, 1 if looks else min(size, listening.PIECE))
    try:
        body = listening.read(installation(), copy, first.start, first.end)
    except (StoreError, ConfigError) as error:
        return _refused(error)
    if looks:
        return _audio(HttpResponse(), copy, action, size)
    if not _goes_on(request, copy, action, first):
        _note(request, copy, action)
    if span is not None:
        partial = HttpResponse(body, status=206, headers={"Content-Range": span.header(size)})
        return _audio(partial, copy, action, len(body))
    return _audio(StreamingHttpResponse(chain([body], _rest(copy, first.end))), copy, action, size)


def _span(request: CompanyRequest, copy: Copy, size: int) -> Span | None:
    """What is asked for, cut to a megabyte: a browser asks for more when it needs more. None for the whole."""
    condition = request.headers.get("If-Range", "")
    if condition and condition != _etag(copy):
        return None
    span = ranges.wanted(request.headers.get("Range", ""), size)
    return span and Span(span.start, min(span.end, span.start + listening.PIECE))


def _rest(copy: Copy, start: int) -> Iterator[bytes]:
    size = copy.size or 0
    for at in range(start, size, listening.PIECE):
        yield listening.read(installation(), copy, at, min(at + listening.PIECE, size))


def _goes_on(request: CompanyRequest, copy: Copy, action: str, span: Span) -> bool:
    """Whether this belongs to a play that is in the audit log: it begins later than at the first byte, and this person began this
    recording within the hour. What begins at the first byte is a play of its own."""
    if span.start == 0:
        return span.end <= PROBE < (copy.size or 0)
    entries = AuditEntry.objects.filter(company_id=request.company.pk, action=action, at__gt=gate.now(request) - SAME_PLAY)
    return entries.filter(person=request.user, subject_kind="copy", subject_id=str(copy.pk)).exists()


def _note(request: CompanyRequest, copy: Copy, action: str) -> None:
    with transaction.atomic():
        audit.record(
            gate.actor(request),
            action,
            now=gate.now(request),
            company_id=request.company.pk,
            office_id=copy.target.office_id,
            subject=("copy", copy.pk, copy.key),
            after={"call": copy.recording.call_id, "recording": copy.recording.recording_id, "bucket": copy.bucket.url},
        )


def _audio(answer: HttpResponseBase, copy: Copy, action: str, length: int) -> HttpResponseBase:
    answer["Content-Type"] = listening.AUDIO
    answer["Content-Length"] = str(length)
    answer["ETag"] = _etag(copy)
    answer["Accept-Ranges"] = "bytes"
    return _headed(answer, copy, action)


def _headed(answer: HttpResponseBase, copy: Copy, action: str) -> HttpResponseBase:
    """Whatever the bytes are, a browser takes them for audio and for nothing else (Q13)."""
    answer["Content-Disposition"] = _disposition(copy, action)
    answer["Content-Security-Policy"] = _POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "no-store"
    return answer


def _disposition(copy: Copy, action: str) -> str:
    return content_disposition_header(action == DOWNLOAD, copy.key.rpartition("/")[2]) or "attachment"


def _etag(copy: Copy) -> str:
    return f'"{copy.sha256}"'


def _refused(error: RokuonError) -> HttpResponse:
    """A sentence for whoever opened the address itself; a player shows the page's own."""
    advice = i18n._(error.advice) if not isinstance(error, ConfigError) else _("This installation cannot open the bucket.")
    return HttpResponse(f"{advice} [{error.reason}]\n", status=502, content_type="text/plain; charset=utf-8")
