"""Rows 3 and 4: files per second and CPU per file, including the engine, compared with rclone between the same two ends."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from . import material, nginx, rclone
from .ground import Ground
from .material import Material
from .processes import free_port, start
from .report import REPORTED, Line, spread, verdict
from .rokuon_side import OFF

COUNTS = {100: 2000, 240: 1500, 1024: 400}
QUICK_COUNTS = {100: 800, 240: 600, 1024: 200}
REPEATS, BUCKET_REPEATS = 3, 1
"""rclone needs half a minute for a bucket; to a folder it is fast."""
TRANSFERS = 32
"""For rclone: 16 was slower. Rokuon runs with its defaults."""
WITH_HASH_AT_LEAST = 1.0
WITH_HASH_SIZES = (100, 240)
CPU_KIB, CPU_MS = 240, 1.5
CEILING = 2.0
BUCKET_COPIES = 1000
_KEY = "k" * 40

Samples = dict[str, list[float]]


def measure(ground: Ground) -> Iterator[Line]:
    for kib, count in (QUICK_COUNTS if ground.quick else COUNTS).items():
        made = material.make(ground.root / "material", kib, count)
        local: Samples = defaultdict(list)
        cloud: Samples = defaultdict(list)
        with _served(ground, made) as base:
            for repeat in range(1 if ground.quick else REPEATS):
                _folder(ground, made, base, local)
                if repeat < BUCKET_REPEATS:
                    _bucket(ground, made, base, cloud)
        ceiling = ground.sink.ceiling(made.bytes // made.count, min(made.count, BUCKET_COPIES))
        yield from _lines(f"{kib} KiB to a local folder", kib, local)
        yield from _lines(f"{kib} KiB to the GCS sink", kib, cloud, ceiling)


@contextmanager
def _served(ground: Ground, made: Material) -> Iterator[str]:
    """Serve the files and the listing, and yield their address."""
    with ExitStack() as stack:
        behind, port = free_port(), free_port()
        base = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "bench.listing", str(behind), base, str(made.listing)]
        start(stack, command, ground.folder / "listing.log", port=behind)
        nginx.serve(stack, ground.folder, made.files, behind, port)
        yield base


def _folder(ground: Ground, made: Material, base: str, samples: Samples) -> None:
    target = ground.folder / ground.fresh("rclone")
    copied = rclone.copy(f"{base}/files/", str(target), TRANSFERS)
    if sum(1 for _ in target.rglob("*.mp3")) != made.count:
        raise RuntimeError("rclone did not copy every file")
    flushed = rclone.flush(target)
    hashed = rclone.hash_of(str(target), ground.folder / "sums", TRANSFERS)
    _add_rclone(samples, made.count, copied, hashed)
    samples["rclone copied, flushed, hashed /s"].append(made.count / (copied.seconds + flushed + hashed.seconds))
    bucket = ground.rokuon.buckets / ground.fresh("bucket")
    bucket.mkdir()
    _rokuon(ground, made, base, bucket.as_uri(), samples)


def _bucket(ground: Ground, made: Material, base: str, samples: Samples) -> None:
    options = ["--gcs-endpoint", f"{ground.sink.url}/storage/v1/", "--gcs-anonymous", "--gcs-bucket-policy-only"]
    target = f":gcs:{ground.fresh('rclone')}"
    copied = rclone.copy(f"{base}/files/", target, TRANSFERS, options)
    hashed = rclone.hash_of(target, ground.folder / "sums", TRANSFERS, [*options, "--download"])
    if len((ground.folder / "sums").read_text().splitlines()) != made.count:
        raise RuntimeError("rclone did not hash every object")
    _add_rclone(samples, made.count, copied, hashed)
    ground.sink.clear()
    _rokuon(ground, made, base, f"gs://{ground.fresh('bucket')}", samples)
    ground.sink.clear()


def _add_rclone(samples: Samples, count: int, copied: rclone.Ran, hashed: rclone.Ran) -> None:
    samples["rclone copied /s"].append(count / copied.seconds)
    samples["rclone copied and hashed /s"].append(count / (copied.seconds + hashed.seconds))
    samples["rclone copied CPU ms"].append(copied.cpu / count * 1000)
    samples["rclone copied and hashed CPU ms"].append((copied.cpu + hashed.cpu) / count * 1000)


def _rokuon(ground: Ground, made: Material, base: str, url: str, samples: Samples) -> None:
    company = ground.rokuon.company(base, _KEY, url, OFF)
    ran = ground.rokuon.back_up(company, made.since_ms, made.until_ms)
    if (ran.verified, ran.other) != (made.count, 0):
        why = ground.rokuon.failures(company)
        raise RuntimeError(f"{ran.verified} of {made.count} recordings verified, {ran.other} not: {why}")
    samples["Rokuon /s"].append(ran.verified / ran.seconds)
    samples["Rokuon CPU ms"].append(ran.worker_cpu / ran.verified * 1000)
    samples["PostgreSQL CPU ms"].append(ran.database_cpu / ran.verified * 1000)


def _lines(what: str, kib: int, samples: Samples, ceiling: float | None = None) -> list[Line]:
    ours = samples["Rokuon /s"]
    hashed, bare = samples["rclone copied and hashed /s"], samples["rclone copied /s"]
    fastest = max(map(statistics.median, (ours, bare)))
    bound = ceiling is not None and ceiling < CEILING * fastest
    note = "" if ceiling is None else f"; the sink alone takes {ceiling:.0f}/s"
    known = dict(samples) | ({"sink ceiling /s": [ceiling]} if ceiling is not None else {})
    with_hash = _ratio(ours, hashed)
    judged = kib in WITH_HASH_SIZES
    lines = [
        Line(
            3,
            f"(a) {what}, files/s, proven",
            spread(ours),
            f"rclone copy + hashsum {spread(hashed)}{note}",
            f">= {WITH_HASH_AT_LEAST:.1f}x" if judged else "reported",
            _bound(f"{with_hash:.2f}x, {verdict(with_hash >= WITH_HASH_AT_LEAST) if judged else REPORTED}", bound),
            known,
        ),
        Line(
            3, f"(b) {what}, files/s", spread(ours), f"rclone copy {spread(bare)}", "reported", _bound(f"{_ratio(ours, bare):.2f}x", bound)
        ),
    ]
    cpu, database = samples["Rokuon CPU ms"], samples["PostgreSQL CPU ms"]
    judged = kib == CPU_KIB and ceiling is None
    lines.append(
        Line(
            4,
            f"CPU ms a recording, {what}",
            f"{spread(cpu, '{:.2f}')}; PostgreSQL {spread(database, '{:.2f}')}",
            f"rclone copy {spread(samples['rclone copied CPU ms'], '{:.2f}')}, "
            f"+ hashsum {spread(samples['rclone copied and hashed CPU ms'], '{:.2f}')}",
            f"<= {CPU_MS}" if judged else "reported",
            verdict(statistics.median(cpu) <= CPU_MS) if judged else REPORTED,
        )
    )
    return lines


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median ratio of the pairs that ran directly after each other, because other load of the machine affects both."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def _bound(text: str, bound: bool) -> str:
    return f"{text}; bound by the sink" if bound else text
