"""Serves static files directly from the installed packages: nothing is collected or built, and no folder is listed.

`{% static %}` writes each address with the file's own hash (`?v=...`). A browser may cache that address for ever; without the hash, or with
an old one, for a minute. Each process compresses text once.
"""

import gzip
import hashlib
import re
from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

FOR_EVER = "max-age=31536000, public, immutable"
COMPRESSIBLE = (".css", ".js", ".svg", ".txt", ".json")
SMALLEST = 1024
GZIPPED = '-gzip"'
"""The end of the ETag of a compressed response."""

NEVER = re.compile(r"\s*q=0(\.0*)?\s*")


class VersionedFiles(StaticFilesStorage):
    """The storage behind `{% static %}`."""

    def url(self, name: str | None) -> str:
        plain = super().url(name)
        version = version_of(name or "")
        return f"{plain}?v={version}" if version else plain


@cache
def version_of(name: str) -> str:
    """Return the hash of the installed file; "" if there is none. Cached for the life of the process."""
    path = finders.find(name)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12] if isinstance(path, str) else ""


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves the files below STATIC_URL, and passes every other request on."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        file = self.files.get(request.path_info)
        if file is None:
            answer: HttpResponseBase = self.get_response(request)
            return answer
        known = str(request.META.get("HTTP_IF_NONE_MATCH", "")).replace(GZIPPED, '"')
        found = file.get_response(request.method, {**request.META, **({"HTTP_IF_NONE_MATCH": known} if known else {})})
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status), headers=dict(found.headers))
        name = request.path_info.removeprefix(self.static_prefix)
        if request.GET.get("v") == version_of(name):
            response["Cache-Control"] = FOR_EVER
        if name.endswith(COMPRESSIBLE):
            response["Vary"] = "Accept-Encoding"
            if found.status == HTTPStatus.OK and _takes_gzip(request):
                _compress(name, response)
        return response


def _takes_gzip(request: HttpRequest) -> bool:
    for part in request.headers.get("Accept-Encoding", "").split(","):
        name, _semicolon, weight = part.partition(";")
        if name.strip().lower() == "gzip":
            return NEVER.fullmatch(weight) is None
    return False


def _compress(name: str, response: HttpResponse) -> None:
    body = _gzipped(name)
    if body:
        if response.content:  # not for HEAD
            response.content = body
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(body))
        response["ETag"] = response["ETag"][:-1] + GZIPPED


@lru_cache(maxsize=64)
def _gzipped(name: str) -> bytes:
    path: Any = finders.find(name)
    whole = Path(path).read_bytes()
    return gzip.compress(whole, 9, mtime=0) if len(whole) >= SMALLEST else b""
