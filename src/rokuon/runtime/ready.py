"""`python -m rokuon.runtime.ready`: whether the console on this machine is ready (`/readyz`), for a container's health check.

Exits with 0, or with 1 and the reason. It contacts nothing outside: a new container would not fix a fault at Dialpad or of a bucket.
"""

import sys
from http.client import HTTPConnection, HTTPException

from rokuon.config import Config
from rokuon.domain.failures import RokuonError

ANSWERS_WITHIN_S = 8.0
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (addresses to connect to, not to listen at)


def main() -> int:
    try:
        at = Config.load().listens
        asked = HTTPConnection(EVERYWHERE.get(at.host, at.host), at.port, timeout=ANSWERS_WITHIN_S)
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
    except (OSError, HTTPException, RokuonError) as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1
    said = answer.read(200).decode(errors="replace").strip()
    sys.stdout.write(f"{answer.status} {said}\n")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
