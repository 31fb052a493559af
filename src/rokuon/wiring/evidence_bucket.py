"""What the buckets say of some days, for the evidence bundle: their custody files, a listing, and the verifier's output on both."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import rokuon.custody
from rokuon.base import i18n
from rokuon.custody import excerpt
from rokuon.custody.excerpt import WantedDays
from rokuon.domain.failures import RokuonError
from rokuon.org.models import Bucket
from rokuon.runtime.installation import Installation

from .connections import Connections, connected

PROGRAM = Path(rokuon.custody.__file__).with_name("rokuon_verify.py")
LISTING, OUTPUT = "listing.json", "verifier-output.txt"
LONGEST_CHECK_S = 4 * 3600


@dataclass(slots=True)
class BucketEvidence:
    """What was written of a bucket below `folder`. `seals` is their number and `code` the verifier's exit code, None without a seal.
    `failure` says why the bucket could not be read."""

    url: str
    folder: Path
    seals: int = 0
    code: int | None = None
    failure: RokuonError | None = None
    files: list[Path] = field(default_factory=list)


def program() -> tuple[bytes, str]:
    """Return the verifier, and its SHA-256."""
    data = PROGRAM.read_bytes()
    return data, hashlib.sha256(data).hexdigest()


def collect(
    installation: Installation, buckets: Sequence[Bucket], wanted: WantedDays, trust: Sequence[str], into: Path, now: datetime
) -> Iterator[BucketEvidence]:
    """Write the evidence of each bucket into a folder of its own, and yield what it is. A bucket that cannot be read is yielded with its
    failure. `trust` are the fingerprints that the company has had."""
    for number, bucket in enumerate(buckets, 1):
        found = BucketEvidence(bucket.url, into / f"bucket-{number}")
        found.folder.mkdir(parents=True)
        try:
            _read(installation, bucket, wanted, found, now)
        except RokuonError as error:
            found.failure = error
        else:
            if found.seals:
                _check(found, wanted, trust)
        found.files = sorted(path for path in found.folder.rglob("*") if path.is_file())
        yield found


def _read(installation: Installation, bucket: Bucket, wanted: WantedDays, found: BucketEvidence, now: datetime) -> None:
    async def work(connections: Connections) -> None:
        store = await connections.with_unknown_seals(bucket.pk)
        (found.folder / "bucket.txt").write_text(f"{bucket.url}\n")
        (found.folder / LISTING).write_bytes(await excerpt.listing(store, wanted))
        found.seals = await excerpt.write(store, wanted, found.folder)

    connected(installation, now, work)


def _check(found: BucketEvidence, wanted: WantedDays, trust: Sequence[str]) -> None:
    """Run the verifier as an auditor does: apart from Rokuon, on the files alone."""
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--listing", str(found.folder / LISTING), str(found.folder / ".rokuon-custody")]
    command += ["--from", wanted.first.isoformat(), "--to", wanted.last.isoformat(), "--lang", i18n.language()]
    command += [part for one in trust for part in ("--trust", one)]
    if not wanted.every:
        command += ["--target", *wanted.folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_CHECK_S)
    found.code = done.returncode
    (found.folder / OUTPUT).write_text(f"{done.stdout}{done.stderr}exit code {done.returncode}\n")
