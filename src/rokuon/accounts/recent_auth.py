"""Recent re-authentication: important changes ask for the person's identity again after ten minutes (ASVS 7.5).

Both signing in and the page "Is it still you?", which asks for the password or a code, count.
"""

import time
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

FRESH_S = 600.0
PROVED_AT = "proved_at"


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person confirmed their identity within the last ten minutes. An unreadable time counts as never."""
    proved = request.session.get(PROVED_AT)
    return isinstance(proved, float) and 0 <= time.time() - proved < FRESH_S


def renew(request: HttpRequest) -> None:
    """Store that the person has just confirmed their identity."""
    request.session[PROVED_AT] = time.time()


def ask(request: HttpRequest, page: str = "") -> HttpResponse:
    """Redirect to the page that asks again, and from there back or to `page`. A change is not repeated: the person returns to the page with
    the form."""
    page = page or (request.get_full_path() if request.method in ("GET", "HEAD") else page_of(request))
    to = f"{reverse('account_reauthenticate')}?{urlencode({'next': page})}"
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": to})
    return HttpResponseRedirect(to, status=303)


def page_of(request: HttpRequest) -> str:
    """Return the page of this installation that sent the request, "/" if unknown."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    if came_from.netloc != request.get_host():
        return "/"
    path = came_from.path + (f"?{came_from.query}" if came_from.query else "")
    return ours(path)


def ours(path: str) -> str:
    """Return the path if it stays in this installation, else "/"."""
    return path if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"
