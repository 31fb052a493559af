"""Bring a person back to the form that they filled in: keep its fields as a draft, and fill the page when it is shown again.

A view names the fields that may be kept (`keeps` of its guard); others, above all passwords and keys, are never stored.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils import timezone

from rokuon.base import form_fill

from . import drafts, sessions
from .draft_models import Draft
from .models import Person
from .our_pages import lead_to, page_of, with_draft


def page_with_typed(request: HttpRequest, page: str = "") -> str:
    """Return the page with the form that was sent, or `page`, with what was typed. Without anything to keep, the bare page: the person is
    not known, nothing was typed, or it is too long."""
    page = page or page_of(request)
    token = keep(request)
    return with_draft(page, token) if token else page


def keep(request: HttpRequest, shown: dict[str, Any] | None = None, **instead: list[str]) -> str:
    """Keep the fields of a sent form, some with other values, and return the draft's token; "" if there is nothing to keep."""
    person = request.user if isinstance(request.user, Person) else sessions.ended_person(request)
    names = getattr(request, "keeps", ())
    typed = {name: request.POST.getlist(name) for name in names if name in request.POST} | instead
    if person is None or not typed or request.method != "POST":
        return ""
    company = getattr(request, "company_id", None)
    try:
        return drafts.keep(person, company, request.path, typed, timezone.now(), shown)
    except drafts.TooLarge:
        return ""


def keep_for_page(request: HttpRequest, shown: dict[str, Any] | None = None) -> str:
    """Keep the fields of a valid form, and return the token for the page that shows it. Raises PermissionDenied for a form that is larger
    than any of ours."""
    token = keep(request, shown)
    if not token:
        raise PermissionDenied
    return token


def back(request: HttpRequest, page: str = "") -> HttpResponse:
    """Redirect to the form, or to `page`, with what was typed: after a refusal that a message explains. For an htmx request, redirect the
    whole page."""
    return lead_to(request, page_with_typed(request, page))


def find(request: HttpRequest, token: str) -> Draft | None:
    """Return the draft if it is this person's, about this request's company, and not too old."""
    if not isinstance(request.user, Person):
        return None
    return drafts.find(token, request.user, getattr(request, "company_id", None), timezone.now())


def as_sent(draft: Draft) -> QueryDict:
    """Return the fields of a draft as the form sent them."""
    fields = QueryDict(mutable=True)
    for name, given in draft.typed.items():
        fields.setlist(name, given)
    return fields


def prepare(request: HttpRequest, company_id: int | None, keeps: tuple[str, ...]) -> None:
    """Prepare a request whose view may keep these fields; look for the draft that its address names (`request.draft`)."""
    request.company_id, request.keeps = company_id, keeps  # type: ignore[attr-defined]
    token = request.GET.get(drafts.FIELD, "") if request.method == "GET" else ""
    request.draft = find(request, token) if token else None  # type: ignore[attr-defined]


def finish(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """Fill the form of the answered page with the draft; delete a draft whose form was sent again."""
    draft: Draft | None = getattr(request, "draft", None)
    sent_again = request.POST.get(drafts.FIELD, "") if request.method == "POST" else ""
    if sent_again and answer.status_code < 500 and isinstance(request.user, Person):
        drafts.drop(sent_again, request.user)
    if draft is not None and isinstance(answer, HttpResponse) and answer.get("Content-Type", "").startswith("text/html"):
        hidden = {drafts.FIELD: request.GET[drafts.FIELD]}
        answer.content = form_fill.fill(answer.content.decode(), draft.path, draft.typed, hidden).encode()
    return answer


def state(request: HttpRequest) -> str:
    """Return "kept" or "gone" for a page whose address names a draft, else ""."""
    if request.method != "GET" or drafts.FIELD not in request.GET or not hasattr(request, "draft"):
        return ""
    return "kept" if request.draft is not None else "gone"
