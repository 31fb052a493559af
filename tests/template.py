"""One initialised data folder, made once for each state of the migrations and copied by every test run that needs one.

Making it costs ten seconds, most of them for migrations; copying and starting it costs one. It lies in the virtual environment, so
`make clean` removes it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHELF = Path(sys.prefix) / "test-installations"
MADE_OF = (
    "src/rokuon/*/migrations/*.py",
    "src/rokuon/base/*.py",
    "src/rokuon/runtime/*.py",
    "src/rokuon/settings.py",
    "src/rokuon/cli/install.py",
    "requirements/runtime.txt",
)
PATIENCE_S = 180


def copy_to(data: Path) -> None:
    """A stopped installation without a company in `data`, which must not exist. All copies have one identity and one master key."""
    # Owners are kept: as root, the database belongs to a user of its own.
    subprocess.run(["cp", "-a", str(_made()), str(data)], check=True)


def _made() -> Path:
    digest = hashlib.sha256()
    for pattern in MADE_OF:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    wanted = SHELF / digest.hexdigest()[:16]
    SHELF.mkdir(exist_ok=True)
    with (SHELF / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            for old in SHELF.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            _make(wanted)
    return wanted


def _make(wanted: Path) -> None:
    # Not in the shelf: its path may be too long for a socket, or closed to the database's user.
    outer = Path(tempfile.mkdtemp(prefix="rokuon-test-", dir="/tmp"))
    try:
        outer.chmod(0o711)
        data = outer / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ROKUON_")}
        made = subprocess.run(
            [sys.executable, "-m", "rokuon", "init"],
            env={**environment, "PYTHONPATH": str(ROOT / "src"), "ROKUON_DATA_DIR": str(data)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert made.returncode == 0, made.stderr
        subprocess.run(["cp", "-a", str(data), f"{wanted}.partial"], check=True)
        Path(f"{wanted}.partial").rename(wanted)
    finally:
        shutil.rmtree(outer)
