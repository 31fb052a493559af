"""Response with a table as a CSV file to download (row Q37)."""

from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse
from django.utils import translation

from rokuon.base import csv_text, i18n


def answer(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """Return a file to download, in the language of the request. `name` is chosen by us and is ASCII; no cache may store the file."""
    lines = _spoken(csv_text.lines(headings, rows), i18n.language())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _spoken(lines: Iterator[str], language: str) -> Iterator[str]:
    """Make each line in this language: the server asks for them when the language of the request has been left."""
    while True:
        with i18n.speaking(language), translation.override(language):
            line = next(lines, None)
        if line is None:
            return
        yield line
