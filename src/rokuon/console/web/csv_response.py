"""Response with a table as a CSV file to download (row Q37)."""

from collections.abc import Iterable, Sequence

from django.http import StreamingHttpResponse

from rokuon.base import csv_text


def answer(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """Return a file to download. `name` is chosen by us and is ASCII; no cache may store the file."""
    response = StreamingHttpResponse(csv_text.lines(headings, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
