"""`GET /metrics` for Prometheus: answers only with the token that the operator set, and only if one is set."""

import hmac
import logging

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse

from rokuon.runtime.shared_clock import shared_now

from .exposition import CONTENT_TYPE, text_of
from .read_model import load_metrics

log = logging.getLogger(__name__)

PATH = "/metrics"
EACH_STATEMENT = "10s"
"""A scrape gives up rather than keep a thread of the console."""


def answer(request: HttpRequest) -> HttpResponse | None:
    """Return the metrics; 401 without the right token, 503 while the database does not answer in time. None if no token is set: then the
    address does not exist."""
    token = settings.ROKUON_METRICS_TOKEN
    if token is None:
        return None
    given = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _space, secret = given.partition(" ")
    right = hmac.compare_digest(secret.strip().encode(errors="replace"), token.get_secret_value().encode())
    if scheme.lower() != "bearer" or not right:
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [EACH_STATEMENT])
            body = text_of(load_metrics(shared_now()).gauges)
    except Error as error:
        log.warning("metrics_without_database", extra={"error": type(error).__name__})
        return HttpResponse(status=503)
    return HttpResponse(body, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
