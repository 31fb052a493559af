"""The simulator as a process: one JSON line, control over HTTP, a graceful end, and clear errors."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from rokuon.simulator import SimulatorProcess
from rokuon.simulator.__main__ import arguments, main, make

from .conftest import NOW, Start


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(
        "--recordings", "30", "--companies", "2", "--now-ms", str(NOW), "--seed", "5", "--switch", "limit_per_second=0"
    ) as sim:
        yield sim


def ask(sim: SimulatorProcess, path: str, key: str) -> int:
    request = urllib.request.Request(f"{sim.base_url}/api/v2/{path}", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code


def test_its_first_line_says_where_it_is_and_which_keys_open_it(process: SimulatorProcess) -> None:
    assert process.base_url.startswith("http://127.0.0.1:")
    assert [ask(process, "company", company["keys"][0]) for company in process.hello["companies"]] == [200, 200]
    assert [company["recordings"] for company in process.hello["companies"]] == [30, 30]


def test_keys_are_added_revoked_and_restored_while_it_runs(process: SimulatorProcess) -> None:
    made = process.control("POST", "keys", {"scopes": ["calls:list"]})
    assert ask(process, "call", made["secret"]) == 200
    process.control("POST", "keys/revoke", {"secret": made["secret"]})
    assert ask(process, "call", made["secret"]) == 401
    process.control("POST", "keys/restore", {"secret": made["secret"]})
    assert ask(process, "call", made["secret"]) == 200


def test_the_truth_names_every_recording_with_its_sum(process: SimulatorProcess) -> None:
    company = process.hello["companies"][1]["id"]
    truth = process.control("GET", f"truth?company={company}")
    assert len(truth) == 30
    assert len({it["sha256"] for it in truth}) == 30
    assert all(it["call_ids"] and it["bytes"] % 72 == 0 and (it["center_id"] or it["agent_name"] is not None) for it in truth)
    assert "sha256" not in process.control("GET", "truth?sha256=0")[0]


def test_faults_switches_and_meter_work_over_http(process: SimulatorProcess) -> None:
    process.control("DELETE", "meter")
    process.control("PUT", "faults", [{"endpoint": "offices", "nth": 1, "action": {"kind": "status", "status": 502}}])
    assert [ask(process, "offices", process.key) for _ in range(2)] == [502, 200]
    process.control("POST", "faults", {"endpoint": "company", "action": "status"})
    assert [rule["hits"] for rule in process.control("GET", "faults")] == [1, 0]
    assert process.control("DELETE", "faults") == []
    assert process.control("POST", "switches", {"limit_per_second": 1})["limit_per_second"] == 1
    assert 429 in [ask(process, "offices", process.key) for _ in range(3)]
    process.control("POST", "switches", {"limit_per_second": 0})
    meter = process.control("GET", "meter")["companies"][str(process.hello["companies"][0]["id"])]
    assert meter["requests"]["offices"] == 5
    assert meter["status_429"] >= 1
    assert process.control("GET", "log")[-1]["path"] == "/api/v2/offices"


def test_a_call_ends_and_names_change_on_request(process: SimulatorProcess) -> None:
    before = len(process.control("GET", "truth?sha256=0"))
    ended = process.control("POST", "end_call", {"talk_ms": 5000})
    after = process.control("GET", "truth?sha256=0")
    assert len(after) == before + 1
    mine = next(it for it in after if it["id"] == ended["recording_ids"][0])
    process.control("POST", "rename", {"id": mine["center_id"], "name": "New/Name"})
    process.control("POST", "rename", {"id": mine["agent_id"], "name": "Renamed"})
    renamed = next(it for it in process.control("GET", "truth?sha256=0") if it["id"] == mine["id"])
    assert (renamed["center_name"], renamed["agent_name"]) == ("New/Name", "Renamed")
    now = process.control("GET", "")["now_ms"]
    assert process.control("POST", "advance", {"ms": 3_600_000})["now_ms"] >= now + 3_600_000


@pytest.mark.parametrize(
    ("method", "what", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "nothing", {}, 404),
        ("PUT", "meter", {}, 405),
        ("POST", "keys/revoke", {"secret": "unknown"}, 400),
        ("POST", "keys", {"company": 1}, 400),
        ("POST", "switches", {"limit_per_second": 3, "nonsense": 1}, 400),
        ("POST", "end_call", {"planet": 1}, 400),
        ("POST", "rename", {"id": 1, "name": "x"}, 400),
        ("POST", "recordings/1/delete", {}, 404),
        ("PUT", "faults", [{"action": "explode"}], 400),
        ("POST", "faults", [1], 400),
        ("GET", "truth?company=1", None, 400),
    ],
)
def test_control_refuses_what_it_does_not_understand(process: SimulatorProcess, method: str, what: str, body: object, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        process.control(method, what, body)
    assert refused.value.code == status
    refused.value.close()
    assert process.control("GET", "switches")["limit_per_second"] == 0


def test_sigterm_ends_it_with_status_0() -> None:
    sim = SimulatorProcess("--recordings", "5")
    with sim:
        assert ask(sim, "company", sim.key) == 200
    assert sim._process is not None
    assert sim._process.returncode == 0


@pytest.mark.parametrize(
    "options",
    [["--switch", "nonsense=1"], ["--world", "planets=3"], ["--talk", "1,2"], ["--faults", "/nonexistent/f.json"], ["--talk", "a,b,c"]],
)
def test_options_that_make_no_sense_end_in_one_sentence(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recordings", "1", *options]) == 2
    assert capsys.readouterr().err.startswith("rokuon simulator: ")


def test_a_fault_file_is_read_and_a_bad_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(json.dumps([{"action": "drop"}]))
    sim = make(arguments(["--recordings", "1", "--faults", str(file), "--world", "centers=2", "--world", "users=3"]))
    assert sim.faults.rules[0].action == {"kind": "drop"}
    assert (len(sim.company.centers), len(sim.company.users)) == (2, 3)
    file.write_text('[{"action": "explode"}]')
    assert main(["--faults", str(file)]) == 2


def test_a_taken_port_ends_the_process_with_an_error() -> None:
    with SimulatorProcess("--recordings", "1") as sim:
        port = sim.base_url.rsplit(":", 1)[1]
        done = subprocess.run(
            [sys.executable, "-m", "rokuon.simulator", "--recordings", "1", "--port", port],
            capture_output=True,
            text=True,
            timeout=20,
            env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
        )
    assert done.returncode == 2
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


async def test_the_clock_runs_on_from_the_worlds_now_or_is_given(start: Start) -> None:
    api = await start()
    assert 0 <= api.sim.now() - NOW < 60_000
    api.sim.advance(1_000_000)
    assert api.sim.now() >= NOW + 1_000_000
    reply = await api.get("call", started_before=NOW + 1_000_000)
    assert reply.status == 200
