"""Back up now, as a person uses it: to the end, stopped, again, held, failed, retried, cancelled."""

import json

from rokuon.simulator import SimulatorProcess

from .conftest import Rokuon, interrupt, processes_of, wait_until


def _final(out: str) -> dict[str, object]:
    final: dict[str, object] = json.loads(out.strip().splitlines()[-1])
    return final


def test_dry_run_changes_nothing(ready: Rokuon) -> None:
    answer = ready("backup-now", "--dry-run", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["recordings"] > 0
    assert ready("runs", "--json").json == []
    assert ready("status", "--json").json["total"]["discovered"] == 0


def test_a_window_in_the_future_or_upside_down_starts_nothing(ready: Rokuon) -> None:
    future = ready("backup-now", "--since", "2999-01-01")
    upside_down = ready("backup-now", "--since", "2026-02-01", "--until", "2026-01-01")
    assert (future.code, upside_down.code) == (2, 2)
    assert "in the future" in future.err
    assert "Exchange them" in upside_down.err


def test_ctrl_c_keeps_the_run_and_the_next_one_joins_it_to_the_end(ready: Rokuon, sim: SimulatorProcess) -> None:
    sim.control("PUT", "faults", [{"endpoint": "media_blob", "action": {"kind": "delay", "seconds": 0.5}}])
    process = ready.start("backup-now")
    wait_until(lambda: list((ready.data / "buckets" / "main").rglob("*.mp3")), 60)
    assert [line for line in processes_of(f"ROKUON_DATA_DIR={ready.data}") if "--one" in line]
    stopped = interrupt(process)
    sim.control("DELETE", "faults")
    assert stopped.code == 130
    assert "rokuon runs --cancel 1" in stopped.err
    assert not [line for line in processes_of(f"ROKUON_DATA_DIR={ready.data}") if "--one" in line]

    joined = ready("backup-now")
    assert joined.code == 0, joined.out + joined.err
    total = ready("status", "--json").json["total"]
    assert total["verified"] > 20
    assert total["discovered"] == total["verified"] + total["excluded"]
    assert len(list((ready.data / "buckets" / "main").rglob("*.mp3"))) == total["verified"]


def test_second_run_fetches_nothing(ready: Rokuon, sim: SimulatorProcess) -> None:
    sim.control("DELETE", "meter")
    answer = ready("backup-now", "--json", "--relist")
    assert answer.code == 0, answer.err
    assert _final(answer.out)["exit_code"] == 0
    assert sum(sum(one["audio_requests"].values()) for one in sim.control("GET", "meter")["companies"].values()) == 0


def test_failures_wait_are_explained_and_retried(ready: Rokuon, sim: SimulatorProcess) -> None:
    new = [sim.control("POST", "end_call", {})["recording_ids"] for _ in range(2)]
    gone, damaged = (str(ids[0]) for ids in new)
    sim.control(
        "PUT",
        "faults",
        [
            {"endpoint": "media*", "id": gone, "action": {"kind": "status", "status": 410}},
            {"endpoint": "media_blob", "id": damaged, "action": {"kind": "zeros"}},
        ],
    )
    answer = ready("backup-now", "--json")
    assert answer.code == 1, answer.out + answer.err
    assert (_final(answer.out)["gone"], _final(answer.out)["pending"]) == (1, 1)

    parts = ready("failures", "--json").json
    groups = {name: [one["reason"] for one in parts[name]] for name in ("failed", "gone", "closed", "waiting")}
    assert groups == {"failed": [], "gone": ["recording_gone"], "closed": [], "waiting": ["recording_not_audio"]}
    assert "MP3" in parts["waiting"][0]["advice"]
    listed = ready("failures", "--list", "--json").json
    assert [(one["recording_id"], one["state"]) for one in listed] == [(gone, "gone"), (damaged, "pending")]
    assert ready("retry", "999999").code == 2
    assert ready("retry", "--reason", "no_such_reason").code == 2

    sim.control("DELETE", "faults")
    watched = ready("retry", "--all", "--gone", "--watch", "--json")
    assert watched.code == 0, watched.out + watched.err
    assert (_final(watched.out)["verified"], _final(watched.out)["pending"]) == (2, 0)
    left = ready("failures", "--json").json
    assert not left["failed"] + left["gone"] + left["waiting"]


def test_a_backup_that_ends_with_1_for_what_is_gone_says_so_and_what_it_names_ends_the_alarm(ready: Rokuon, sim: SimulatorProcess) -> None:
    (lost,) = sim.control("POST", "end_call", {})["recording_ids"]
    sim.control("PUT", "faults", [{"endpoint": "media*", "id": str(lost), "action": {"kind": "status", "status": 410}}])
    first = ready("backup-now")
    assert (first.code, "Lost at Dialpad: 1 recording." in first.out) == (1, True), first.out + first.err
    command = "rokuon close --reason recording_gone --note TEXT"
    assert f"`{command}`" in first.out

    watched = ready("retry", "--all", "--gone", "--watch")
    assert (watched.code, f"`{command}`" in watched.out) == (1, True), watched.out + watched.err

    assert ready(*command.split()[1:]).code == 0
    closed = ready("backup-now")
    sim.control("DELETE", "faults")
    assert closed.code == 0, closed.out + closed.err
    assert "Lost at Dialpad: " not in closed.out
    assert "Not in the bucket, and closed with a note: 1 recording." in closed.out
    assert "All" not in closed.out


def test_watching_ends_when_what_was_tried_again_waits_again(ready: Rokuon, sim: SimulatorProcess) -> None:
    (damaged,) = sim.control("POST", "end_call", {})["recording_ids"]
    sim.control("PUT", "faults", [{"endpoint": "media_blob", "id": str(damaged), "action": {"kind": "zeros"}}])
    assert ready("backup-now", "--json").code == 1
    watched = ready("retry", "--all", "--watch")
    sim.control("DELETE", "faults")
    assert watched.code == 1, watched.out + watched.err
    assert "Pending: 1 recording." in watched.out
    assert ready("backup-now").code == 0


def test_a_revoked_key_holds_the_run_and_a_new_key_lets_it_go_on(ready: Rokuon, sim: SimulatorProcess) -> None:
    new = sim.control("POST", "keys", {"secret": "the-new-key-99"})["secret"]
    sim.control("POST", "keys/revoke", {"secret": sim.key})
    sim.control("POST", "end_call", {})
    held = ready("backup-now")
    assert held.code == 1, held.out + held.err
    assert "source_key_refused" in held.out
    assert "resumes automatically" in held.out
    assert [one["reason"] for one in ready("status", "--json").json["holds"]] == ["source_key_refused"]

    assert ready("company", "key", "--key-file", "-", stdin="still-wrong").code == 2
    assert ready("company", "key", "--key-file", "-", stdin=new).code == 0
    assert ready("status", "--json").json["holds"] == []
    assert ready("backup-now").code == 0
    sim.control("POST", "keys/restore", {"secret": sim.key})


def test_a_paused_run_waits_is_shown_and_goes_on_when_it_is_resumed_or_started_again(ready: Rokuon) -> None:
    run = str(ready("backup-now", "--detach", "--relist", "--json").json["run"])
    assert "is not paused" in ready("runs", "--resume", run).err
    assert f"--resume {run}" in ready("runs", "--pause", run).out
    assert "is not running" in ready("runs", "--pause", run).err
    assert ready("runs", "--json").json[0]["state"] == "paused"
    assert ready("status", "--json").json["paused"] == [int(run)]
    assert "is paused" in ready("status").out
    assert "is resumed" in ready("runs", "--resume", run).out
    assert ready("runs", "--pause", run, "--json").json == {"run": int(run), "paused": True}
    assert ready("runs", "--pause", run, "--cancel", run).code == 2
    answer = ready("backup-now")
    assert (answer.code, f"Run {run} was paused and is now resumed" in answer.out) == (0, True), answer.out + answer.err


def test_settings_that_leave_nothing_to_back_up_are_named_with_the_command_that_changes_them(ready: Rokuon) -> None:
    ready("rule", "disable", "--all")
    answer = ready("backup-now")
    assert answer.code == 2
    assert answer.err == ("Error: No contact center or coaching team here has a backup rule. Enable one with `rokuon rule enable`.\n")
    ready("rule", "enable", "--all")


def test_a_cancelled_run_keeps_what_it_has_and_the_next_takes_the_rest(ready: Rokuon) -> None:
    started = ready("backup-now", "--detach", "--relist", "--json").json
    again = ready("backup-now", "--detach", "--relist", "--json").json
    assert (again["run"], again["joined"]) == (started["run"], True)
    assert "cancelled" in ready("runs", "--cancel", str(started["run"])).out
    again = ready("runs", "--cancel", str(started["run"]))
    assert (again.code, "had ended already" in again.err) == (2, True)
    assert ready("runs", "--cancel", "4711").code == 2
    assert ready("runs", "--json").json[0]["state"] == "cancelled"
    assert ready("backup-now").code == 0


def test_dates_are_days_of_the_company_also_for_an_office_elsewhere(ready: Rokuon) -> None:
    offices = [one["name"] for one in ready("settings", "show", "--json").json["offices"]]
    for office in offices:
        started = ready("backup-now", "--office", office, "--since", "2026-04-01", "--until", "2026-04-01", "--detach")
        assert started.code == 0, started.err
        assert "calls from 2026-04-01 00:00 Asia/Tokyo to 2026-04-02 00:00 Asia/Tokyo" in started.out
    assert len(offices) > 1
    assert ready("backup-now", "--office", offices[0], "--since", "1 April").code == 2
