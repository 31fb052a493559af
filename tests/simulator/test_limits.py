"""Limits are enforced over sliding windows, per company, and everything over them is counted."""

import asyncio
import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.simulator import WorldSpec
from rokuon.simulator.meter import SlidingWindow

from .conftest import NOW, Start


@given(st.lists(st.floats(0, 2, allow_nan=False), max_size=60), st.floats(0.1, 2))
def test_the_worst_window_is_the_worst_of_all_windows(gaps: list[float], seconds: float) -> None:
    times, at = [], 0.0
    for gap in gaps:
        at += gap
        times.append(at)
    window = SlidingWindow(seconds)
    for at in times:
        window.enter(at)
    assert window.worst == max((sum(1 for t in times[: n + 1] if times[n] - t < seconds) for n in range(len(times))), default=0)


async def test_the_21st_request_of_a_second_is_refused_and_metered(start: Start) -> None:
    api = await start(limit_per_second=20)
    replies = await asyncio.gather(*(api.get("offices") for _ in range(30)))
    assert sorted(r.status for r in replies) == [200] * 20 + [429] * 10
    refused = next(r for r in replies if r.status == 429)
    assert refused.json["error"]["message"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"] == "1"
    meter = api.sim.meter.company(api.sim.company.id)
    assert (meter.window.worst, meter.limited["offices"], meter.statuses[429]) == (30, 10, 10)
    await asyncio.sleep(1.01)
    assert (await api.get("offices")).status == 200


async def test_a_client_that_keeps_below_the_limit_is_never_refused(start: Start) -> None:
    api = await start(limit_per_second=20)
    began = time.monotonic()
    # 17 a second: leaves room for a stalled machine.
    for n in range(26):
        await asyncio.sleep(max(0.0, began + n * 0.06 - time.monotonic()))
        assert (await api.get("offices")).status == 200
    assert api.sim.meter.company(api.sim.company.id).window.worst <= 20


async def test_the_limit_is_over_all_endpoints_and_keys_of_a_company(start: Start) -> None:
    api = await start(limit_per_second=3)
    other = api.sim.keys.add(api.sim.company.id).secret
    statuses = [(await api.get(p, key=k)).status for p, k in (("offices", ""), ("users", other), ("webhooks", ""), ("call", other))]
    assert statuses == [200, 200, 200, 429]


async def test_one_company_over_its_limit_does_not_slow_another(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, companies=2, recordings=5), limit_per_second=2)
    first, second = (api.sim.keys.of(i)[0].secret for i in api.sim.world.companies)
    assert [(await api.get("offices", key=first)).status for _ in range(3)] == [200, 200, 429]
    assert (await api.get("offices", key=second)).status == 200


async def test_the_11th_single_call_of_a_minute_is_refused_while_listing_goes_on(start: Start) -> None:
    api = await start()
    call = next(iter(api.sim.world.books[api.sim.company.id].by_id))
    statuses = [(await api.get(f"call/{call}")).status for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert (await api.get("call")).status == 200
    assert int((await api.get(f"call/{call}")).headers["Retry-After"]) > 50


@pytest.mark.parametrize("how", ["none", "seconds", "date"])
async def test_retry_after_is_absent_seconds_or_a_date(start: Start, how: str) -> None:
    api = await start(limit_per_second=1, retry_after=how)
    await api.get("offices")
    headers = (await api.get("offices")).headers
    value = headers.get("Retry-After")
    if how == "date":
        assert value is not None
        until, said_at = (email.utils.parsedate_to_datetime(one) for one in (value, headers["Date"]))
        assert 1 <= (until - said_at).total_seconds() <= 2
    else:
        assert value == {"none": None, "seconds": "1"}[how]


async def test_requests_are_counted_by_endpoint_and_list_pages_by_scope(start: Start) -> None:
    api = await start()
    center = api.sim.company.centers[0].id
    await api.calls(limit=10)
    await api.get("call", target_type="callcenter", target_id=center)
    report = api.sim.meter.report()["companies"][str(api.sim.company.id)]
    assert report["list_pages"][f"callcenter:{center}"] == 1
    assert report["list_pages"]["company"] == report["requests"]["calls"] - 1
    assert report["requests_total"] == sum(report["requests"].values())
    api.sim.meter.reset()
    assert api.sim.meter.report()["companies"] == {}
