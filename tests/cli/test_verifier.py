"""`rokuon verifier` prints the standalone verifier, byte for byte, without an installation."""

import subprocess
import sys
from pathlib import Path

import rokuon.custody

SOURCE = Path(rokuon.custody.__file__).with_name("rokuon_verify.py")


def test_the_verifier_is_printed_byte_for_byte_and_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "rokuon", "verifier"], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == SOURCE.read_bytes()
    copy = tmp_path / "rokuon_verify.py"
    copy.write_bytes(done.stdout)
    usage = subprocess.run([sys.executable, "-I", "-S", copy, "--help"], capture_output=True, text=True, check=True)
    assert "--trust" in usage.stdout
    assert list(tmp_path.iterdir()) == [copy]


def test_an_argument_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "rokuon", "verifier", "x"], capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
