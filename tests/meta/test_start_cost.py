"""Modules that a command loads at its start: they slow down each start of the program and each test of the command line."""

import subprocess
import sys

READ_THE_DATABASE_ONLY = ("status", "failures.commands", "notifications.commands", "audit", "people")
LOAD = """
import importlib, sys
from rokuon.runtime.django_start import start_django
start_django()
for module in sys.argv[1:]:
    importlib.import_module(f"rokuon.cli.{module}")
sys.exit(", ".join(sorted({"aiohttp", "gcloud", "rich.progress"} & set(sys.modules))) or 0)
"""


def test_commands_that_only_read_the_database_load_no_http_client() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOAD, *READ_THE_DATABASE_ONLY], capture_output=True, text=True, timeout=60)
    assert loaded.returncode == 0, loaded.stderr
