"""Webhooks: events are signed, numbered and delivered as Dialpad does it, and lost when Dialpad would lose them."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from rokuon.simulator.events import NoSuchTarget

from .conftest import Api, Start


@dataclass
class Receiver:
    """A webhook endpoint: answers with the next of statuses (then 200), after hang seconds."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    hang: float = 0.0
    bodies: list[bytes] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.bodies.append(await request.read())
        self.types.append(request.content_type)
        await asyncio.sleep(self.hang)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def claims(self, secret: str = "s3cret") -> list[dict[str, Any]]:
        """The claims of every body, each with a signature that holds."""
        found = []
        for body in self.bodies:
            signed, _, signature = body.rpartition(b".")
            expected = base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).rstrip(b"=")
            assert signature == expected
            part = signed.split(b".")[1]
            found.append(json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))))
        return found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    it = Receiver()
    runner = web.ServerRunner(web.Server(it.answer, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield it
    await runner.cleanup()


Subscribe = Callable[..., Awaitable[Api]]


@pytest.fixture
def subscribed(start: Start, receiver: Receiver) -> Subscribe:
    async def begin(url: str | None = None, secret: str = "s3cret", subscription: Any = None, **switches: Any) -> Api:
        api = await start(**{"event_backoff_s": 0.01, **switches})
        hook = (await api.ask("POST", "webhooks", body={"hook_url": url or receiver.url, "secret": secret})).json
        wanted = {"endpoint_id": hook["id"], "call_states": ["hangup", "recording", "admin_recording", "voicemail_uploaded"]}
        reply = await api.ask("POST", "subscriptions/call", body={**wanted, **(subscription or {})})
        assert reply.status == 200, reply.body
        return api

    return begin


async def test_a_call_that_ends_is_listed_and_announced_by_hangup_and_recording(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed()
    ended = await api.sim.end_call(talk_ms=9_000, recordings=2)
    await api.sim.settled()
    claims = receiver.claims()
    assert [(c["state"], c["call_id"]) for c in claims] == [
        ("hangup", ended.call_ids[0]),
        ("hangup", ended.call_ids[1]),
        ("recording", ended.call_ids[0]),
    ]
    assert claims[0]["recording_details"] == []
    assert claims[0]["date_ended"] == ended.ended - 400
    assert claims[0]["target"]["office_id"] == api.sim.company.centers[0].office.id
    told = claims[2]["recording_details"]
    assert [d["id"] for d in told] == [str(i) for i in ended.recording_ids]
    assert all(isinstance(d["duration"], int) for d in told)
    assert claims[2]["call_recording_ids"] == ended.recording_ids
    assert set(receiver.types) == {"text/plain"}
    newest = (await api.get("call", limit=2)).json["items"]
    assert {int(i["call_id"]) for i in newest} == set(ended.call_ids)
    assert (await api.get(told[0]["url"], follow=True)).headers["Content-Type"] == "audio/mpeg"


async def test_without_a_secret_the_event_is_plain_json(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed(secret="")
    await api.sim.end_call(recordings=0)
    await api.sim.settled()
    assert json.loads(receiver.bodies[0])["state"] == "hangup"
    assert set(receiver.types) == {"application/json"}


@pytest.mark.parametrize(
    ("statuses", "attempts", "delivered"),
    [
        ([204], [204], True),
        ([500, 503, 200], [500, 503, 200], True),
        ([500, 500, 500, 500, 200], [500, 500, 500, 500], False),
        ([429], [429], False),
        ([404], [404], False),
        ([302], [302], False),
    ],
)
async def test_5xx_is_retried_three_times_and_4xx_never(
    subscribed: Subscribe, receiver: Receiver, statuses: list[int], attempts: list[int], delivered: bool
) -> None:
    api = await subscribed()
    receiver.statuses = statuses
    await api.sim.end_call(user=api.sim.company.users[0].id, recordings=0)
    await api.sim.settled()
    [delivery] = api.sim.deliveries
    assert (delivery.attempts, delivery.delivered) == (attempts, delivered)


async def test_a_slow_answer_is_a_timeout_and_retried(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed(event_timeout_s=0.05)
    receiver.hang = 0.2
    await api.sim.end_call(user=api.sim.company.users[0].id, recordings=0)
    await api.sim.settled()
    assert api.sim.deliveries[0].attempts == ["timeout"] * 4


async def test_a_refused_connection_is_tried_twice_more_and_then_lost(subscribed: Subscribe) -> None:
    api = await subscribed(url="http://127.0.0.1:9/nobody")
    await api.sim.end_call(user=api.sim.company.users[0].id, recordings=0)
    await api.sim.settled()
    assert api.sim.deliveries[0].attempts == ["connection"] * 3


@pytest.mark.parametrize(("state", "announced"), [("recording", ["recording"]), ("admin_recording", ["admin_recording"]), ("none", [])])
async def test_which_event_announces_an_admin_recording(
    subscribed: Subscribe, receiver: Receiver, state: str, announced: list[str]
) -> None:
    api = await subscribed(admin_recording_event=state)
    await api.sim.end_call(kind="admincallrecording", leg="agent")
    await api.sim.settled()
    assert [c["state"] for c in receiver.claims() if c["state"] != "hangup"] == announced


@pytest.mark.parametrize("carries", ["none", "admin_urls"])
async def test_a_hangup_may_carry_admin_urls(subscribed: Subscribe, receiver: Receiver, carries: str) -> None:
    api = await subscribed(hangup_carries=carries)
    await api.sim.end_call(kind="admincallrecording")
    await api.sim.settled()
    hangups = [c for c in receiver.claims() if c["state"] == "hangup"]
    assert [bool(c.get("admin_recording_urls")) for c in hangups] == [carries == "admin_urls", False]
    assert not any(c["recording_details"] for c in hangups)


async def test_events_can_be_reversed_doubled_or_lost(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed(event_order="reversed", event_copies=2)
    person = api.sim.company.users[0].id
    await api.sim.end_call(user=person)
    await api.sim.settled()
    assert [c["state"] for c in receiver.claims()] == ["recording"] * 2 + ["hangup"] * 2
    api.sim.switches.set("events_lost", True)
    await api.sim.end_call(user=person)
    await api.sim.settled()
    assert len(receiver.bodies) == 4


async def test_a_subscription_hears_of_its_target_only(subscribed: Subscribe, receiver: Receiver, start: Start) -> None:
    api = await subscribed()
    hook = (await api.get("webhooks")).json["items"][0]["id"]
    [whole] = (await api.get("subscriptions/call")).json["items"]
    await api.ask("DELETE", f"subscriptions/call/{whole['id']}")
    first, second = api.sim.company.centers[:2]
    body = {"endpoint_id": hook, "call_states": ["all"], "target_type": "callcenter", "target_id": second.id}
    assert (await api.ask("POST", "subscriptions/call", body=body)).status == 200
    await api.sim.end_call(center=first.id)
    await api.sim.end_call(center=second.id)
    await api.sim.settled()
    claims = receiver.claims()
    assert claims
    assert {c["target"]["id"] if c["target"]["type"] == "call_center" else c["entry_point_target"]["id"] for c in claims} == {second.id}


async def test_a_disabled_subscription_is_silent(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed(subscription={"enabled": False})
    await api.sim.end_call()
    await api.sim.settled()
    assert receiver.bodies == []


async def test_without_recordings_export_events_carry_no_url(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed()
    [old] = (await api.get("subscriptions/call")).json["items"]
    key = api.sim.keys.add(api.sim.company.id, scopes=frozenset({"calls:list"})).secret
    body = {"endpoint_id": old["webhook"]["id"], "call_states": ["recording"]}
    await api.ask("POST", "subscriptions/call", key=key, body=body)
    await api.ask("DELETE", f"subscriptions/call/{old['id']}")
    await api.sim.end_call()
    await api.sim.settled()
    [claims] = receiver.claims()
    assert claims["recording_details"] == []
    assert "recording_url" not in claims


async def test_a_late_recording_is_hidden_until_it_is_published_and_then_announced(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed()
    ended = await api.sim.end_call(published=False)
    await api.sim.settled()
    assert {c["state"] for c in receiver.claims()} == {"hangup"}
    told = (await api.get(f"call/{ended.call_ids[0]}")).json
    assert told["was_recorded"] is True
    assert "recording_details" not in told
    await api.ask("POST", f"/_simulator/recordings/{ended.recording_ids[0]}/publish", body={})
    assert receiver.claims()[-1]["state"] == "recording"
    assert (await api.get(f"call/{ended.call_ids[0]}")).json["recording_details"]


async def test_a_voicemail_is_announced_as_uploaded(subscribed: Subscribe, receiver: Receiver) -> None:
    api = await subscribed()
    ended = await api.sim.end_call(kind="voicemail", talk_ms=4_000)
    await api.sim.settled()
    last = receiver.claims()[-1]
    assert (last["state"], last["voicemail_recording_id"]) == ("voicemail_uploaded", ended.recording_ids[0])


@pytest.mark.parametrize("where", [{"center": 1}, {"user": 1}, {"company": 1}])
async def test_a_call_of_nobody_cannot_end(start: Start, where: dict[str, int]) -> None:
    api = await start()
    with pytest.raises(NoSuchTarget):
        await api.sim.end_call(**where)


async def test_at_most_10_subscriptions_of_the_company_and_100_in_all(subscribed: Subscribe) -> None:
    api = await subscribed()
    hook = (await api.get("webhooks")).json["items"][0]["id"]
    center = api.sim.company.centers[0].id
    wide = [(await api.ask("POST", "subscriptions/call", body={"endpoint_id": hook, "call_states": ["all"]})).status for _ in range(10)]
    assert wide == [200] * 9 + [400]
    body = {"endpoint_id": hook, "call_states": ["all"], "target_type": "callcenter", "target_id": center}
    narrow = [(await api.ask("POST", "subscriptions/call", body=body)).status for _ in range(91)]
    assert narrow == [200] * 90 + [400]


async def test_webhooks_and_subscriptions_refuse_nonsense(start: Start) -> None:
    api = await start()
    assert (await api.ask("POST", "webhooks", body={"hook_url": "ftp://x"})).status == 400
    assert (await api.ask("POST", "webhooks", body={})).status == 400
    hook = (await api.ask("POST", "webhooks", body={"hook_url": "http://127.0.0.1:9/a"})).json["id"]
    assert (await api.ask("POST", "webhooks", body={"hook_url": "http://127.0.0.1:9/a"})).status == 400
    for body in ({}, {"endpoint_id": 1}, {"endpoint_id": hook, "call_states": ["party"]}, {"endpoint_id": hook, "target_id": 5}):
        assert (await api.ask("POST", "subscriptions/call", body=body)).status == 400, body
    assert (await api.ask("PATCH", "webhooks/1", body={})).status == 404
    assert (await api.ask("DELETE", "subscriptions/call/x")).status == 404


async def test_deleting_a_webhook_takes_its_subscriptions_along(subscribed: Subscribe) -> None:
    api = await subscribed()
    hook = (await api.get("webhooks")).json["items"][0]["id"]
    assert (await api.ask("DELETE", f"webhooks/{hook}")).status == 200
    assert not (await api.get("subscriptions/call")).json.get("items")
