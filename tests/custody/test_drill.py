"""A drill believes no single bad read, and takes no bucket that is away for one without recordings."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry
from rokuon.actions.buckets import verify_bucket
from rokuon.actions.drills import begin_afresh
from rokuon.console.web.installation import installation
from rokuon.domain.failures import BucketForbidden, BucketUnmarked, ConfigError, RokuonError, StoreRequestRefused, StoreUnavailable
from rokuon.domain.ports import Body
from rokuon.jobs import queue
from rokuon.ledger import drills
from rokuon.ledger.drill_models import Drill
from rokuon.ledger.drills import Lot
from rokuon.ledger.models import Copy
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target
from rokuon.runtime.database_clock import DatabaseClock
from rokuon.stores import registry
from rokuon.stores.checksums import crc32c
from rokuon.stores.folder_kind import FolderKind
from rokuon.stores.kind import StoreSettings
from rokuon.stores.local import LocalStore
from rokuon.wiring import drill_text
from rokuon.wiring.drill import DrillTaken, Restored, read_sample
from tests.audio import length_ms, mp3
from tests.console.copies import add_copy, install

NUMBER = 20


class Troubled(LocalStore):
    """A folder whose connections have trouble: each of `troubles` meets one read of a recording, and is then over."""

    troubles: list[RokuonError | bytes]
    reads: list[str]
    meanwhile: Callable[[int], None]

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        recording = key.endswith(".mp3")
        if recording:
            self.reads.append(key)
            self.meanwhile(len(self.reads))
        if recording and self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, RokuonError):
                raise trouble
            yield trouble
            return
        async for piece in super().read(key, start, end):
            yield piece


class TroubledKind(FolderKind):
    def open(self, url: str, credential: str | None, settings: StoreSettings) -> LocalStore:
        return Troubled(self.folder(url, settings))


@pytest.fixture
def drill(outer: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drill]:
    """An open drill of 20 recordings, all of them drawn, in a folder that behaves."""
    install(outer, database_url, monkeypatch)
    monkeypatch.setattr(registry, "KINDS", (TroubledKind(),))
    Troubled.troubles, Troubled.reads, Troubled.meanwhile = [], [], staticmethod(lambda reads: None)
    company = Company.objects.create(name="Acme", base_url="https://acme.example", dialpad_id="1")
    office = Office.objects.create(company=company, dialpad_id="1", name="Tokyo", timezone="Asia/Tokyo")
    target = Target.objects.create(company=company, office=office, kind="callcenter", dialpad_id="11", name="Sales", backed_up=True)
    root = outer / "data" / "buckets" / "main"
    bucket = services.register_bucket(company, root.as_uri())
    for number in range(NUMBER):
        copy = add_copy(target, bucket, number, data=mp3(number), audio_ms=length_ms())
        (root / copy.key).parent.mkdir(parents=True, exist_ok=True)
        (root / copy.key).write_bytes(mp3(number))
    mark(bucket)
    yield drills.begin(company.pk, bucket.pk, Lot("s", 999_999, 1), "Ann", DatabaseClock()())
    installation.cache_clear()


def mark(bucket: Bucket) -> None:
    assert verify_bucket(installation(), bucket, queue, COMMAND_LINE, DatabaseClock()(), patience=0).ok


def read(drill: Drill, restored: Restored | None = None) -> Drill:
    read_sample(installation(), drill, lambda now: None, restored)
    drill.refresh_from_db()
    return drill


def test_each_recording_is_read_once(drill: Drill) -> None:
    assert (read(drill).read, drill.bad, drill.read_again) == (NUMBER, 0, 0)
    assert sorted(Troubled.reads) == sorted(Copy.objects.values_list("key", flat=True))


def test_a_flipped_bit_on_the_way_is_read_again_and_does_not_count(drill: Drill) -> None:
    Troubled.troubles = [mp3(999)]
    assert (read(drill).read, drill.bad, drill.read_again) == (NUMBER, 0, 1)
    assert len(Troubled.reads) == NUMBER + 1


def test_a_mismatch_twice_counts(drill: Drill) -> None:
    drills.record(drill.pk, [drills.ReadResult(place, "whole") for place in range(2, NUMBER + 1)])
    Troubled.troubles = [mp3(999), mp3(998)]
    assert (read(drill).bad, drill.read_again) == (1, 1)
    (bad,) = drills.bad_ones(drill.pk, 9)
    assert (bad.place, bad.result) == (1, "object_differs")


def test_a_lost_connection_is_tried_once_more(drill: Drill) -> None:
    Troubled.troubles = [StoreUnavailable("reset")]
    assert (read(drill).read, drill.bad) == (NUMBER, 0)


def test_a_store_that_does_not_answer_ends_the_drill_with_its_reason(drill: Drill) -> None:
    drills.record(drill.pk, [drills.ReadResult(place, "whole") for place in range(1, NUMBER)])
    Troubled.troubles = [StoreUnavailable("reset"), StoreUnavailable("reset")]
    with pytest.raises(StoreUnavailable):
        read(drill)
    drill.refresh_from_db()
    assert (drill.state, drill.read, drill.bad, drill.stopped) == ("open", NUMBER - 1, 0, "store_unavailable")
    assert drills.finish(drill.pk, DatabaseClock()()) is None
    assert (read(drill).read, drill.stopped) == (NUMBER, "")


@pytest.mark.parametrize("why", [BucketForbidden("403 forbidden"), StoreRequestRefused("400 invalid")])
def test_a_recording_that_the_store_refuses_for_good_lets_the_drill_finish_and_counts_as_not_read(drill: Drill, why: RokuonError) -> None:
    drills.record(drill.pk, [drills.ReadResult(place, "whole") for place in range(2, NUMBER + 1)])
    Troubled.troubles = [why, why]
    assert (read(drill).read, drill.bad, drill.refused, drill.stopped) == (NUMBER - 1, 0, 1, "")
    ended = drills.finish(drill.pk, DatabaseClock()())
    assert ended is not None
    assert ended.upper == 1, "what could not be read may be damaged"
    said = " ".join(drill_text.sentences(ended))
    assert f"{NUMBER - 1} of {NUMBER} recordings were read back" in said and "1 recording that was drawn could not be read" in said
    assert "whole" not in said
    assert [(one.place, one.result) for one in drills.bad_ones(drill.pk, 9)] == [(1, why.reason)]


def test_another_drill_begins_together_with_the_end_of_the_unfinished_one_or_not_at_all(drill: Drill) -> None:
    bucket, now = Bucket.objects.select_related("company").get(), DatabaseClock()()
    with pytest.raises(ConfigError, match="--most-gib"):
        begin_afresh(bucket, drill, Lot("luckier", 950_000, 1_000), 1, COMMAND_LINE, now)
    drill.refresh_from_db()
    assert (drill.state, Drill.objects.count(), AuditEntry.objects.filter(action="drill.leave").exists()) == ("open", 1, False)
    begin_afresh(bucket, drill, Lot("luckier", 950_000, 1_000), None, COMMAND_LINE, now)
    assert list(Drill.objects.order_by("pk").values_list("state", flat=True)) == ["left", "open"]


def test_a_refusal_that_passes_is_none(drill: Drill) -> None:
    Troubled.troubles = [BucketForbidden("403 forbidden")]
    assert (read(drill).read, drill.bad, drill.refused) == (NUMBER, 0, 0)


def test_a_bucket_that_refuses_everything_makes_no_recording_refused(drill: Drill, outer: Path) -> None:
    """Its credential may have lost its rights: that says nothing of a recording, and the drill resumes."""
    drills.record(drill.pk, [drills.ReadResult(place, "whole") for place in range(1, NUMBER)])
    marker = outer / "data" / "buckets" / "main" / "call-recordings" / ".rokuon"

    def revoke(reads: int) -> None:
        if reads == 2:
            marker.unlink()

    Troubled.troubles, Troubled.meanwhile = [BucketForbidden("403"), BucketForbidden("403")], staticmethod(revoke)
    with pytest.raises(BucketUnmarked):
        read(drill)
    drill.refresh_from_db()
    assert (drill.state, drill.read, drill.refused) == ("open", NUMBER - 1, 0)


def test_what_was_read_beside_a_failure_is_kept(drill: Drill) -> None:
    Troubled.troubles = [StoreUnavailable("reset")] * 9
    with pytest.raises(StoreUnavailable):
        read(drill)
    Troubled.troubles = []
    before = Drill.objects.get().read
    Troubled.reads.clear()
    read(drill)
    assert len(Troubled.reads) == NUMBER - before


def test_a_bucket_that_is_emptied_meanwhile_makes_no_recording_missing(drill: Drill, outer: Path) -> None:
    objects = outer / "data" / "buckets" / "main" / "call-recordings"

    def empty(now: Drill) -> None:
        if objects.exists():
            objects.rename(outer / "away")

    with pytest.raises(BucketUnmarked):
        read_sample(installation(), drill, empty)
    drill.refresh_from_db()
    assert (drill.state, drill.bad, drill.stopped) == ("open", 0, "bucket_unmarked")
    assert 0 < drill.read < NUMBER


def test_a_bucket_that_goes_away_between_recognition_and_reading_makes_no_recording_missing(drill: Drill, outer: Path) -> None:
    drills.record(drill.pk, [drills.ReadResult(place, "whole") for place in range(2, NUMBER + 1)])
    root = outer / "data" / "buckets" / "main"

    def unmounted(reads: int) -> None:
        if reads == 2:
            root.rename(outer / "away")
            root.mkdir()

    Troubled.troubles, Troubled.meanwhile = [StoreUnavailable("reset")], staticmethod(unmounted)
    with pytest.raises(BucketUnmarked):
        read(drill)
    drill.refresh_from_db()
    assert (drill.read, drill.bad, drill.stopped) == (NUMBER - 1, 0, "bucket_unmarked")


def test_nothing_is_written_outside_the_folder(drill: Drill, outer: Path) -> None:
    outside = outer / "outside"
    outside.mkdir()
    folder = outer / "exercise"
    folder.mkdir()
    (folder / "call-recordings").symlink_to(outside)
    restored = Restored(folder)
    assert (read(drill, restored).read, drill.bad) == (NUMBER, 0)
    assert (restored.written, len(restored.others)) == (0, NUMBER)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("key", ["../outside/r.mp3", "/outside/r.mp3", "a/../../outside/r.mp3"])
async def test_a_name_that_leads_out_of_the_folder_is_refused(outer: Path, key: str) -> None:
    restored = Restored(outer / "exercise")
    body = Body(1, hashlib.sha256(b"a").hexdigest(), crc32c(b"a"), data=b"a")
    with pytest.raises(ConfigError, match="cannot be written"):
        await restored.write(key, body)
    await restored.close()
    assert not list(outer.rglob("r.mp3"))


def test_a_drill_that_is_left_meanwhile_is_read_no_further(drill: Drill) -> None:
    def in_a_thread(now: Drill) -> None:
        drills.leave(now.pk, now.started_at)
        connection.close()

    def leave(now: Drill) -> None:
        other = Thread(target=in_a_thread, args=[now])
        other.start()
        other.join()

    read_sample(installation(), drill, leave)
    drill.refresh_from_db()
    assert (drill.state, drill.read, len(Troubled.reads)) == ("left", 8, 8)


def test_a_drill_is_read_by_one_process_at_a_time(drill: Drill) -> None:
    assert drills.alone(drill.pk)
    with pytest.raises(DrillTaken):
        read(drill)
    assert Troubled.reads == []
