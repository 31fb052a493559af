"""Recordings that arrive byte by byte, over real sockets: they end, cost one request each, and the others of the job are fetched."""

import asyncio
from dataclasses import replace

import pytest

from rokuon.domain.copies import State
from tests.audio import mp3
from tests.backup.scripted import Bench, work
from tests.dialpad.worlds import QUICK, http, raw_server, source_for

TRICKLES = 24
"""As many as one job downloads at once, where nothing else is set."""
OTHERS = 12
LIMITS = replace(QUICK, silence=5, slowest=1000, slow_window=0.4, total=60)

# The source counts a body's first bytes too, so each kind of body begins as a sound one does.
BODIES = {
    "announced as 116 KB": "Content-Length: 116000\r\n",
    "announced as small": "Content-Length: 900\r\n",
    "announced as large": "Content-Length: 48000000\r\n",
    "of no announced length": "Connection: close\r\n",
}


def trickling(framing: str, seconds: float):
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n{framing}\r\n".encode() + mp3(1)[:100])
        for _ in range(int(seconds / 0.02)):
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b"\xff")

    return trickle


@pytest.mark.parametrize("framing", BODIES.values(), ids=BODIES.keys())
async def test_as_many_trickles_as_a_job_downloads_at_once_stop_none_of_the_others(bench: Bench, framing: str) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=TRICKLES, small=8000, memory=bench.limits.memory)
    slow, sound = range(1, TRICKLES + 1), range(TRICKLES + 1, TRICKLES + OTHERS + 1)

    def answer(request):
        number = int(request.path.rpartition("/r")[2])
        return trickling(framing, 15) if number in slow else http(200, mp3(number), kind="audio/mpeg")

    async with raw_server(answer) as server, source_for(server.url, limits=LIMITS) as rig, asyncio.timeout(10):
        bench.source = rig.source
        await bench.pool_tries(*(replace(work(number), url=f"{server.url}/r/r{number}") for number in [*slow, *sound]))
        asked = [request.path for request in server.requests]

    assert {bench.ledger.outcome(number).state for number in sound} == {State.VERIFIED}
    for number in slow:
        outcome = bench.ledger.outcome(number)
        assert (outcome.state, outcome.reason, outcome.spent) == (State.PENDING, "recording_too_slow", True)
        assert outcome.due_in_s >= 60
        assert asked.count(f"/r/r{number}") == 1, "it is not tried again on the spot"
    assert bench.slept == []


async def test_a_trickle_whose_bytes_end_in_time_is_no_trickle(bench: Bench) -> None:
    """The rate counts and not the pace: a small recording that comes in drops, but within its seconds, is backed up."""

    async def drops(writer: asyncio.StreamWriter) -> None:
        body = mp3(1)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for at in range(0, len(body), 200):
            writer.write(body[at : at + 200])
            await writer.drain()
            await asyncio.sleep(0.01)

    async with raw_server(lambda _: drops) as server, source_for(server.url, limits=LIMITS) as rig, asyncio.timeout(10):
        bench.source = rig.source
        await bench.pool_tries(replace(work(1), url=f"{server.url}/r/r1"))
    assert bench.ledger.outcome(1).state is State.VERIFIED
