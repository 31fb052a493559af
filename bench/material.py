"""Test data to copy: a company's calls with recordings of one size, as files that nginx serves and as a listing.

The simulator makes the company and its calls; every recording is cut to the wanted size. Real MP3 frames, every file different.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rokuon.simulator import WorldSpec, audio, wire
from rokuon.simulator.model import Call, Recording
from rokuon.simulator.world import World, build

KIB = 1024
KBPS = 16
WINDOW_DAYS = 29


@dataclass(frozen=True)
class Material:
    """The test data. `files` contains one folder for each day; `listing` is the JSON file with the calls, newest first, and the other
    lists."""

    kib: int
    count: int
    bytes: int
    since_ms: int
    until_ms: int
    files: Path
    listing: Path


def make(root: Path, kib: int, count: int, *, windows: int = 4) -> Material:
    """Create the files below `root`, or reuse them from an earlier run."""
    folder = root / f"{kib}-kib-{count}"
    facts = folder / "facts.json"
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill(folder, kib, count, windows)
    known: dict[str, Any] = json.loads(facts.read_text())
    return Material(kib, files=folder / "files", listing=folder / "listing.json", **known)


def _fill(folder: Path, kib: int, count: int, windows: int) -> None:
    now_ms = int(time.time() * 1000)
    spec = WorldSpec(now_ms, recordings=count * 2, days=windows * WINDOW_DAYS - 1, teams=0, recorded_share=1.0, long_call_s=0)
    world = build(spec)
    frames = kib * KIB // audio.frame_bytes(KBPS)
    total = 0
    recordings = _of_centers(world)[:count]
    for recording in recordings:
        recording.kbps, recording.duration_ms = KBPS, frames * audio.FRAME_MS
        path = folder / "files" / name(recording)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = audio.whole(recording)
        path.write_bytes(data)
        total += len(data)
    (folder / "listing.json").write_text(json.dumps(_listing(world, {recording.id for recording in recordings})))
    since = now_ms - windows * WINDOW_DAYS * 86_400_000
    (folder / "facts.json").write_text(json.dumps({"count": len(recordings), "bytes": total, "since_ms": since, "until_ms": now_ms}))


def _of_centers(world: World) -> list[Recording]:
    calls = (call for book in world.books.values() for call in book.by_id.values() if _is_listed(call))
    return [recording for call in calls for recording in call.recordings if recording.kind != "voicemail"]


def _is_listed(call: Call) -> bool:
    """Whether it is a leg of a contact center's own call that was not transferred: its recordings are in the scope of exactly one
    target."""
    return call.center is not None and call.master is None


def name(recording: Recording) -> str:
    """Return the path of a recording's file below `files`: a folder for each day, as recordings are stored."""
    return f"{datetime.fromtimestamp(recording.start / 1000, UTC):%Y-%m-%d}/{recording.id}.mp3"


def _listing(world: World, kept: set[int]) -> dict[str, Any]:
    """Return the lists of the API by path, with "{base}" for the address of the server."""
    company = world.first
    calls = sorted(world.books[company.id].by_id.values(), key=lambda call: (-call.started, -call.id))
    items = []
    for call in calls:
        # Every answered call is recorded and has two legs, so about half of the listed calls have recordings.
        if not any(recording.id in kept for leg in call.conversation for recording in leg.recordings):
            continue
        shown = [recording for recording in call.recordings if recording.id in kept]
        item = wire.call(call, "{base}", str, bool(shown), shown, "all")
        for detail, recording in zip(item.get("recording_details", []), shown, strict=True):
            detail["url"] = f"{{base}}/files/{name(recording)}"
        items.append((call.started, item))
    return {
        "calls": items,
        "/company": wire.company(company),
        "/offices": {"items": [wire.office(office) for office in company.offices]},
        "/callcenters": {"items": [wire.center(center) for center in company.centers]},
        "/coachingteams": {"items": []},
        "/users": {"items": [wire.user(user, company) for user in company.users]},
    }
