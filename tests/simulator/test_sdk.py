"""Dialpad's own Python SDK works against the simulator."""

from collections.abc import Iterator

import pytest
import requests

from dialpad import DialpadClient
from rokuon.simulator import Simulator, SimulatorThread, Switches, WorldSpec

from .conftest import NOW


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with SimulatorThread(Simulator(WorldSpec(now_ms=NOW, recordings=150, days=25), Switches(limit_per_second=0))) as running:
        yield running


@pytest.fixture
def client(sim: Simulator) -> Iterator[DialpadClient]:
    made = DialpadClient(sim.key, base_url=sim.base_url)
    yield made
    made._session.close()


def test_it_lists_all_calls_over_all_pages(client: DialpadClient, sim: Simulator) -> None:
    listed = [call["call_id"] for call in client.calls.list(started_after=NOW - 29 * 86_400_000, started_before=NOW)]
    assert len(listed) > 100
    assert sorted(listed) == sorted(str(i) for i in sim.world.books[sim.company.id].by_id)


def test_it_gets_one_call_with_its_recordings(client: DialpadClient, sim: Simulator) -> None:
    recording = next(iter(sim.world.recordings.values()))
    call = client.calls.get(recording.call.id)
    assert str(recording.id) in [detail["id"] for detail in call["recording_details"]]


def test_it_reads_the_company_and_its_people(client: DialpadClient, sim: Simulator) -> None:
    assert client.company.get()["id"] == str(sim.company.id)
    assert len(list(client.offices.list())) == 3
    assert len(list(client.call_centers.list())) == 6
    assert len(list(client.coaching_teams.list())) == 2
    assert len(list(client.users.list(state="all"))) == 24
    center = sim.company.centers[0]
    assert client.call_centers.get(center.id)["name"] == center.name
    assert len(list(client.coaching_teams.list_members(sim.company.teams[0].id))) == 4


def test_it_keeps_webhooks_and_subscriptions(client: DialpadClient) -> None:
    hook = client.webhooks.create({"hook_url": "http://127.0.0.1:9/hook", "secret": "pssst"})
    assert hook["signature"] == {"algo": "HS256", "secret": "pssst", "type": "jwt"}
    made = client.call_event_subscriptions.create({"endpoint_id": int(hook["id"]), "call_states": ["hangup"], "enabled": True})
    assert client.call_event_subscriptions.get(int(made["id"]))["webhook"]["id"] == hook["id"]
    changed = client.call_event_subscriptions.partial_update(int(made["id"]), {"call_states": ["hangup", "recording"]})
    assert changed["call_states"] == ["hangup", "recording"]
    assert [h["id"] for h in client.webhooks.list()] == [hook["id"]]
    client.call_event_subscriptions.delete(int(made["id"]))
    client.webhooks.delete(int(hook["id"]))
    assert list(client.call_event_subscriptions.list()) == []
    assert list(client.webhooks.list()) == []


def test_it_is_told_of_a_wrong_key_and_a_wrong_window(client: DialpadClient, sim: Simulator) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        list(client.calls.list(started_after=1, started_before=NOW))
    wrong = DialpadClient("wrong", base_url=sim.base_url)
    with pytest.raises(requests.HTTPError, match="401"):
        wrong.company.get()
    wrong._session.close()
