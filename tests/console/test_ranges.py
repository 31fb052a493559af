"""HTTP Range: what is asked for, in every spelling."""

import pytest

from rokuon.console.web.http_range import NotSatisfiable, Span, wanted


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", Span(0, 1000)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-1", Span(0, 2)),
        ("bytes=500-", Span(500, 1000)),
        ("bytes=999-", Span(999, 1000)),
        ("bytes=10-19", Span(10, 20)),
        ("bytes=10-5000", Span(10, 1000)),
        ("bytes=-100", Span(900, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("Bytes = 5-6, 8-9", Span(5, 7)),
        ("bytes= 5-6,-1", Span(5, 7)),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str, span: Span) -> None:
    assert wanted(header, 1000) == span


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5",
        "bytes=9-5",
        "items=0-5",
        "bytes=٣-٤x",
        "bytes=--5",
        "bytes=1-2-3",
        "bytes=" + "9" * 40 + "-",
    ],
)
def test_what_cannot_be_read_asks_for_the_whole(header: str) -> None:
    assert wanted(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=999999999999999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_said_to_be_none(header: str) -> None:
    with pytest.raises(NotSatisfiable):
        wanted(header, 1000)
