"""`rokuon worker --one` with heartbeats ten times as fast, so that a test of a rescue takes two seconds."""

import sys

from rokuon.runtime.django_start import start_django

start_django()

from rokuon.jobs import worker  # noqa: E402 - the models below it want Django

worker.HEARTBEAT_S, worker.DEAD_AFTER_S, worker.RESCUE_EVERY_S, worker.TICK_EVERY_S = 0.3, 1.2, 0.2, 1.0

from rokuon.__main__ import main  # noqa: E402

sys.argv[1:] = ["worker", "--one"]
main()
