"""Keys: who is let in, and what a key without a scope does not see."""

import pytest

from rokuon.simulator import WorldSpec

from .conftest import NOW, Start


async def test_no_key_a_wrong_key_and_a_revoked_key_get_the_same_401(start: Start) -> None:
    api = await start()
    secret = api.sim.key
    api.sim.keys.revoke(secret)
    replies = [await api.get("company", key=None), await api.get("company", key="wrong"), await api.get("company", key=secret)]
    assert [r.status for r in replies] == [401] * 3
    assert len({r.body for r in replies}) == 1
    assert replies[0].json["error"]["message"] == "A valid API key must be provided."
    assert api.sim.meter.no_key["company"] == 1
    assert api.sim.meter.bad_key["company"] == 2
    api.sim.keys.restore(secret)
    assert (await api.get("company")).status == 200


@pytest.mark.parametrize("status", ["401", "403"])
async def test_listing_calls_needs_its_scope(start: Start, status: str) -> None:
    api = await start(scope_error=status)
    key = api.sim.keys.add(api.sim.company.id, scopes=frozenset({"recordings_export"}))
    assert (await api.get("call", key=key.secret)).status == int(status)
    assert (await api.get("callcenters", key=key.secret)).status == 200


async def test_admin_endpoints_refuse_a_users_key(start: Start) -> None:
    api = await start()
    key = api.sim.keys.add(api.sim.company.id, admin=False).secret
    assert [(await api.get(path, key=key)).status for path in ("company", "call", "webhooks", "users")] == [403, 403, 403, 200]


async def test_without_recordings_export_calls_tell_of_no_recording_and_audio_is_denied(start: Start) -> None:
    api = await start()
    key = api.sim.keys.add(api.sim.company.id, scopes=frozenset({"calls:list"})).secret
    items = (await api.get("call", key=key, limit=50)).json["items"]
    assert any(item["was_recorded"] for item in items)
    assert not any({"recording_details", "recording_url", "admin_recording_urls"} & set(item) for item in items)
    one = next(r for r in api.sim.world.recordings.values() if r.kind == "callrecording")
    assert (await api.get(f"/r/{one.id}", key=key)).headers["Location"] == "/login"


async def test_a_key_opens_its_own_company_only(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, companies=2, recordings=30))
    ours, theirs = api.sim.world.companies
    key = api.sim.keys.of(theirs)[0].secret
    assert (await api.get("company", key=key)).json["id"] == str(theirs)
    one = next(r for r in api.sim.world.recordings.values() if api.sim.world.owner[r.id] == ours and r.kind == "callrecording")
    assert (await api.get(f"/r/{one.id}", key=key)).headers["Location"] == "/login"
    assert (await api.get(f"call/{one.call.id}", key=key)).status == 404
    assert set(api.sim.meter.companies) == {theirs}


async def test_a_key_in_the_query_works_and_is_counted(start: Start) -> None:
    api = await start()
    assert (await api.get("company", key=None, apikey=api.sim.key)).status == 200
    assert api.sim.meter.key_in_query["company"] == 1
    assert api.sim.key in api.sim.meter.log[-1].query


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_a_method_that_an_endpoint_does_not_know_is_405(start: Start, method: str) -> None:
    assert (await (await start()).ask(method, "callcenters", body={})).status == 405
