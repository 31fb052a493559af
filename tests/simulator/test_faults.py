"""The fault script: every action does on the wire what it says, exactly to the requests it names."""

import asyncio
import gzip
import json
import time
from typing import Any

import aiohttp
import pytest

from rokuon.simulator import audio
from rokuon.simulator.faults import KINDS, BadFault, Fault, Faults
from rokuon.simulator.model import Recording

from .conftest import Api, Start


async def with_fault(start: Start, action: Any, endpoint: str = "media", **parts: Any) -> tuple[Api, Recording, str]:
    api = await start(media_hops="0", faults=[{"endpoint": endpoint, "action": action, **parts}])
    recording = next(r for r in api.sim.world.recordings.values() if r.kind == "callrecording")
    return api, recording, f"/r/{recording.id}"


async def raw(api: Api, path: str, wait: float = 2.0) -> bytes:
    """The bytes of the answer as they come, until the connection ends or wait seconds are over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.sim.base_url.rsplit(":", 1)[1]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {api.sim.key}\r\nConnection: close\r\n\r\n".encode())
    got = b""
    try:
        async with asyncio.timeout(wait):
            while piece := await reader.read(65_536):
                got += piece
    except TimeoutError:
        got += b"<timeout>"
    except ConnectionError:
        got += b"<reset>"
    writer.close()
    return got


@pytest.mark.parametrize("retry_after", ["3", "-1", "soon", "99999999999", "1.5"])
async def test_a_status_comes_with_the_headers_and_body_that_were_given(start: Start, retry_after: str) -> None:
    action = {"kind": "status", "status": 503, "headers": {"Retry-After": retry_after}, "body": "<h1>no</h1>"}
    api, _, url = await with_fault(start, action)
    reply = await api.get(url)
    assert (reply.status, reply.headers["Retry-After"], reply.body) == (503, retry_after, b"<h1>no</h1>")


async def test_a_page_of_html_comes_with_status_200(start: Start) -> None:
    api, _, url = await with_fault(start, "html")
    reply = await api.get(url)
    assert (reply.status, reply.headers["Content-Type"][:9]) == (200, "text/html")


async def test_redirects_lead_to_login_or_anywhere(start: Start) -> None:
    api, _, url = await with_fault(start, "login")
    assert (await api.get(url)).headers["Location"] == "/login"
    api.sim.faults.load([{"endpoint": "media", "action": {"kind": "redirect", "to": "http://169.254.169.254/"}}])
    assert (await api.get(url)).headers["Location"] == "http://169.254.169.254/"


async def test_a_dropped_connection_gives_no_header(start: Start) -> None:
    api, _, url = await with_fault(start, "drop")
    assert await raw(api, url) in (b"", b"<reset>")
    assert api.sim.meter.log[-1].status == 0


async def test_a_truncated_body_keeps_its_length_header_and_is_seen_as_short(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "truncate", "after": 1000})
    head, _, body = (await raw(api, url)).partition(b"\r\n\r\n")
    assert f"Content-Length: {audio.size(recording)}".encode() in head
    assert body == audio.whole(recording)[:1000]
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(url)


async def test_a_truncated_body_may_end_in_a_reset(start: Start) -> None:
    api, _, url = await with_fault(start, {"kind": "truncate", "after": 1000, "reset": True})
    assert (await raw(api, url)).endswith(b"<reset>")
    assert (await api.get("company")).status == 200


async def test_a_truncated_body_without_length_looks_whole(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "truncate", "after": 1000, "framing": "close"})
    reply = await api.get(url)
    assert reply.body == audio.whole(recording)[:1000]
    assert "Content-Length" not in reply.headers


async def test_truncated_chunks_never_end(start: Start) -> None:
    api, _, url = await with_fault(start, {"kind": "truncate", "after": 1000, "framing": "chunked"})
    assert not (await raw(api, url)).endswith(b"0\r\n\r\n")
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.get(url)


async def test_an_overlong_body_has_more_bytes_than_its_header_says(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "overlong", "extra": 500})
    head, _, body = (await raw(api, url)).partition(b"\r\n\r\n")
    assert f"Content-Length: {audio.size(recording)}".encode() in head
    assert len(body) == audio.size(recording) + 500


async def test_an_endless_body_goes_on_at_its_rate(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "endless", "rate": 200_000})
    got = await raw(api, url, wait=0.8)
    assert got.endswith(b"<timeout>")
    assert b"Content-Length" not in got
    assert audio.size(recording) < len(got) + 10_000_000
    assert len(got) < 400_000


async def test_a_stall_sends_nothing_and_stop_ends_it(start: Start) -> None:
    api, _, url = await with_fault(start, {"kind": "stall", "seconds": 600})
    assert await raw(api, url, wait=0.3) == b"<timeout>"
    began = time.monotonic()
    await api.sim.stop()
    assert time.monotonic() - began < 3


async def test_a_delay_comes_late_and_whole(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "delay", "seconds": 0.2})
    began = time.monotonic()
    assert (await api.get(url)).body == audio.whole(recording)
    assert time.monotonic() - began >= 0.2


async def test_a_drip_is_whole_and_slow(start: Start) -> None:
    api, _, _ = await with_fault(start, {"kind": "drip", "rate": 400}, endpoint="company")
    began = time.monotonic()
    assert (await api.get("company")).json["id"]
    assert time.monotonic() - began > 0.3


async def test_bodies_can_be_empty_zeros_flipped_retyped_replaced_or_zipped(start: Start) -> None:
    api, recording, url = await with_fault(start, "empty")
    whole = audio.whole(recording)

    async def body(action: Any) -> Any:
        api.sim.faults.load([{"endpoint": "media", "action": action}])
        return await api.get(url)

    assert (await body("empty")).body == b""
    assert (await body("zeros")).body == bytes(len(whole))
    flipped = (await body({"kind": "flip", "count": 1})).body
    assert sum(a != b for a, b in zip(flipped, whole, strict=True)) == 1
    assert (await body({"kind": "type", "content_type": "text/plain"})).headers["Content-Type"] == "text/plain"
    assert (await body({"kind": "body", "base64": "AAEC"})).body == b"\x00\x01\x02"
    api.sim.faults.load([{"endpoint": "media", "action": "gzip"}])
    head, _, zipped = (await raw(api, url)).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(zipped) == whole
    assert (await body({"kind": "headers", "headers": {"X-Odd": "1"}})).headers["X-Odd"] == "1"


async def test_a_streamed_recording_can_be_bent_too(start: Start) -> None:
    api, recording, url = await with_fault(start, {"kind": "truncate", "after": 5_000, "framing": "close"})
    recording.duration_ms, recording.kbps = 3 * 3_600_000, 16
    assert len((await api.get(url)).body) == 5_000
    api.sim.faults.load([{"endpoint": "media", "action": {"kind": "body", "text": "x"}}])
    assert (await api.get(url)).body == b"x"


async def test_json_can_be_halved_and_its_fields_changed_or_removed(start: Start) -> None:
    api, _, _ = await with_fault(start, "half_json", endpoint="calls")
    with pytest.raises(json.JSONDecodeError):
        _ = (await api.get("call")).json
    changes = {"items.0.call_id": {"odd": []}, "items.1.date_started": "__absent__", "items.2": None, "extra": 1}
    api.sim.faults.load([{"endpoint": "calls", "action": {"kind": "set", "changes": changes}}])
    body = (await api.get("call")).json
    assert body["items"][0]["call_id"] == {"odd": []}
    assert "date_started" not in body["items"][1]
    assert body["items"][2] is None
    assert body["extra"] == 1


async def test_a_cursor_can_loop_or_be_nonsense(start: Start) -> None:
    api, _, _ = await with_fault(start, "cursor_loop", endpoint="calls", nth=[2, 99])
    first = (await api.get("call", limit=5)).json
    second = (await api.get("call", limit=5, cursor=first["cursor"])).json
    assert second["cursor"] == first["cursor"]
    api.sim.faults.load([{"endpoint": "calls", "action": {"kind": "cursor", "value": "zzz"}}])
    assert (await api.get("call")).json["cursor"] == "zzz"
    assert (await api.get("call", cursor="zzz")).status == 400


async def test_faults_hit_the_nth_request_of_each_id_and_nothing_else(start: Start) -> None:
    api, one, _ = await with_fault(start, {"kind": "status", "status": 500}, nth=[1, 2], per_id=True)
    two = next(r for r in api.sim.world.recordings.values() if r.kind == "callrecording" and r is not one)
    statuses = [(await api.get(f"/r/{r.id}")).status for r in (one, two, one, two, one, two)]
    assert statuses == [500, 500, 500, 500, 200, 200]
    assert (await api.get("company")).status == 200
    assert api.sim.faults.rules[0].hits == 4
    assert api.sim.meter.company(api.sim.company.id).faults == {"status": 4}


async def test_faults_are_matched_by_id_path_and_company(start: Start) -> None:
    api, one, url = await with_fault(start, {"kind": "status"}, id="1")
    assert (await api.get(url)).status == 200
    for match in ({"id": str(one.id)}, {"path": "/r/*"}, {"query": "*"}, {"company": api.sim.company.id}, {"endpoint": "med*"}):
        api.sim.faults.load([{**match, "action": "status"}])
        assert (await api.get(url)).status == 500, match
    for match in ({"path": "/v/*"}, {"query": "cursor=*"}, {"company": 1}, {"endpoint": "calls"}, {"nth": 2}):
        api.sim.faults.load([{**match, "action": "status"}])
        assert (await api.get(url)).status == 200, match


def test_a_share_of_requests_fails_the_same_way_for_the_same_seed() -> None:
    def struck(seed: int) -> list[bool]:
        fault = Fault.parse({"action": "drop", "share": 0.3, "seed": seed})
        return [fault.strikes("media", "/r/1", "", "1", None) for _ in range(400)]

    assert struck(1) == struck(1) != struck(2)
    assert 80 < sum(struck(1)) < 160


@pytest.mark.parametrize(
    "bad",
    [
        7,
        {},
        {"action": "explode"},
        {"action": {"kind": "redirect"}},
        {"action": {"kind": "set"}},
        {"action": "drop", "when": 1},
        {"action": "drop", "nth": "x"},
        {"action": "drop", "nth": [1]},
        {"action": {"kind": "body", "base64": "?"}},
        {"action": "drop", "share": None},
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_and_keeps_the_old_script(bad: Any) -> None:
    faults = Faults()
    faults.add(action="drop")
    with pytest.raises(BadFault):
        faults.load([{"action": "html"}, bad])
    assert [rule.action["kind"] for rule in faults.rules] == ["drop"]
    with pytest.raises(BadFault):
        faults.load("not a list")


@pytest.mark.parametrize("kind", KINDS)
async def test_no_fault_leaves_the_simulator_harmed(start: Start, kind: str) -> None:
    needed = {
        "redirect": {"to": "/x"},
        "set": {"changes": {"a": 1}},
        "declare": {"length": 10**10},
        "stall": {"seconds": 0.1},
        "drip": {"rate": 10_000},
        "delay": {"seconds": 0.1},
    }
    api, _, _ = await with_fault(start, {"kind": kind, **needed.get(kind, {})}, endpoint="offices")
    await raw(api, "/api/v2/offices", wait=0.5)
    assert api.sim.faults.rules[0].hits == 1
    api.sim.faults.clear()
    assert (await api.get("offices")).status == 200
