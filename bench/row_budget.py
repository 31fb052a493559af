"""Row 2: how much of the budget is used while work waits, and whether it is ever exceeded. The simulated Dialpad's limit is on."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rokuon.simulator.runner import SimulatorProcess

from .ground import Ground
from .report import Line, verdict

PER_SECOND = 20
SECONDS, QUICK_SECONDS = 40.0, 12.0
USED_AT_LEAST = 0.95
RECORDINGS = 3000
DAYS = 100
DAY_MS = 86_400_000
SETTLE_S = 2.0
"""Time until both workers work; not counted."""
_LOGICAL = ("media", "media_admin", "media_voicemail")


def measure(ground: Ground) -> Iterator[Line]:
    yield from (_case(ground, counts) for counts in ("first", "none"))


def counted_requests(log: Iterable[dict[str, Any]]) -> list[float]:
    """Return the arrival times of the requests that may count for the budget, in order. A download is one request, with any number of
    hops."""
    return sorted(entry["at"] for entry in log if entry["path"].startswith("/api/") or entry["endpoint"] in _LOGICAL)


def most_in_a_second(sent: Sequence[float]) -> int:
    return max(sum(at <= other < at + 1.0 for other in sent[index : index + 3 * PER_SECOND]) for index, at in enumerate(sent))


def _case(ground: Ground, media_counts: str) -> Line:
    """Measure one case. Rokuon charges one request for a download in both cases; it is not known whether Dialpad counts it."""
    seconds = QUICK_SECONDS if ground.quick else SECONDS
    switches = [f"limit_per_second={PER_SECOND}", f"media_counts={media_counts}"]
    options = [option for switch in switches for option in ("--switch", switch)]
    with SimulatorProcess("--recordings", str(RECORDINGS), "--days", str(DAYS), "--talk", "3,8,30", *options) as sim:
        bucket = ground.rokuon.buckets / ground.fresh("bucket")
        bucket.mkdir()
        company = ground.rokuon.company(sim.base_url, sim.key, bucket.as_uri(), PER_SECOND)
        time.sleep(1.5)  # the directory was read without a budget, so wait until that second is over
        sim.control("DELETE", "meter")
        now = int(sim.hello["now_ms"])
        deadline = time.monotonic() + seconds + SETTLE_S
        ran = ground.rokuon.back_up(company, now - DAYS * DAY_MS, now, until=lambda: time.monotonic() > deadline)
        log = sim.control("GET", "log")
        (counted,) = sim.control("GET", "meter")["companies"].values()
        ground.rokuon.cancel(company)
    sent = counted_requests(log)
    begin, end = sent[0] + SETTLE_S, sent[-1]
    used = sum(begin <= at < end for at in sent) / (end - begin) / PER_SECOND
    worst = most_in_a_second(sent)
    holds = used >= USED_AT_LEAST and worst <= PER_SECOND and counted["status_429"] == 0
    return Line(
        2,
        f"budget of {PER_SECOND}/s, two processes, {end - begin:.0f} s, media counted: {media_counts}",
        f"{used:.1%} used, most in any 1 s {worst}, 429s {counted['status_429']}",
        "-",
        f">= {USED_AT_LEAST:.0%}, <= {PER_SECOND}, 0",
        verdict(holds),
        {"used": used, "worst": worst, "status_429": counted["status_429"], "requests": len(sent), "verified": ran.verified},
    )
