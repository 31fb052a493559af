"""A request on its way in: whole, slow, too much, whatever the pieces that it comes in."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rokuon.console.web.request_reader import BODY_BEGINS_WITHIN_S, HEAD_WITHIN_S, LEAST_RATE, MOST_BODY, MOST_HEAD, Arriving, Stage

HEAD = b"POST /hooks/dialpad/abc HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length": HEAD + b"Content-Length: 5\r\n\r\n12345",
    "an empty body": HEAD + b"content-length: 0\r\n\r\n",
    "pieces": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "pieces with fields behind": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0;x=1\r\nX-Sum: 1\r\n\r\n",
    "no pieces": HEAD + b"transfer-encoding:  Chunked \r\n\r\n0\r\n\r\n",
}
ODD = {
    "a length that is none": HEAD + b"Content-Length: 5x\r\n\r\n",
    "a length and pieces": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "another encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    "no request": b"\x16\x03\x01 hello\r\n\r\n",
}


def arrived(data: bytes, cuts: list[int]) -> list[Stage]:
    one, stages = Arriving(0), []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        stages.append(one.take(data[start:end], 0))
    return stages


@pytest.mark.parametrize("name", WHOLE)
@given(st.lists(st.integers(1, 200), max_size=8))
@example(list(range(200)))
def test_a_request_is_whole_with_its_last_byte_and_not_before(name: str, cuts: list[int]) -> None:
    stages = arrived(WHOLE[name], cuts)
    assert stages[-1] is Stage.WHOLE
    assert set(stages[:-1]) <= {Stage.HEAD, Stage.BODY}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_left_to_the_server_s_parser(name: str) -> None:
    assert arrived(ODD[name], [])[-1] is Stage.WHOLE


def test_too_much_is_told_from_the_head_or_as_soon_as_it_is_there() -> None:
    assert arrived(HEAD + b"Content-Length: 99999999\r\n\r\n", [])[-1] is Stage.BODY_TOO_LONG
    assert arrived(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", [])[-1] is Stage.BODY_TOO_LONG
    assert arrived(HEAD + b"X-Long: " + b"a" * MOST_HEAD, [])[-1] is Stage.HEAD_TOO_LONG
    assert arrived(HEAD + b"X-Long: " + b"a" * MOST_HEAD + b"\r\n\r\n", [])[-1] is Stage.HEAD_TOO_LONG
    pieces = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + b"a" * (MOST_BODY + 1)
    assert arrived(pieces, [])[-1] is Stage.BODY_TOO_LONG


def test_a_head_has_its_seconds_however_it_trickles() -> None:
    one = Arriving(0)
    for second, byte in enumerate(HEAD[:40]):
        one.take(bytes([byte]), second)
    assert not one.is_late(HEAD_WITHIN_S)
    assert one.is_late(HEAD_WITHIN_S + 0.1)


@pytest.mark.parametrize(("rate", "late"), [(LEAST_RATE / 16, True), (LEAST_RATE * 2, False)])
def test_a_body_has_time_by_the_bytes_that_have_come(rate: float, late: bool) -> None:
    one = Arriving(0)
    one.take(HEAD + b"Content-Length: 1000000\r\n\r\n", 0)
    for second in range(1, 20):
        one.take(bytes(int(rate)), second)
    assert one.is_late(20) == late
    assert not Arriving(0).is_late(BODY_BEGINS_WITHIN_S)
