"""Start a program that is sent SIGTERM when its parent process dies: `python -m rokuon.runtime.die_with_parent OWN_PID PROGRAM
ARGUMENT...`

On Linux the kernel sends the signal (PR_SET_PDEATHSIG); elsewhere the program ends only with the orderly stop of its parent.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # it died before the kernel got the request
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the setting stays in force in the program that replaces this one


if __name__ == "__main__":
    main()
