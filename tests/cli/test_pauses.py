"""A pause that Dialpad asked for, in every command that waits for it or is asked about it. Against a simulator, in real processes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rokuon.simulator.runner import SimulatorProcess

from .conftest import Rokuon


def throttle(sim: SimulatorProcess, retry_after: str, endpoint: str = "*", nth: int | list[int] = 1) -> None:
    answer = {"kind": "status", "status": 429, "headers": {"Retry-After": retry_after}}
    sim.control("PUT", "faults", [{"endpoint": endpoint, "nth": nth, "action": answer}])


def test_a_command_that_cannot_wait_says_until_when_and_what_asked_for_it(empty: Rokuon, sim: SimulatorProcess) -> None:
    until = datetime.now(UTC) + timedelta(hours=20)
    throttle(sim, f"{until:%a, %d %b %Y %H:%M:%S} GMT", nth=[1, 99])
    try:
        answer = empty("company", "add", "--base-url", sim.base_url, "--key-file", "-", stdin=sim.key, TZ="UTC")
    finally:
        sim.control("PUT", "faults", [])
    assert answer.code == 1
    assert "Dialpad asked for a pause until" in answer.err
    assert f"{until:%H:%M} UTC" in answer.err
    assert "source_throttled" in answer.err


def test_a_pause_of_a_day_is_told_by_status_doctor_and_every_command_that_waits(ready: Rokuon, sim: SimulatorProcess) -> None:
    throttle(sim, "86400", endpoint="calls")
    refused = ready("sync", TZ="UTC")
    sim.control("PUT", "faults", [])
    assert (refused.code, "Dialpad asked for a pause until" in refused.err) == (1, True), refused.err
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    day = f"{tomorrow.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d}"

    status = ready("status")
    assert f"Dialpad asked for a pause until {day}" in status.out
    assert "asks again" not in status.out, "it waits for as long as that"
    told = ready("status", "--json").json
    assert told["pause_asked_until"].startswith(f"{tomorrow:%Y-%m-%d}")
    goes_on = datetime.fromisoformat(told["paused_until"])
    assert timedelta(hours=23) < goes_on - datetime.now(UTC) <= timedelta(hours=24)

    doctor = ready("doctor")
    assert f"Dialpad asked for a pause until {day}" in doctor.out

    sim.control("DELETE", "meter")
    for command in ("probe", "sync", "backup-now"):
        waits = ready(command, TZ="UTC")
        said = waits.out + waits.err
        assert (waits.code, f"Dialpad asked for a pause until {tomorrow:%Y-%m-%d}" in said) == (1, True), said
    asked = sim.control("GET", "meter")["companies"].values()
    assert sum(sum(one["requests"].values()) for one in asked) == 0, "nobody asks meanwhile"

    assert ready("settings", "set", "--requests-per-second", "14").code == 0
    assert "asked for a pause" not in ready("status").out
    assert ready("sync").code == 0, "a person ended it"
