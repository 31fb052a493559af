"""Each command loads by itself: the other tests run commands in processes that have loaded all of them (`fork_server`)."""

import subprocess
import sys

from rokuon.cli.main import COMMANDS

LOAD_EACH_ALONE = """
import importlib, os, sys
from rokuon.runtime.django_start import start_django
start_django()
failed = []
for module in sys.argv[1:]:
    if (child := os.fork()) == 0:
        importlib.import_module(f"rokuon.cli.{module}")
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(module)
sys.exit(", ".join(failed) or 0)
"""


def test_each_command_loads_without_the_others() -> None:
    modules = sorted({module for module, _django, _help in COMMANDS.values()})
    loaded = subprocess.run([sys.executable, "-c", LOAD_EACH_ALONE, *modules], capture_output=True, text=True, timeout=120, check=False)
    assert loaded.returncode == 0, loaded.stderr
