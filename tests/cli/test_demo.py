"""The demo, small: with --once it ends by itself, else it opens the console and stays; it leaves nothing running however it ends."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import short_folder

from .conftest import Rokuon, interrupt, processes_of, wait_until
from .test_serve import ask


@pytest.fixture(scope="module")
def demo() -> Iterator[Rokuon]:
    import shutil

    outer = short_folder()
    yield Rokuon(outer, outer / "demo-data")
    shutil.rmtree(outer)


def _left(demo: Rokuon) -> list[str]:
    return processes_of(str(demo.data))


def test_killed_demo_leaves_no_child_but_the_database_which_the_next_one_takes_over(demo: Rokuon) -> None:
    process = demo.start("demo", "--once", "--recordings", "30")
    wait_until(lambda: any("--one" in line for line in _left(demo)), 120)
    process.kill()
    process.communicate()
    wait_until(lambda: not [line for line in _left(demo) if "rokuon" in line and "postgres" not in line], 30)


def test_demo_goes_on_to_the_end_and_fetches_nothing_twice(demo: Rokuon) -> None:
    answer = demo("demo", "--once", "--recordings", "30")
    assert answer.code == 0, answer.out + answer.err
    fetched = [line for line in answer.out.splitlines() if line.startswith("Recordings asked of Dialpad")]
    assert len(fetched) == 2
    assert fetched[1].endswith(": 0")
    files = list((demo.data / "bucket").rglob("*.mp3"))
    assert len(files) > 20
    again = demo("demo", "--once")
    assert again.code == 0
    assert again.out.count("in this run: 0") == 2
    assert len(list((demo.data / "bucket").rglob("*.mp3"))) == len(files)
    assert not _left(demo)


def test_other_world_in_the_same_folder_is_refused(demo: Rokuon) -> None:
    answer = demo("demo", "--once", "--seed", "9")
    assert (answer.code, "--data" in answer.err) == (2, True)


@contextmanager
def staying(demo: Rokuon, *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A demo that has come to its rest, and what it has printed."""
    process = demo.start("demo", *options)
    assert process.stdout is not None
    said: list[str] = []
    try:
        while not said or "Until Ctrl-C" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], (said, process.communicate())
        yield process, "".join(said)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_demo_opens_with_the_console_stays_until_it_is_stopped_and_then_stops_everything(demo: Rokuon, number: int) -> None:
    with staying(demo) as (process, said):
        [(origin, path)] = re.findall(r"^  (http://127\.0\.0\.1:\d+)(/link/\S+)$", said, re.MULTILINE)
        assert f"The console is open: {origin}" in said
        assert said.index("/link/") < said.index("Back up now:"), "the backup can be watched in the console"
        port = int(origin.rpartition(":")[2])
        assert ask(port, path).status == 200
        assert ask(port, path).status == 200, "looking at the link does not use it up"
        stopped = interrupt(process, number)
    assert stopped.code == 0, stopped.err
    assert not _left(demo)


def _next_arrival(process: "subprocess.Popen[str]") -> float:
    """Seconds from the end of a call to its recording in the bucket, as the demo says it."""
    assert process.stdout is not None
    for line in process.stdout:
        if told := re.fullmatch(r"A call of .+ ended\. Its recording was in the bucket (\d+\.\d) s later\.\n", line):
            return float(told[1])
    raise AssertionError("the demo has ended")


def _until(process: "subprocess.Popen[str]", words: str) -> list[str]:
    """Lines of the demo up to the one with these words."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or words not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], ("the demo has ended", lines)
    return lines


@pytest.mark.slow
def test_a_new_demo_has_one_cause_which_a_retry_cures_and_then_it_is_won_for_good(outer: Path) -> None:
    demo = Rokuon(outer, outer / "demo-data")
    with staying(demo, "--recordings", "60") as (process, said):
        assert "Wrong on purpose" in said
        _until(process, "the demo is won")
        failing = demo("failures", "--json").json
        assert [one["reason"] for one in failing["failed"]] == ["recording_withheld"], "one cause"
        assert failing["gone"] == failing["waiting"] == []
        before = demo("status", "--json").json["total"]
        # The first to be reported may have been in the bucket when it was counted, on a busy machine the second too.
        for _ in range(3):
            assert _next_arrival(process) < 30, "a call that ended is in the bucket, and the demo says how long that took"
        assert demo("status", "--json").json["total"]["verified"] > before["verified"]
        assert demo("status", "--json").json["total"]["failed"] == before["failed"], "live calls are not damaged"
        assert len(demo("admin-link").out.split("/link/")) == 2
        assert demo("retry", "--reason", "recording_withheld").code == 0
        _until(process, "Won: nothing is left to fix. All ")
        assert interrupt(process).code == 0
    with staying(demo) as (process, said):
        assert "Wrong on purpose" not in said, "what was fixed stays fixed"
        assert demo("status", "--json").json["total"]["failed"] == 0
        assert interrupt(process).code == 0
    assert not _left(demo)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_console_of_the_demo_listens_where_rokuon_listen_says(demo: Rokuon) -> None:
    port = _free_port()
    demo.environment["ROKUON_LISTEN"] = f"127.0.0.1:{port}"
    try:
        with staying(demo) as (process, said):
            assert f"The console is open: http://127.0.0.1:{port}" in said
            assert ask(port, "/healthz").status == 200
            again = Rokuon(demo.outer, demo.outer / "other-data", ROKUON_LISTEN=f"127.0.0.1:{port}")("demo")
            assert (again.code, "ROKUON_LISTEN" in again.err) == (2, True), "a taken address is refused, and not replaced"
            assert interrupt(process).code == 0
    finally:
        del demo.environment["ROKUON_LISTEN"]


def test_an_address_that_is_none_is_refused(demo: Rokuon) -> None:
    answer = demo("demo", ROKUON_LISTEN="everywhere")
    assert (answer.code, "ROKUON_LISTEN" in answer.err) == (2, True)


A_COMPANY = """
from rokuon.runtime.django_start import start_django
start_django()
from rokuon.org import services
services.create_company("Real", "https://dialpad.com", "1")
"""


def test_demo_does_not_take_over_an_installation(empty: Rokuon) -> None:
    subprocess.run([sys.executable, "-c", A_COMPANY], env=empty.environment, check=True)
    answer = empty("demo", "--once", "--data", str(empty.data))
    assert (answer.code, "not a demo's" in answer.err) == (2, True), answer.err
    assert not (empty.data / "demo.json").exists()
