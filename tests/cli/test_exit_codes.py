"""What a command ends with, and on which stream it says what (README, Exit codes)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds
from rokuon.ledger.models import Copy
from rokuon.org.models import Company
from tests.ledger.factory import NOW, World

from .conftest import PATIENCE_S, Rokuon, wait_until


def test_what_is_verified_cannot_be_closed_or_retried_or_reopened_and_nothing_is_changed(desk: Rokuon) -> None:
    world = World()
    (work, other) = world.place(world.planned(1), world.planned(2))
    world.verify(work)
    Copy.objects.filter(pk=other.copy_id).update(state="failed", reason="recording_not_audio", due_at=None)
    for arguments in (("close", "--note", "why"), ("retry",), ("reopen",)):
        answer = desk(arguments[0], str(work.copy_id), *arguments[1:])
        assert (answer.code, answer.out) == (2, ""), arguments
        assert "Nothing was changed." in answer.err, arguments
    both = desk("close", str(work.copy_id), str(other.copy_id), "--note", "why")
    assert (both.code, f"{work.copy_id} (Verified)" in both.err) == (2, True)
    assert desk("failures", "--json").json["failed"][0]["closed"] == 0
    assert desk("close", str(other.copy_id), "--note", "why").code == 0


def test_a_hold_is_a_part_of_the_answer_of_status(desk: Rokuon) -> None:
    world = World()
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    answer = desk("status")
    assert "On hold since 2026-11-22" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize(
    ("state", "reason", "command"),
    [
        ("failed", "recording_not_audio", "rokuon failures"),
        ("gone", "recording_gone", "rokuon failures --list --state gone"),
        ("gone", "recording_gone", "rokuon retry --reason recording_gone --gone"),
        ("gone", "recording_gone", "rokuon close --reason recording_gone --note TEXT"),
    ],
)
def test_status_that_ends_with_1_names_the_command_that_shows_why_and_it_works(desk: Rokuon, state: str, reason: str, command: str) -> None:
    world = World()
    (work,) = world.place(world.planned(1))
    Copy.objects.filter(pk=work.copy_id).update(state=state, reason=reason, due_at=None)
    answer = desk("status")
    assert (answer.code, f"`{command}`" in answer.out) == (1, True), answer.out
    assert desk(*command.split()[1:]).code == 0


def test_status_that_ends_with_1_for_what_was_never_listed_says_where_that_is_shown(desk: Rokuon) -> None:
    world = World()
    Company.objects.filter(pk=world.company.pk).update(enabled=True)
    answer = desk("status")
    assert (answer.code, "what to do: `rokuon failures`" in answer.out) == (1, True), answer.out


@pytest.mark.parametrize(
    ("arguments", "bounds"),
    [
        (("failures", "--list", "--limit", "0"), "between 1 and 100,000"),
        (("failures", "--list", "--limit", "many"), "between 1 and 100,000"),
        (("worker", "--processes", "65"), "between 1 and 64"),
        (("serve", "--processes", "-1"), "between 1 and 32"),
        (("settings", "set", "--requests-per-second", "0"), "between 0.1 and 10,000"),
        (("settings", "set", "--requests-per-second", "1e9"), "between 0.1 and 10,000"),
    ],
)
def test_a_number_that_is_refused_is_told_both_its_bounds(desk: Rokuon, arguments: tuple[str, ...], bounds: str) -> None:
    World()
    answer = desk(*arguments)
    assert (answer.code, bounds in answer.err) == (2, True), answer.err


@pytest.mark.parametrize("number", ["9" * 5000, "99999999999999999999", "-1", "1.5"])
def test_an_id_that_cannot_be_one_is_refused_in_words(desk: Rokuon, number: str) -> None:
    World()
    for arguments in (("retry", "--", number), ("close", "--note", "x", "--", number), ("notices", "ack", "--", number)):
        answer = desk(*arguments)
        assert answer.code == 2, answer.err
        assert "Traceback" not in answer.err


def test_a_reader_that_goes_away_stops_nothing_and_changes_no_code(desk: Rokuon) -> None:
    world = World()
    works = world.place(*(world.planned(number) for number in range(400)))
    Copy.objects.filter(pk__in=[work.copy_id for work in works]).update(state="failed", reason="recording_not_audio", due_at=None)
    for arguments in (("failures", "--list", "--limit", "400"), ("close", "--reason", "recording_not_audio", "--note", "x")):
        process = subprocess.Popen(
            [sys.executable, "-m", "rokuon", *arguments],
            cwd=desk.outer,
            env=desk.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, b"")
    assert desk("failures", "--json").json["failed"] == [], "the second did its work"


def test_a_backup_goes_on_without_a_reader_and_ends_with_the_code_of_its_state(ready: Rokuon) -> None:
    process = ready.start("backup-now", "--relist")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert ready("status", "--json").json["total"]["verified"] > 0


def test_a_worker_that_is_killed_is_no_wrong_command(ready: Rokuon) -> None:
    process = ready.start("backup-now", "--relist")
    wait_until(lambda: workers(ready))
    for worker in workers(ready):
        os.kill(worker, signal.SIGKILL)
    _out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, err
    assert "[worker_killed] (signal 9)" in err
    assert ready("backup-now").code == 0, "it goes on"


def workers(rokuon: Rokuon) -> list[int]:
    """The processes that a command has started to work for it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(rokuon.data).encode() in (entry / "environ").read_bytes():
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"worker" in words and b"--one" in words and b"rokuon.runtime.die_with_parent" not in words:
                    found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found
