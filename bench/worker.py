"""One worker process of the installation that the environment names: what `rokuon worker --one` runs."""

import asyncio
import os
import signal

from rokuon.config import Config
from rokuon.ops import logs
from rokuon.ops.django_start import start_django
from rokuon.ops.installation import open_installation


async def _work(engine) -> None:  # type: ignore[no-untyped-def]
    from rokuon.jobs.worker import run

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await run(engine, stop)
    finally:
        await engine.close()


def main() -> None:
    config = Config.load()
    logs.set_up(level=config.log_level, style=config.log_format)
    with open_installation(config) as installation:
        start_django()
        from rokuon.jobs import queue
        from rokuon.wiring.engine import Engine

        if profile := os.environ.get("BENCH_PROFILE"):
            import cProfile

            with cProfile.Profile() as profiler:
                asyncio.run(_work(Engine(installation, queue)))
            profiler.dump_stats(f"{profile}.{os.getpid()}")
        else:
            asyncio.run(_work(Engine(installation, queue)))


if __name__ == "__main__":
    main()
