"""Recent re-authentication: important changes ask for the person's identity again after ten minutes (ASVS 7.5).

Both signing in and the page "Is it still you?", which asks for the password or a code, count.
"""

import time
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from . import draft_pages
from .models import Person
from .our_pages import lead_to
from .our_pages import ours as ours

FRESH_S = 600.0
PROVED_AT = "proved_at"
AWAITED_BY = "page_that_awaits_a_link"


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person confirmed their identity within the last ten minutes. An unreadable time counts as never."""
    proved = request.session.get(PROVED_AT)
    return isinstance(proved, float) and 0 <= time.time() - proved < FRESH_S


def renew(request: HttpRequest) -> None:
    """Store that the person has just confirmed their identity."""
    request.session[PROVED_AT] = time.time()


def await_link(request: HttpRequest, page: str) -> None:
    """Remember the page that waits until this person confirms by a new link."""
    request.session[AWAITED_BY] = page


def awaited_by(request: HttpRequest, person: Person) -> str:
    """Return the page that waits in this browser for a new link of this person; "" if none does."""
    mine = request.user.is_authenticated and request.user.pk == person.pk
    return ours(str(request.session.get(AWAITED_BY, ""))) if mine and AWAITED_BY in request.session else ""


def ask(request: HttpRequest, page: str = "") -> HttpResponse:
    """Redirect to the page that asks again, and from there back or to `page`. A change is not repeated: the person returns to the page with
    the form, and finds there what they had typed."""
    if request.method not in ("GET", "HEAD"):
        page = draft_pages.page_with_typed(request, page)
    return lead_to(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': page or request.get_full_path()})}")
