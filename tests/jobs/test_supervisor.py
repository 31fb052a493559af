"""The supervisor starts again what dies, pauses before what dies at once, and stops in time."""

import subprocess
import sys
import time
from pathlib import Path

SUPERVISOR = """
import logging, sys
from rokuon.jobs.supervisor import Program, Supervisor
sys.exit(Supervisor(Program("test", [sys.executable, "-c", sys.argv[1]], int(sys.argv[2]))).run())
"""
LIVES = "import sys, time; open(sys.argv[0] if False else {log!r}, 'a').write('s'); time.sleep(60)"
DIES = "open({log!r}, 'a').write('s')"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({log!r}, 'a').write('s'); time.sleep(60)"


def supervise(code: str, log: Path, processes: int = 1) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SUPERVISOR, code.format(log=str(log)), str(processes)])


def starts(log: Path) -> int:
    return len(log.read_text()) if log.exists() else 0


def wait_for(log: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while starts(log) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_all_processes_are_started_and_a_stop_ends_them_with_0(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervise(LIVES, log, 3)
    wait_for(log, 3)
    began = time.monotonic()
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert time.monotonic() - began < 5


def test_what_dies_is_started_again_but_not_in_a_hurry(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervise(DIES, log)
    wait_for(log, 2)
    time.sleep(1)
    assert starts(log) <= 3, "the pause doubles: 2 s, 4 s, ..."
    supervisor.terminate()
    assert supervisor.wait(20) == 0


def test_a_process_that_does_not_listen_is_killed_and_the_exit_code_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    quick = SUPERVISOR.replace("import logging, sys", "import logging, sys\nfrom rokuon.jobs import supervisor as s; s.STOP_WITHIN_S = 1.0")
    supervisor = subprocess.Popen([sys.executable, "-c", quick, DEAF.format(log=str(log)), "1"])
    wait_for(log, 1)
    supervisor.terminate()
    assert supervisor.wait(20) == 1
