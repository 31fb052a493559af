"""A program: runs several commands of `rokuon` in one process, which saves starting Python for each. JSON in: [[arguments, stdin], ...].

The first that fails ends it.
"""

import contextlib
import io
import json
import sys

from rokuon.cli.main import run

if __name__ == "__main__":
    for arguments, stdin in json.load(sys.stdin):
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        with contextlib.redirect_stdout(sys.stderr):
            code = run(arguments)
        if code:
            sys.exit(f"rokuon {' '.join(arguments)}: {code}")
    print("null")
