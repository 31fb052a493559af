"""Runs `rokuon` commands, and programs of tests, as processes that are forked from one which has loaded Rokuon already: loading it is most
of what a command costs, and nothing that its tests are about (`tests/meta/test_start_cost.py` and `tests/cli/test_loading.py` watch it).

A command has its own process, environment, settings, folder, pipes and exit code, as after `python -m rokuon`; only its command line as
others see it differs, so what is looked for in the list of processes is started by `Rokuon.start`.
"""

import atexit
import gc
import json
import os
import random
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    "aiohttp",
    "argon2",
    "gcloud.aio.auth",
    "requests",
    "rich.console",
    "rich.live",
    "rich.progress",
    "rich.table",
)
"""What commands load late, when they need it."""

LENGTH = struct.Struct("!I")


class ForkServer:
    """One server process for all commands of a test process in a language (loading a command translates its help). It ends when this
    process does, even if that is killed: the socket closes."""

    def __init__(self, language: str) -> None:
        self._ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.fork_server", str(theirs.fileno()), language],
            cwd=Path(__file__).resolve().parents[2],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._one_at_a_time = threading.Lock()
        atexit.register(self._close)

    def _close(self) -> None:
        self._ours.close()
        self._process.wait()

    def run(
        self, arguments: list[str], environment: dict[str, str], folder: Path, stdin: str, patience_s: float, program: Path | None = None
    ) -> tuple[int, str, str]:
        """Exit code (negative for a signal), output, errors of `rokuon`, or of a program. Raises TimeoutExpired after killing it."""
        pipes = [os.pipe() for _ in range(4)]
        (in_read, in_write), (out_read, out_write), (err_read, err_write), (end_read, end_write) = pipes
        asked = {"program": str(program or ""), "arguments": arguments, "environment": environment, "folder": str(folder)}
        request = json.dumps(asked).encode()
        with self._one_at_a_time:
            socket.send_fds(self._ours, [LENGTH.pack(len(request))], [in_read, out_write, err_write, end_write])
            self._ours.sendall(request)
            pid = LENGTH.unpack(self._ours.recv(LENGTH.size, socket.MSG_WAITALL))[0]
        for fd in (in_read, out_write, err_write, end_write):
            os.close(fd)
        texts: dict[int, bytes] = {}
        readers = [threading.Thread(target=_read, args=(fd, texts)) for fd in (out_read, err_read, end_read)]
        for reader in readers:
            reader.start()
        with suppress(BrokenPipeError), os.fdopen(in_write, "wb") as pipe:
            pipe.write(stdin.encode())
        for reader in readers:
            reader.join(patience_s)
            if reader.is_alive():
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([str(program or "rokuon"), *arguments], patience_s)
        return int(texts[end_read]), texts[out_read].decode(), texts[err_read].decode()


def _read(fd: int, into: dict[int, bytes]) -> None:
    with os.fdopen(fd, "rb") as pipe:
        into[fd] = pipe.read()


def serve(requests: socket.socket) -> None:
    """Fork for each request until the other end closes."""
    while True:
        head, fds, _flags, _address = socket.recv_fds(requests, LENGTH.size, 4)
        if not head:
            return
        request = json.loads(requests.recv(LENGTH.unpack(head)[0], socket.MSG_WAITALL))
        pid = os.fork()
        if pid == 0:
            requests.close()
            os.close(fds[3])
            _become(request, fds[:3])
        requests.sendall(LENGTH.pack(pid))
        for fd in fds[:3]:
            os.close(fd)
        threading.Thread(target=_report_end, args=(pid, fds[3])).start()


def _report_end(pid: int, fd: int) -> None:
    _pid, status = os.waitpid(pid, 0)
    with os.fdopen(fd, "w") as pipe:
        pipe.write(str(os.waitstatus_to_exitcode(status)))


def _become(request: dict[str, object], fds: list[int]) -> None:
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
        os.close(fd)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[arg-type]
    time.tzset()
    os.chdir(str(request["folder"]))
    random.seed()
    program = str(request["program"])
    sys.argv = [program or "rokuon", *request["arguments"]]  # type: ignore[misc]
    _forget_settings()
    code = _run(program)
    # What the interpreter does at its end, but for taking apart what was loaded before the fork.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    sys.stderr.flush()
    os._exit(code)


def _run(program: str) -> int:
    try:
        if program:
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module("rokuon", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _forget_settings() -> None:
    """Let Django read its settings anew, from the environment of the command, and with them the language of its texts."""
    from django.conf import empty, settings
    from django.db import connections
    from django.utils.translation import trans_real

    import rokuon

    del sys.modules["rokuon.settings"], rokuon.settings  # type: ignore[attr-defined]
    settings._wrapped = empty
    vars(connections).clear()
    connections.__init__()  # type: ignore[misc]
    trans_real._default = None  # type: ignore[attr-defined]


def load(language: str) -> None:
    """Load all commands, for an installation that is nowhere."""
    from rokuon.base import i18n

    os.environ["ROKUON_DATA_DIR"] = "/nowhere"
    i18n.activate(language)
    os.environ["LANGUAGE"] = language
    from rokuon.cli.main import COMMANDS
    from rokuon.runtime.django_start import start_django

    start_django()
    for name in LIBRARIES:
        import_module(name)
    for module, _django, _help in COMMANDS.values():
        import_module(f"rokuon.cli.{module}")
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    for config in apps.get_app_configs():
        MigrationLoader.migrations_module(config.label)
    MigrationLoader(None)


if __name__ == "__main__":
    gc.disable()
    load(sys.argv[2])
    gc.freeze()  # a forked process that collects garbage shall not copy all these pages
    gc.enable()
    serve(socket.socket(fileno=int(sys.argv[1])))
