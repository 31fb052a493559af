"""Rows 5 and 6: time from an event to the verified object during a backfill, and a burst of signed events."""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack

import aiohttp

from rokuon.simulator.runner import SimulatorProcess

from .ground import Ground
from .processes import start
from .report import Line, verdict
from .row_budget import counted_requests, most_in_a_second

PER_SECOND = 20
CALLS, QUICK_CALLS = 40, 8
BETWEEN_S = 1.0
RECORDING_READY_MS = 2_000
"""Milliseconds after the end of its call. The event of the recording then comes separately, after the work of the hangup has ended."""

RECORDINGS, DAYS = 6000, 200
DAY_MS = 86_400_000
P50_S, P99_S = 1.0, 3.0
BURST_PER_SECOND, BURST_S, QUICK_BURST_S = 300, 60, 5
BURST_P99_S = 1.0
SENDERS = 64


def measure(ground: Ground) -> Iterator[Line]:
    with ExitStack() as stack:
        start(stack, [sys.executable, "-m", "rokuon", "serve"], ground.folder / "web.log", port=ground.web_port)
        yield _latency(ground)
        yield _burst(ground)


def _hook(ground: Ground, company: int) -> tuple[str, str]:
    """Have a worker create the company's webhook at Dialpad; return its path and secret."""
    from django.db import transaction

    from rokuon.events.models import Hook
    from rokuon.jobs import queue
    from rokuon.wiring import webhook_upkeep

    made = webhook_upkeep.hook_of(ground.rokuon.installation, company)
    with transaction.atomic():
        queue.enqueue_hook(company)
    deadline = time.monotonic() + 30
    while not Hook.objects.filter(pk=made.pk, checked_at__isnull=False, reason="").exists():
        if time.monotonic() > deadline:
            raise RuntimeError("no webhook was made; see workers.log")
        time.sleep(0.1)
    secret = ground.rokuon.installation.vault.open(made.secret, owner=webhook_upkeep.hook_owner(company), field=webhook_upkeep.HOOK_SECRET)
    return made.path, secret.reveal()


def _latency(ground: Ground) -> Line:
    """Measure the latency. Both times are from the database: when the recording's event was stored, and when its copy became verified."""
    from rokuon.events.models import Hint
    from rokuon.ledger.models import Copy

    count = QUICK_CALLS if ground.quick else CALLS
    options = ["--recordings", str(RECORDINGS), "--days", str(DAYS), "--talk", "3,8,30", "--switch", f"limit_per_second={PER_SECOND}"]
    with SimulatorProcess(*options, "--switch", f"recording_delay_ms={RECORDING_READY_MS}") as sim:
        bucket = ground.rokuon.buckets / ground.fresh("live-bucket")
        bucket.mkdir()
        company = ground.rokuon.company(sim.base_url, sim.key, bucket.as_uri(), PER_SECOND)
        _hook(ground, company)
        now = int(sim.hello["now_ms"])
        began = time.monotonic()

        ended = 0

        def end_calls() -> bool:
            """End calls at intervals; called while the backfill runs."""
            nonlocal ended
            due = int((time.monotonic() - began - 3.0) / BETWEEN_S)
            while ended < min(due, count):
                sim.control("POST", "end_call", {"talk_ms": 8_000})
                ended += 1
            return due > count + 8

        ran = ground.rokuon.back_up(company, now - DAYS * DAY_MS, now, until=end_calls)
        (counted,) = sim.control("GET", "meter")["companies"].values()
        worst = most_in_a_second(counted_requests(sim.control("GET", "log"))[2 * PER_SECOND :])  # past the directory, read without a budget
        ground.rokuon.cancel(company)
    kept = dict(Hint.objects.filter(company_id=company, state="recording").values_list("call_id", "received_at"))
    copies = Copy.objects.filter(company_id=company, recording__call_id__in=kept, state="verified").select_related("recording")
    took = sorted((copy.changed_at - kept[copy.recording.call_id]).total_seconds() for copy in copies)
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    return Line(
        5,
        f"event to verified object, {count} calls, backfill of {RECORDINGS} beside it at {PER_SECOND}/s",
        f"p50 {p50:.2f} s, p99 {p99:.2f} s, {len(took)} of {count} arrived, backfill {ran.verified}, "
        f"most in any 1 s {worst}, 429s {counted['status_429']}",
        "-",
        f"p50 < {P50_S:.0f} s, p99 < {P99_S:.0f} s",
        verdict(len(took) == count and p50 < P50_S and p99 < P99_S and worst <= PER_SECOND and counted["status_429"] == 0),
        {"seconds": took, "backfill": ran.verified, "worst": worst},
    )


def _burst(ground: Ground) -> Line:
    """Send signed events of calls that no list has, at a constant rate, to a console of two processes; the workers look for each call."""
    from rokuon.events.models import Hint

    seconds = QUICK_BURST_S if ground.quick else BURST_S
    with SimulatorProcess("--recordings", "10", "--days", "2") as sim:
        bucket = ground.rokuon.buckets / ground.fresh("burst-bucket")
        bucket.mkdir()
        company = ground.rokuon.company(sim.base_url, sim.key, bucket.as_uri(), PER_SECOND)
        path, secret = _hook(ground, company)
        answers = asyncio.run(_send(f"http://127.0.0.1:{ground.web_port}/hooks/dialpad/{path}", secret, BURST_PER_SECOND, seconds))
        ground.rokuon.cancel(company)
    kept = Hint.objects.filter(company_id=company).count()
    sent = BURST_PER_SECOND * seconds
    took = sorted(time for status, time in answers if status == 200)
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return Line(
        6,
        f"{BURST_PER_SECOND} signed events/s for {seconds} s, two web processes, two workers",
        f"{kept} of {sent} kept, p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms",
        "-",
        f"all, p99 < {BURST_P99_S:.0f} s",
        verdict(kept == sent == len(took) and p99 < BURST_P99_S),
        {"p50": p50, "p99": p99, "kept": kept},
    )


async def _send(url: str, secret: str, per_second: int, seconds: int) -> list[tuple[int, float]]:
    """Send in an open loop: each event is sent at its time, independent of the events before. Its duration counts from when it was due."""
    answers: list[tuple[int, float]] = []
    began = time.monotonic()
    now_ms = int(time.time() * 1000)

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        claims = {"call_id": 7_000_000_000 + number, "state": "hangup", "date_started": now_ms - 60_000, "event_timestamp": now_ms + number}
        async with session.post(url, data=_token(claims, secret), headers={"Content-Type": "text/plain"}) as response:
            await response.read()
            answers.append((response.status, time.monotonic() - due))

    connector = aiohttp.TCPConnector(limit=SENDERS)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*[one(session, number) for number in range(per_second * seconds)], return_exceptions=False)
    return answers


def _token(claims: dict[str, object], secret: str) -> bytes:
    def part(value: bytes) -> bytes:
        return urlsafe_b64encode(value).rstrip(b"=")

    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return signed + b"." + part(hmac.digest(secret.encode(), signed, hashlib.sha256))
