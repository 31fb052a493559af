import signal
import subprocess
import sys

import pytest

from rokuon.domain import crashpoints

CODE = """
import sys
from rokuon.domain import crashpoints
crashpoints.arm(sys.argv[1])
for number in range(1, 5):
    for point in crashpoints.POINTS:
        crashpoints.reached(point)
        print(point, number, flush=True)
"""


def lines(spec: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-c", CODE, spec], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_the_process_dies_at_the_named_point_and_count() -> None:
    code, said = lines("stored:3")
    assert code == -signal.SIGKILL
    assert said[-1] == "proven 3"


def test_without_a_spec_nothing_happens() -> None:
    assert lines("")[0] == 0


@pytest.mark.parametrize("spec", ["stored", "stored:", "stored:0", "stored:-1", "lunch:1", ":1", "stored:1:2", "stored:x"])
def test_a_spec_that_names_no_point_is_refused(spec: str) -> None:
    with pytest.raises(ValueError):
        crashpoints.arm(spec)
