"""What was read once and not proven yet is not lost with the source: the next read that finds nothing has it kept aside."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rokuon.backup import retained
from rokuon.domain.copies import State
from rokuon.domain.failures import RecordingForbidden, RecordingGone, RokuonError, SourceUnavailable
from rokuon.domain.retry import READ_APART_S, History
from rokuon.domain.work import Work
from tests.audio import length_ms, mp3
from tests.backup.scripted import NOT_READY, NOW_MS, Bench, Clip, work

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(256))
LONG = mp3(1, 200)


def again(one: Work, body: bytes) -> Work:
    """The same copy, the second time, ten minutes later."""
    history = History(tries=1, read_sha256=hashlib.sha256(body).hexdigest(), read_ms=NOW_MS - int(READ_APART_S * 1000) - 1)
    return replace(one, attempt=1, history=history)


def files_of(bench: Bench) -> list[Path]:
    folder = bench.limits.spool / retained.FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("lost", [NOT_READY, Clip(error=RecordingGone())])
@pytest.mark.parametrize(
    ("duration_ms", "body", "extension"),
    [
        (None, mp3(1), "mp3"),
        (None, LONG, "mp3"),
        (length_ms(), WAV, "wav"),
        (length_ms() * 9, mp3(1), "mp3"),
    ],
    ids=["no length listed", "a long one", "another container", "another length"],
)
async def test_what_was_read_once_is_kept_aside_when_the_second_read_finds_nothing(
    bench: Bench, duration_ms: int | None, body: bytes, extension: str, lost: Clip
) -> None:
    bench.source.script(1, Clip(body))
    await bench.pool_tries(work(duration_ms=duration_ms))
    assert (bench.ledger.outcome(1).state, bench.store.puts) == (State.PENDING, 0)
    assert [path.read_bytes() for path in files_of(bench)] == [body]
    assert files_of(bench)[0].stat().st_mode & 0o777 == 0o600

    bench.ledger.rows.clear()
    bench.source.script(1, lost)
    await bench.pool_tries(again(work(duration_ms=duration_ms), body))
    outcome = bench.ledger.outcome(1)
    assert outcome.state is (State.PENDING if lost is NOT_READY else State.GONE)
    assert outcome.reason == ("recording_not_ready" if lost is NOT_READY else "recording_gone")
    assert outcome.aside is not None
    assert outcome.aside.key.endswith(f".{extension}")
    assert await bench.store.content(outcome.aside.key) == body
    assert files_of(bench) == [], "it is in the bucket now"


async def test_what_is_proven_by_the_second_read_is_not_retained_any_longer(bench: Bench) -> None:
    bench.source.script(1, Clip(mp3(1)))
    await bench.pool_tries(work(duration_ms=None))
    assert len(files_of(bench)) == 1
    bench.ledger.rows.clear()
    await bench.pool_tries(again(work(duration_ms=None), mp3(1)))
    assert (bench.ledger.outcome(1).state, files_of(bench)) == (State.VERIFIED, [])


@pytest.mark.parametrize("error", [SourceUnavailable("503"), RecordingForbidden()])
async def test_another_refusal_than_that_it_is_not_there_keeps_it(bench: Bench, error: RokuonError) -> None:
    bench.source.script(1, Clip(mp3(1)))
    await bench.pool_tries(work(duration_ms=None))
    bench.ledger.rows.clear()
    bench.source.script(1, Clip(error=error))
    await bench.pool_tries(again(work(duration_ms=None), mp3(1)))
    assert (bench.ledger.outcome(1).aside, len(files_of(bench))) == (None, 1)


async def test_bytes_that_changed_on_the_disk_are_not_taken_for_what_was_read(bench: Bench) -> None:
    bench.source.script(1, Clip(mp3(1)))
    await bench.pool_tries(work(duration_ms=None))
    (path,) = files_of(bench)
    path.write_bytes(mp3(2))
    bench.ledger.rows.clear()
    bench.source.script(1, NOT_READY)
    await bench.pool_tries(again(work(duration_ms=None), mp3(1)))
    assert (bench.ledger.outcome(1).reason, bench.ledger.outcome(1).aside) == ("recording_not_ready", None)


async def test_a_disk_that_takes_nothing_costs_no_try(bench: Bench) -> None:
    (bench.limits.spool / retained.FOLDER).write_text("no folder")
    bench.source.script(1, Clip(mp3(1)))
    await bench.pool_tries(work(duration_ms=None))
    assert bench.ledger.outcome(1).reason == "recording_read_once"


async def test_what_is_retained_is_bounded_in_bytes_and_in_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "MOST_BYTES", 3 * len(mp3(1)))
    for number in range(1, 6):
        bench.source.script(number, Clip(mp3(number)))
        await bench.pool_tries(work(number, duration_ms=None))
    assert sum(path.stat().st_size for path in files_of(bench)) <= 3 * len(mp3(1))
    assert hashlib.sha256(mp3(5)).hexdigest() in {path.name for path in files_of(bench)}, "the newest stays"
    later = time.time() + retained.LONGEST_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    bench.source.script(6, Clip(mp3(6)))
    await bench.pool_tries(work(6, duration_ms=None))
    assert len(files_of(bench)) == 1
