"""The shipped Caddyfile is one that Caddy takes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "deploy" / "Caddyfile"

pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")


def test_the_shipped_caddyfile_is_one_that_caddy_takes(tmp_path: Path) -> None:
    """With the word of its version for buffering: `buffer_requests` up to 2.6.2, `request_buffers` since."""
    version = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout.lstrip("v").split()[0]
    old = tuple(map(int, version.split("-")[0].split("."))) < (2, 6, 3)
    word = {} if old else {"ROKUON_CADDY_BUFFERING": "request_buffers 1MB"}
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(SHIPPED)]
    done = subprocess.run(command, env={**os.environ, "HOME": str(tmp_path), **word}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
