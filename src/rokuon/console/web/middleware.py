"""The outermost middleware: refuses requests for other hosts, and sets the security headers of every response.

A request that is refused here reaches no other code. `request.client_address` is the real client's address: use it for limits and records.
"""

import logging
import secrets
import time
from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.http.request import split_domain_port
from django.utils import translation
from django.utils.translation import gettext as _

from rokuon.base import logs
from rokuon.base.addresses import PublicUrl
from rokuon.console.metrics import endpoint
from rokuon.runtime.web_settings import STATIC_URL

from . import error_pages, health, proxy_headers, security_headers

log = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EVENTS = "/hooks/"
"""Requests to this path may have a chunked body without a length: `webhook_view` limits its size."""

ROBOTS = "User-agent: *\nDisallow: /\n"


class KnownRequest(HttpRequest):
    """A request that passed `RequestMiddleware`."""

    id: str
    client_address: str


class RequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.monotonic()
        public: PublicUrl = settings.ROKUON_PUBLIC_URL
        known = cast(KnownRequest, request)
        known.id = secrets.token_hex(6)
        way = proxy_headers.settle(request, settings.ROKUON_TRUSTED_PROXIES)
        known.client_address = way.client
        mark = logs.request_id.set(known.id)
        try:
            translation.activate(translation.get_language_from_request(request))
            response = _without_host(request, public) or _plain(request) or _refusal(request, way, public) or self._get_response(request)
            security_headers.protect(response, secure=public.secure)
            response.headers["X-Request-Id"] = known.id
            if isinstance(response, HttpResponse):
                response.headers.setdefault("Content-Length", str(len(response.content)))
            _log(known, response, time.monotonic() - began)
            return response
        finally:
            logs.request_id.reset(mark)


def _without_host(request: HttpRequest, public: PublicUrl) -> HttpResponse | None:
    """Refuse a request with no host, two hosts, or an invalid one, for every path, also where any host name is accepted (RFC 9112, 3.2)."""
    host = request.META.get("HTTP_HOST")
    return None if host is None or split_domain_port(host)[0] else _elsewhere(request, public)


def _elsewhere(request: HttpRequest, public: PublicUrl) -> HttpResponse:
    return error_pages.page(
        request,
        400,
        _("This is not the address of the console"),
        _("Open %(url)s. If the address has changed, the operator sets ROKUON_PUBLIC_URL.") % {"url": public.origin},
    )


def _plain(request: HttpRequest) -> HttpResponse | None:
    """Answer the paths for machines, under any host name."""
    if request.method not in ("GET", "HEAD"):
        return None
    match request.path_info:
        case "/healthz":
            return health.alive()
        case "/readyz":
            return health.ready()
        case endpoint.PATH:
            return endpoint.answer(request)
        case "/robots.txt":
            return HttpResponse(ROBOTS, content_type="text/plain")
    return None


def _refusal(request: HttpRequest, way: proxy_headers.RequestOrigin, public: PublicUrl) -> HttpResponse | None:
    if request.method not in METHODS:
        return error_pages.page(request, 405, _("This method is not allowed"), _("The console answers no requests of this kind."))
    try:
        request.get_host()
    except DisallowedHost:
        return _elsewhere(request, public)
    if "\0" in request.path_info:
        # None of our addresses contains it, and the database refuses a query with it.
        return error_pages.bad_request(request)
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.path_info.startswith(EVENTS):
        return error_pages.page(request, 411, _("The request has no length"), _("A form must say how long it is."))
    if _length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return error_pages.page(request, 413, _("The form is too large"), _("A form or a file for the console may have at most 1 MiB."))
    return _to_https(request, way, public) if public.secure and way.scheme != "https" else None


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _to_https(request: HttpRequest, way: proxy_headers.RequestOrigin, public: PublicUrl) -> HttpResponse:
    """Redirect to https, unless that would cause an endless loop: then say what the operator has to set."""
    title = _("The proxy before the console is not set up completely")
    if way.claimed:
        return error_pages.page(
            request,
            400,
            title,
            _("A proxy at %(address)s forwards to the console and is not known. The operator adds it to ROKUON_TRUSTED_PROXIES.")
            % {"address": way.client},
        )
    if way.proxied and not way.scheme:
        return error_pages.page(
            request, 400, title, _("The proxy before the console does not send X-Forwarded-Proto. The operator adds it there.")
        )
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(public.origin + request.get_full_path())
    return error_pages.page(request, 400, _("The connection is not encrypted"), _("Open %(url)s.") % {"url": public.origin})


def _log(request: KnownRequest, response: HttpResponseBase, seconds: float) -> None:
    """Log the request by route, never by URL: a URL may contain a one-time link."""
    if request.path_info.startswith(STATIC_URL) or request.path_info in ("/healthz", "/readyz"):
        return
    quiet = response.status_code < 400 and (request.method in ("GET", "HEAD") or request.path_info.startswith(EVENTS))
    log.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={
            "method": request.method if request.method in METHODS else "other",
            "route": request.resolver_match.route if request.resolver_match else "",
            "status": response.status_code,
            "ms": round(seconds * 1000),
            "client": request.client_address,
        },
    )
