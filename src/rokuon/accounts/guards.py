"""View decorators: public, signed in, or recently re-authenticated.

Guards of pages about one company are in `console.web.guards`. Every view has a guard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from . import draft_pages, removed_rows
from . import recent_auth as freshness
from .models import Person
from .our_pages import page_above, page_of
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
    `fresh` is True if the person must have confirmed their identity within the last ten minutes. `keeps` are the fields of its form that
    may be kept as a draft."""

    action: Action | None
    methods: tuple[str, ...]
    open: bool = False
    fresh: bool = False
    keeps: tuple[str, ...] = ()


def by_methods(view: Callable[..., HttpResponseBase], methods: tuple[str, ...]) -> Callable[..., HttpResponseBase]:
    """Accept only these methods. An address to which forms are sent leads a person who opens it to the page that it belongs to: browsers
    show such an address after a refusal, and people reload it, share it, and change the language on it."""
    accepted = require_http_methods(list(methods))(view)
    if methods != CHANGE:
        return accepted

    @wraps(view)
    def opened(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method in READ:
            return HttpResponseRedirect(page_above(request.path))
        return accepted(request, *args, **kwargs)

    return opened


def everyone(
    methods: tuple[str, ...] = READ, *, machine: bool = False
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard of a public page, also for people without an account. `machine`: of an address that only machines call."""

    def guarded(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        checked: Callable[..., HttpResponseBase] = require_http_methods(list(methods))(view) if machine else by_methods(view, methods)
        checked.guard = Guard(None, methods, open=True)  # type: ignore[attr-defined]
        return checked

    return guarded


def signed_in(
    methods: tuple[str, ...] = READ, *, fresh: bool = False, keeps: tuple[str, ...] = ()
) -> Callable[[Callable[Concatenate[SignedInRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard of a page for everyone with an account. The page shows only the person's own data. `keeps` are the fields of its form that are
    kept as a draft while the person signs in or confirms their identity; none may be a secret."""

    def guarded(view: Callable[Concatenate[SignedInRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def checked(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            draft_pages.prepare(request, None, keeps)
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if fresh and not freshness.is_fresh(request):
                return freshness.ask(request)
            return draft_pages.finish(request, removed_rows.answered(request, lambda: view(request, *args, **kwargs)))

        whole = by_methods(never_cache(checked), methods)
        whole.guard = Guard(None, methods, fresh=fresh, keeps=keeps)  # type: ignore[attr-defined]
        return whole

    return guarded


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to sign-in and afterwards to the requested page. A change is not repeated: the person returns to the page with the form, and
    finds there what they had typed. For an htmx request, redirect the whole page."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(page_of(request))["Location"]})
    return redirect_to_login(request.get_full_path() if request.method in READ else draft_pages.page_with_typed(request))
