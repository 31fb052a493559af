"""Runs the verifier as an auditor does: the file that `rokuon verifier` prints, with a Python that sees nothing of Rokuon."""

import subprocess
import sys
from pathlib import Path

import rokuon.custody
from rokuon.custody import sshsig

PROGRAM = Path(rokuon.custody.__file__).with_name("rokuon_verify.py")


def prove(folder: Path, public: str = "", *arguments: str, trust: str = "") -> tuple[int, str]:
    """Return exit code and output. `public` is the trusted key in hexadecimal, `trust` its fingerprint."""
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(folder), "--trust", trust or sshsig.fingerprint(public), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr
