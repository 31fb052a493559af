"""The loop over pieces against a server that fails in every way at once, seeded."""

import os
import random

import pytest

from rokuon.domain.failures import ChecksumRefused, StoreThrottled, StoreUnavailable
from rokuon.stores.gcs_upload import CHUNK, UploadProgress, upload
from tests.conformance.harness import body_of

QUANTUM = 256 * 1024


class Server:
    """Keeps any whole quanta of a piece that breaks off, refuses pieces out of order, and forgets to answer."""

    def __init__(self, seed: int, trouble: float) -> None:
        self.random = random.Random(seed)
        self.trouble = trouble
        self.kept = b""
        self.done = False
        self.waited: list[float] = []

    async def send(self, piece: bytes, content_range: str) -> UploadProgress:
        span, total = content_range.removeprefix("bytes ").split("/")
        if not self.done and span != "*":
            if int(span.split("-")[0]) != len(self.kept):
                raise ChecksumRefused("400 invalid")
            if self.random.random() < self.trouble:
                part = piece[: self.random.randrange(len(piece))]
                self.kept += part[: len(part) // QUANTUM * QUANTUM]
                if self.random.random() < 0.5:
                    # What aiohttp does by itself: the same piece once more.
                    return await self.send(piece, content_range)
                raise StoreUnavailable
            self.kept += piece
            self.done = len(self.kept) == int(total)
        if self.random.random() < self.trouble:
            raise self.random.choice([StoreUnavailable, StoreThrottled])
        return UploadProgress(len(self.kept), {"size": len(self.kept)} if self.done else None)

    async def sleep(self, seconds: float, /) -> None:
        self.waited.append(seconds)


@pytest.mark.parametrize("trouble", [0.0, 0.1, 0.4, 0.8])
async def test_an_upload_ends_whole_or_unavailable_and_never_otherwise(trouble: float) -> None:
    data = os.urandom(2 * CHUNK + 777)
    ended = {True: 0, False: 0}
    for seed in range(25):
        server = Server(seed, trouble)
        try:
            resource = await upload(body_of(data), server.send, server.sleep)
            assert resource == {"size": len(data)}
            assert server.kept == data
        except (StoreUnavailable, StoreThrottled):
            assert len(server.waited) >= 5
        ended[server.done] += 1
        assert all(0 < seconds <= 32 for seconds in server.waited)
    assert ended[True] > 0
    assert trouble < 0.8 or ended[False] > 0


@pytest.mark.parametrize("kept", [-1, 0, 2**40])
async def test_a_server_that_does_not_advance_is_given_up(kept: int) -> None:
    async def send(piece: bytes, content_range: str) -> UploadProgress:
        return UploadProgress(kept)

    server = Server(0, 0)
    with pytest.raises(StoreUnavailable):
        await upload(body_of(bytes(CHUNK)), send, server.sleep)


async def test_a_server_that_goes_back_and_forth_is_given_up() -> None:
    answers = [2 * QUANTUM, QUANTUM] * 50

    async def send(piece: bytes, content_range: str) -> UploadProgress:
        return UploadProgress(answers.pop())

    server = Server(0, 0)
    with pytest.raises(StoreUnavailable):
        await upload(body_of(bytes(CHUNK)), send, server.sleep)
    assert len(answers) > 90


async def test_bytes_that_the_server_refuses_are_refused_after_one_question() -> None:
    asked: list[str] = []

    async def send(piece: bytes, content_range: str) -> UploadProgress:
        asked.append(content_range)
        if piece:
            raise ChecksumRefused
        return UploadProgress(0)

    server = Server(0, 0)
    with pytest.raises(ChecksumRefused):
        await upload(body_of(bytes(100)), send, server.sleep)
    assert asked == ["bytes 0-99/100", "bytes */100"]
