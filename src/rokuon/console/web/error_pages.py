"""Error pages: what happened and what to do, in the reader's language, without a database and without a stack trace.

Each page shows the request id, and the log has the actual error under the same id.
"""

import logging
import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from rokuon.runtime.mail import one_line

from . import outdated_forms

log = logging.getLogger(__name__)

RETRY_AFTER_S = 10
PASSES = ("55P03", "57014", "40P01", "40001")
"""SQLSTATEs of a database that is reachable but busy: lock or statement timeout, deadlock, serialization."""


def page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Return an error page. `title` says what happened, `text` what to do. It uses no database, so it shows nothing of a person or
    company."""
    return _answer(loader.get_template("console/error.html").render(_words(request, status, title, text)), status)


def _inside(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Return the same page with the navigation, for a member of the company that the address names."""
    if not hasattr(request, "reaches"):
        return page(request, status, title, text)
    words = _words(request, status, title, text) | {"company": getattr(request, "company", None)}
    return _answer(loader.render_to_string("console/refused.html", words, request), status)


def _words(request: HttpRequest, status: int, title: str, text: str) -> dict[str, object]:
    return {"title": title, "text": text, "status": status, "request_id": getattr(request, "id", ""), "language": get_language() or "en"}


def _answer(body: str, status: int) -> HttpResponse:
    response = HttpResponse(body, status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 400, _("This request cannot be understood"), _("Go back, reload the page and try again."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _inside(
        request,
        403,
        _("You may not do this"),
        _("Your role does not include it. A company admin can do it, or give you the role."),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _inside(
        request,
        404,
        _("There is no such page"),
        _("The address may be wrong, or the page is not for the person who is signed in."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Find out from the request which check failed, because Django gives the reason only as text. A form of ours whose token is outdated
    is shown again."""
    seen, public = _origin(request), settings.ROKUON_PUBLIC_URL
    strange = seen not in {public.origin_of(host) for host in public.hosts}
    log.info("form_refused", extra={"why": "origin" if strange else "token", "seen": seen[:200], "expected": public.origin})
    if strange:
        return page(request, 403, _("This form came from another address than the console's"), _where_from(seen, public.origin))
    if (again := outdated_forms.form_again(request)) is not None:
        return again
    if settings.CSRF_COOKIE_NAME in request.COOKIES:
        text = _(
            "It was open for too long, or you have signed in or out since. Nothing was changed. Go back, reload the page and try again."
        )
    else:
        text = _(
            "The browser sent no cookie with it, and the console knows its forms by one. Nothing was changed. Allow cookies for %(url)s, "
            "reload the page and try again."
        ) % {"url": public.origin}
    return page(request, 403, _("This form is no longer valid"), text)


def _origin(request: HttpRequest) -> str:
    """Return the form's origin as the browser sends it; the console's own if the request need not have one. "" if the browser sends
    none."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        return one_line(origin.lower(), 200)
    if not request.is_secure():
        return str(settings.ROKUON_PUBLIC_URL.origin)
    scheme, _colon, rest = request.META.get("HTTP_REFERER", "").lower().partition("://")
    return one_line(f"{scheme}://{rest.partition('/')[0]}", 200) if rest else ""


def _where_from(seen: str, expected: str) -> str:
    if seen in ("", "null"):
        return _(
            "The browser does not say from which page the form was sent: a setting or an extension for privacy holds it back, or a proxy "
            "takes the headers Origin and Referer away. Nothing was changed. The form must come from %(expected)s: open that, and if it "
            "happens again, the operator looks at the proxy."
        ) % {"expected": expected}
    return _(
        "The browser sent it from %(seen)s, and the console's address is %(expected)s. Nothing was changed. Open %(expected)s. If people "
        "are to use %(seen)s, the operator sets ROKUON_PUBLIC_URL to it and starts Rokuon again."
    ) % {"seen": seen, "expected": expected}


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an exception in a view. A database that is down or busy gets its own page, because that is temporary."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        log.error("request_without_database", extra={"said": str(error)})
        if getattr(error.__cause__, "sqlstate", None) in PASSES:
            return page(request, 503, _("The database is busy"), _("Nothing was changed. Try again in a moment."))
        return page(
            request,
            503,
            _("The database does not answer"),
            _(
                "Nothing that was recorded is lost, and backup resumes when it is back. Try again in a moment; "
                "if it stays so, tell the operator."
            ),
        )
    log.error("request_failed", exc_info=error)
    return page(
        request,
        500,
        _("Something inside Rokuon failed"),
        _("Try again. If it happens again, tell the operator the number below: the log says more under it."),
    )
