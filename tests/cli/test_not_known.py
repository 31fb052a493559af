"""The command line says what is not known, in its words and by its exit codes, in both languages."""

import pytest

from rokuon.simulator import SimulatorProcess

from .conftest import Rokuon


@pytest.fixture(autouse=True)
def without_faults(sim: SimulatorProcess) -> None:
    sim.control("DELETE", "faults")


def test_before_any_listing_status_says_that_nothing_was_listed(ready: Rokuon) -> None:
    said, told = ready("status"), ready("status", "--json")
    assert (said.code, told.code) == (1, 1)
    assert "were never listed" in said.out
    assert "never listed" in said.out.partition("Total")[0]
    assert told.json["never_listed"] == len(told.json["targets"])
    assert told.json["complete"] is False


def test_after_a_backup_of_one_target_the_others_were_never_listed(ready: Rokuon) -> None:
    targets = ready("status", "--json").json["targets"]
    one = next(target for target in targets if target["kind"] == "callcenter")
    done = ready("backup-now", "--target", one["id"])
    assert done.code == 0, done.out + done.err
    assert "found so far" in done.out
    assert "all" not in done.out.lower().split()
    missing = f"{len(targets) - 1} of {len(targets)} contact centers and coaching teams were never listed."
    assert missing in done.out
    said = ready("status")
    assert said.code == 1
    assert said.out.startswith(missing)
    assert f"のうち {len(targets) - 1} 件は、一覧を一度も取得していません。" in ready("status", ROKUON_LANGUAGE="ja").out
    shown = ready("failures")
    assert "[days_never_listed]" in shown.out
    assert shown.out.startswith(missing)
    assert "never listed" in ready("doctor").out


def test_a_list_that_is_refused_on_its_second_page_is_named_until_it_is_listed(ready: Rokuon, sim: SimulatorProcess) -> None:
    sim.control("PUT", "faults", [{"endpoint": "calls", "nth": [2, 100_000], "action": {"kind": "status", "status": 400}}])
    refused = ready("backup-now")
    assert refused.code == 1, refused.out + refused.err
    said = ready("status")
    assert said.code == 1
    assert "could not be listed from end to end" in said.out
    assert "All" not in said.out.split("\n")[0]
    assert "[source_" in ready("failures").out
    assert "Not listed" in ready("failures", "--export", "-").out
    assert ready("failures", "--json").json["unlisted"]
    sim.control("DELETE", "faults")
    assert ready("backup-now").code == 0
    said = ready("status")
    assert (said.code, said.out[:4]) == (0, "All "), said.out
    assert "in your bucket" in ready("failures").out


def test_an_entry_that_cannot_be_read_is_named_until_it_is_read(ready: Rokuon, sim: SimulatorProcess) -> None:
    change = {"items.0.call_id": {"not": "an id"}}
    sim.control("PUT", "faults", [{"endpoint": "calls", "action": {"kind": "set", "changes": change}}])
    assert ready("backup-now", "--relist").code == 1
    said = ready("status", "--json")
    assert said.code == 1
    assert said.json["unreadable"] > 0
    assert "could not be read" in ready("status").out
    shown = ready("failures", "--list")
    assert "entry_unreadable" in shown.out
    assert ready("failures", "--reason", "entry_unreadable", "--json").json["unreadable"]
    sim.control("DELETE", "faults")
    assert ready("backup-now", "--relist").code == 0
    assert ready("status").code == 0


def test_an_entry_that_dialpad_never_mends_is_closed_with_a_note_and_opened_again(ready: Rokuon, sim: SimulatorProcess) -> None:
    change = {"items.0.call_id": {"not": "an id"}}
    sim.control("PUT", "faults", [{"endpoint": "calls", "action": {"kind": "set", "changes": change}}])
    assert ready("backup-now", "--relist").code == 1
    entries = ready("failures", "--reason", "entry_unreadable", "--json").json["unreadable"]
    number = str(entries[0]["entry"])
    listed = ready("failures", "--list")
    assert number in listed.out
    assert "rokuon close --entry ENTRY --note TEXT" in listed.out
    for wrong in ("987654", "x", "-1"):
        assert ready("close", "--entry", wrong, "--note", "x").code == 2
    assert ready("close", "--entry", number, "--note", " ").code == 2
    assert "1 entry was closed." in ready("close", "--entry", number, "--note", "no recording").out
    assert ready("close", "--reason", "entry_unreadable", "--note", "asked Dialpad").code == 0
    assert ready("backup-now", "--relist").code == 0, "the entry is listed again, and stays explained"
    said = ready("status")
    assert said.code == 0
    assert "All" not in said.out
    assert "closed with a note" in said.out
    assert "closed with a note" in ready("failures").out
    assert "no recording" in ready("failures", "--export", "-").out
    assert ready("reopen", "--entry", number).code == 0
    assert ready("status").code == 1
    assert ready("reopen", "--entry", number).code == 2, "it is open already"
    sim.control("DELETE", "faults")
    assert ready("backup-now", "--relist").code == 0
    assert ready("failures", "--reason", "entry_unreadable", "--json").json["unreadable"] == []
