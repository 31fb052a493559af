"""One custody job of a worker, which ROKUON_CRASH_AT may kill: seal_once.py BUCKET_ID."""

import asyncio
import sys

from rokuon.runtime.django_start import start_django

start_django()

from rokuon.config import Config  # noqa: E402 - Django first
from rokuon.domain import crashpoints  # noqa: E402
from rokuon.jobs import queue  # noqa: E402
from rokuon.runtime.installation import open_installation  # noqa: E402
from rokuon.wiring.job_handlers import JobHandlers  # noqa: E402


async def main(bucket_id: int) -> None:
    config = Config.load()
    with open_installation(config) as installation:
        engine = JobHandlers(installation, queue)
        crashpoints.arm(config.crash_at)
        await engine.custody(bucket_id)
        await engine.close()


asyncio.run(main(int(sys.argv[1])))
