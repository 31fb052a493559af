"""View decorators: public, signed in, or recently re-authenticated.

Guards of pages about one company stand in `console.web.guards`. A view without a guard does not exist.
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
    """A request of somebody who is signed in."""

    user: Person


@dataclass(frozen=True, slots=True)
class Guard:
    """What a view demands. `action` is None where being signed in is enough; `open` where not even that is asked; `fresh` where the
    person must have proved within ten minutes who they are."""

    action: Action | None
    methods: tuple[str, ...]
    open: bool = False
    fresh: bool = False


def everyone(
    methods: tuple[str, ...] = READ,
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page for anybody, also without an account."""

    def guarded(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        checked = require_http_methods(list(methods))(view)
        checked.guard = Guard(None, methods, open=True)  # type: ignore[attr-defined]
        return checked

    return guarded


def signed_in(
    methods: tuple[str, ...] = READ, *, fresh: bool = False
) -> Callable[[Callable[Concatenate[SignedInRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A page for everybody who has an account: of nothing but their own."""

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
    """After signing in, the page that was asked for; a change is not repeated. A part of a page that asks for itself (htmx) takes the
    whole page along."""
    if request.headers.get("HX-Request") == "true":
        page = freshness.page_of(request)
        return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(page)["Location"]})
    return redirect_to_login(request.get_full_path() if request.method in READ else "/")
