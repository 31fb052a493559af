"""Pages of this installation: which address may be followed, and on which page a form is."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from .drafts import FIELD


def ours(path: str) -> str:
    """Return the path if it stays in this installation, else "/"."""
    return path if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"


def page_of(request: HttpRequest) -> str:
    """Return the page of this installation that sent the request; if the request does not say, the page to which its address belongs."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    if came_from.netloc != request.get_host():
        return page_above(request.path)
    path = ours(came_from.path)
    if not _can_be_opened(path):
        return page_above(path)
    query = [(name, value) for name, value in parse_qsl(came_from.query, keep_blank_values=True) if name != FIELD]
    return f"{path}?{urlencode(query)}" if query else path


def page_above(path: str) -> str:
    """Return the nearest page that can be opened: the address itself, or one that it is below."""
    while path != "/" and not _can_be_opened(path):
        path = path.rstrip("/").rpartition("/")[0] + "/"
    return path


def lead_to(request: HttpRequest, page: str) -> HttpResponse:
    """Redirect to a page, which is then asked for with GET. For an htmx request, redirect the whole page."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": page})
    return HttpResponseRedirect(page, status=303)


def with_draft(page: str, token: str) -> str:
    """Return the address of a page with the draft that fills its form."""
    return f"{page}{'&' if '?' in page else '?'}{urlencode({FIELD: token})}"


def _can_be_opened(path: str) -> bool:
    try:
        guard = getattr(resolve(path).func, "guard", None)
    except Resolver404:
        return False
    return guard is not None and "GET" in guard.methods
