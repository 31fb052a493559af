"""Measure the standalone verifier on a bucket of many recordings that exists only as custody files and a listing.

    python -m tools.measure_verifier --recordings 1000000 --folder /tmp/million [--sample 2995]

Writes two years of days of 200 targets with one big first issue and an empty seal for each day after it, the listing of `gcloud storage ls
--recursive --json`, and runs the verifier on them as a process of its own. Prints seconds, seconds of CPU, and the largest memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.custody.writer import Bucket, b64, canonical, sha256

from rokuon.custody import rokuon_verify

TARGETS, DAYS, FILE_BYTES = 200, 730, 4 << 20
NAME = "acme-call-recordings"


def lines(folder: str, day: str, numbers: range) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in numbers:
        call, recording = f"5211{number:012d}", f"6311{number:012d}"
        key = f"call-recordings/{folder}/{day}/Aiko Sato - {call} - {recording}.mp3"
        digest = sha256(recording.encode())
        yield (
            key,
            {
                "audio_ms": 183240, "call": call, "crc32c": b64(bytes.fromhex(digest[:8])),
                "generation": str(1764432000000000 + number),
                "key_sha256": sha256(key.encode()), "kind": "callrecording", "listed_ms": 183000, "md5": b64(bytes.fromhex(digest[:32])),
                "proof": "length", "recording": recording, "sha256": digest, "size": 240_000 + number % 9973,
                "started": f"{day}T01:02:03.456Z", "state": "verified", "verified_at": f"{day}T02:00:00Z",
            },
        )  # fmt: skip


def write(bucket: Bucket, recordings: int, listing: Path) -> None:
    days = [(date(2024, 11, 1) + timedelta(days=number)).isoformat() for number in range(DAYS)]
    totals = dict.fromkeys(("bytes", "days", "erased", "explained", "open", "verified"), 0)
    files: list[dict[str, Any]] = []
    folder = bucket.seal(1).parent
    folder.mkdir(parents=True)
    with listing.open("w") as out:
        out.write("[")
        for target in range(TARGETS):
            name, ident = f"Center {target:03d}", f"49470{target:06d}"
            head = {
                "bucket": bucket.bucket, "chain": bucket.chain, "company": "5f0e", "folder": name, "issue": 1,
                "format": "rokuon-manifest/1",
                "target": {"id": ident, "kind": "callcenter"}, "zone": "Asia/Tokyo",
            }  # fmt: skip
            data, first, count = [canonical(head)], "", 0
            for place, day in enumerate(days):
                at = (target * DAYS + place) * recordings // (TARGETS * DAYS)
                numbers = range(at, (target * DAYS + place + 1) * recordings // (TARGETS * DAYS))
                n = len(numbers)
                copies = {**dict.fromkeys(("erased", "excluded", "failed", "gone", "pending"), 0), "discovered": n, "verified": n}
                record = {
                    "calls": {"listed": n, "recorded": n, "without_recording": 0}, "copies": copies, "day": day, "elsewhere": 0,
                    "explained": 0,
                    "late": 0, "lines": n, "listed_at": f"{day}T23:00:00Z", "open": 0, "revision": 1, "state": "final",
                    "verdict": "complete",
                }  # fmt: skip
                data.append(canonical(record))
                first, count = first or day, count + 1
                for key, line in lines(name, day, numbers):
                    data.append(canonical(line))
                    totals["bytes"] += line["size"]
                    meta = {
                        "bucket": NAME, "contentType": "audio/mpeg", "crc32c": line["crc32c"], "etag": "CP+G9snS/ogDEAE=",
                        "generation": line["generation"], "id": f"{NAME}/{key}/{line['generation']}", "kind": "storage#object",
                        "md5Hash": line["md5"], "metageneration": "1", "name": key, "size": str(line["size"]), "storageClass": "STANDARD",
                        "timeCreated": f"{day}T02:00:00.123000+00:00", "updated": f"{day}T02:00:00.123000+00:00",
                    }  # fmt: skip
                    entry = {"url": f"gs://{NAME}/{key}#{line['generation']}", "type": "cloud_object", "metadata": meta}
                    out.write(f"{',' if totals['verified'] else ''}\n{json.dumps(entry, indent=2)}")
                    totals["verified"] += 1
                totals["days"] += 1
                if sum(map(len, data)) >= FILE_BYTES or day == days[-1]:
                    files.append(bucket_file(folder, ident, b"".join(data), first, day, count))
                    data, first, count = [canonical(head)], "", 0
        out.write("\n]\n")
    bucket.number = 1
    for issue in range(1, DAYS + 1):
        bucket.write_seal(seal(bucket, issue, files if issue == 1 else [], totals))
        bucket.at += timedelta(days=1)
    (bucket.custody / "keys").mkdir(exist_ok=True)


def seal(bucket: Bucket, issue: int, files: list[dict[str, Any]], totals: dict[str, int]) -> dict[str, Any]:
    body = {
        "at": f"{bucket.at:%Y-%m-%dT%H:%M:%SZ}", "bucket": bucket.bucket, "chain": bucket.chain, "company": "5f0e", "files": files,
        "format": "rokuon-seal/1", "installation": "a1", "issue": issue, "key": bucket.key.fingerprint,
        "next_by": f"{bucket.at + timedelta(hours=26):%Y-%m-%dT%H:%M:%SZ}", "totals": totals,
    }  # fmt: skip
    return body | ({"previous": bucket.head} if bucket.head else {})


def bucket_file(folder: Path, target: str, data: bytes, first: str, last: str, days: int) -> dict[str, Any]:
    name = f"{target}-{sha256(data)[:16]}.jsonl"
    (folder / name).write_bytes(data)
    return {
        "bytes": len(data), "days": days, "first": first, "kind": "manifest", "last": last, "path": name, "sha256": sha256(data),
        "target": target,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--recordings", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="a new folder; about 1.7 GB for a million recordings")
    parser.add_argument("--sample", type=int, help="check only so many, drawn by lot")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    bucket, listing = Bucket(options.folder), options.folder / "listing.json"
    write(bucket, options.recordings, listing)
    custody = sum(path.stat().st_size for path in bucket.custody.rglob("*") if path.is_file())
    print(f"{options.recordings:,} recordings, custody files {custody:,} bytes, listing {listing.stat().st_size:,} bytes")
    command = [options.python, "-I", "-S", str(rokuon_verify.__file__), "--listing", str(listing), str(bucket.custody)]
    command += ["--sample", str(options.sample)] if options.sample else []
    began = time.monotonic()
    done = subprocess.run([*command, "--trust", bucket.key.fingerprint, "--now", bucket.now], capture_output=True, text=True, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("\n".join(done.stdout.splitlines()[-3:]), done.stderr)
    cpu = used.ru_utime + used.ru_stime
    print(f"exit {done.returncode}, {time.monotonic() - began:.1f} s, {cpu:.1f} s of CPU, {used.ru_maxrss // 1024} MiB")
    print(f"load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
