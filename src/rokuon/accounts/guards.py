"""View decorators: public, signed in, or recently re-authenticated.

Guards of pages about one company are in `console.web.guards`. Every view has a guard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from . import recent_auth as freshness
from .models import Person
from .permissions import Action

P = ParamSpec("P")
READ: Final = ("GET", "HEAD")
CHANGE: Final = ("POST",)
FORM: Final = ("GET", "HEAD", "POST")


class SignedInRequest(HttpRequest):
    """A request of a signed-in person."""

    user: Person


@dataclass(frozen=True, slots=True)
class Guard:
    """The requirements of a view. `action` is None if being signed in is enough; `open` is True if the view needs no sign-in at all;
    `fresh` is True if the person must have confirmed their identity within the last ten minutes."""

    action: Action | None
    methods: tuple[str, ...]
    open: bool = False
    fresh: bool = False


def everyone(
    methods: tuple[str, ...] = READ,
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard of a public page, also for people without an account."""

    def guarded(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        checked = require_http_methods(list(methods))(view)
        checked.guard = Guard(None, methods, open=True)  # type: ignore[attr-defined]
        return checked

    return guarded


def signed_in(
    methods: tuple[str, ...] = READ, *, fresh: bool = False
) -> Callable[[Callable[Concatenate[SignedInRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard of a page for everyone with an account. The page shows only the person's own data."""

    def guarded(view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def checked(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if fresh and not freshness.is_fresh(request):
                return freshness.ask(request)
            return view(request, *args, **kwargs)

        whole = require_http_methods(list(methods))(never_cache(checked))
        whole.guard = Guard(None, methods, fresh=fresh)  # type: ignore[attr-defined]
        return whole

    return guarded


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to sign-in and afterwards to the requested page; a change is not repeated. For an htmx request, redirect the whole page."""
    if request.headers.get("HX-Request") == "true":
        page = freshness.page_of(request)
        return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(page)["Location"]})
    return redirect_to_login(request.get_full_path() if request.method in READ else "/")
