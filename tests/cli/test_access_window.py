"""How long Dialpad keeps recordings reachable: set, shown, and what that means for what is not backed up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rokuon.runtime import cluster
from rokuon.simulator import SimulatorProcess

from .conftest import Rokuon


@pytest.fixture(scope="module")
def waiting(ready: Rokuon, sim: SimulatorProcess) -> Rokuon:
    """Every recording of eighty days is known, and none of them can be fetched yet."""
    sim.control("PUT", "faults", [{"endpoint": "media*", "action": {"kind": "status", "status": 404}}])
    assert ready("backup-now").code == 1
    return ready


def shown(rokuon: Rokuon) -> Any:
    return rokuon("settings", "show", "--json").json["access_window_days"]


def test_the_access_window_is_set_shown_audited_and_taken_back(ready: Rokuon) -> None:
    assert shown(ready) is None
    assert "reachable after its call: no end" in ready("settings", "show").out
    assert ready("settings", "set", "--access-window", "45d").code == 0
    assert shown(ready) == 45
    assert "reachable after its call: 45 days" in ready("settings", "show").out
    assert ready("settings", "set", "--access-window", "1y", "--voicemail").code == 0
    assert shown(ready) == 365
    assert "取得できる期間" in ready("settings", "show", LANG="ja_JP.UTF-8").out
    assert ready("settings", "set", "--access-window", "none").code == 0
    assert shown(ready) is None
    with psycopg.connect(cluster.dsn(ready.data)) as connection:
        rows = connection.execute(
            "SELECT after->>'access_window_days' FROM accounts_auditentry WHERE after ? 'access_window_days' ORDER BY id"
        )
        assert [row[0] for row in rows] == ["45", "365", None]


def test_another_length_is_refused_and_so_is_an_office(ready: Rokuon) -> None:
    assert ready("settings", "set", "--access-window", "90d").code == 2
    assert ready("settings", "set", "--access-window", "45d", "--office", "Tokyo").code == 2
    assert shown(ready) is None


def test_status_says_how_many_become_unreachable_within_seven_days_and_how_many_are_past(waiting: Rokuon) -> None:
    said = waiting("status")
    assert waiting("status", "--json").json["access_window"] is None
    assert "unreachable" not in said.out and "past that time" not in said.out
    assert waiting("settings", "set", "--access-window", "45d").code == 0
    border = datetime.now(UTC) - timedelta(days=45)
    with psycopg.connect(cluster.dsn(waiting.data)) as connection:
        (starts,) = connection.execute(
            "SELECT json_agg(extract(epoch FROM call_started_at)) FROM ledger_copy WHERE state IN ('pending', 'failed')"
        ).fetchone() or ([],)
    times = [datetime.fromtimestamp(float(one), UTC) for one in starts]
    soon = sorted(one for one in times if border < one <= border + timedelta(days=7))
    past = [one for one in times if one <= border]
    assert soon and past
    left = waiting("status", "--json").json["access_window"]
    assert (left["days"], left["expiring"], left["expired"]) == (45, len(soon), len(past))
    assert abs(datetime.fromisoformat(left["first_deadline"]) - soon[0] - timedelta(days=45)) < timedelta(milliseconds=1)
    said = waiting("status")
    assert f"{len(past)} recordings that are not backed up are past that time" in said.out
    assert "unreachable at Dialpad in the next 7 days" in said.out
