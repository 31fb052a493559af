"""Row 1: requests that a backfill needs for each verified recording, as the simulated Dialpad counts them."""

from collections.abc import Iterator

from rokuon.simulator.runner import SimulatorProcess

from .ground import Ground
from .report import Line, verdict
from .rokuon_side import OFF

RECORDINGS, QUICK_RECORDINGS = 4000, 1500
DAYS = 730
MOST = 1.03
RECORDED_AT_LEAST = 0.7
DAY_MS = 86_400_000


def measure(ground: Ground) -> Iterator[Line]:
    """Measure with calls of people who are all trainees of backed-up teams, so that each call has one leg and most are recorded."""
    count = QUICK_RECORDINGS if ground.quick else RECORDINGS
    world = ["--recordings", str(count), "--days", str(DAYS), "--talk", "3,8,30"]
    for setting in ("centers=0", "teams=24", "users=24"):
        world += ["--world", setting]
    with SimulatorProcess(*world, "--switch", "limit_per_second=0") as sim:
        bucket = ground.rokuon.buckets / ground.fresh("bucket")
        bucket.mkdir()
        company = ground.rokuon.company(sim.base_url, sim.key, bucket.as_uri(), OFF)
        sim.control("DELETE", "meter")
        now = int(sim.hello["now_ms"])
        ran = ground.rokuon.back_up(company, now - DAYS * DAY_MS, now)
        (counted,) = sim.control("GET", "meter")["companies"].values()
    recorded, calls = ground.rokuon.recorded_calls(company)
    fetched = sum(counted["audio_requests"].values())
    per_recording = (counted["requests_total"] + fetched) / max(1, ran.verified)
    hops = (counted["media_total"] - fetched) / max(1, ran.verified)
    fits = recorded >= RECORDED_AT_LEAST * calls and ran.other == 0 and ran.verified > 0
    yield Line(
        1,
        f"requests a verified recording ({ran.verified} recordings of {calls} calls, {recorded / calls:.0%} recorded, two years)",
        f"{per_recording:.3f}; {hops:.1f} media hops beside",
        "-",
        f"<= {MOST}",
        verdict(fits and per_recording <= MOST),
        {"requests": counted["requests"], "audio": fetched, "hops": counted["media_total"] - fetched, "verified": ran.verified},
    )
