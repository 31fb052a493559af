"""Export of a list and download of a selection: the right rows and bytes, to who may, each in the audit log, nothing left out silently."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from rokuon.accounts.models import AuditEntry
from rokuon.actions import recordings_download
from rokuon.console.recordings import download_views
from rokuon.console.web.installation import installation
from rokuon.ledger.models import Copy, OtherParty

from .conftest import Role, World
from .copies import add_copy, install, put_file


@dataclass
class Shelf:
    """Recordings in a folder that is a bucket, by number."""

    world: World
    root: Path
    copies: dict[int, Copy] = field(default_factory=dict)

    def put(self, number: int, data: bytes, target: Any = None, **changes: Any) -> Copy:
        copy = add_copy(target or self.world.sales, self.world.bucket, number, data=data, **changes)
        put_file(self.world.bucket, self.root, copy.key, data)
        self.copies[number] = copy
        return copy


@pytest.fixture
def shelf(world: World, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    install(outer, embedded_dsn, monkeypatch)
    yield Shelf(world, outer / "data/buckets/acme")
    installation.cache_clear()


def body(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode().removeprefix("\ufeff"))))


def zipped(browser: Client, world: World, *copies: Copy, query: str = "", **form: Any) -> zipfile.ZipFile:
    answer = browser.post(world.url(f"recordings/zip/{query}"), {"copy": [copy.pk for copy in copies], **form})
    archive = zipfile.ZipFile(io.BytesIO(body(answer)))
    assert archive.testzip() is None
    return archive


def test_the_list_is_exported_with_path_hash_and_proof_and_the_export_is_audited(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1, data=b"123456789", agent="=cmd|' /C calc'!A0")
    add_copy(world.desk, world.bucket, 2, state="failed", reason="recording_not_audio")
    OtherParty.objects.create(recording=copy.recording, company=world.company, detail="full", number="+819012345678", ending="5678")
    content = body(world.admin.post(world.url("recordings/export/")))
    rows = {row["Recording id"]: row for row in table(content)}
    assert set(rows) == {"6755001", "6755002"}
    row = rows["6755001"]
    assert (row["State"], row["SHA-256"], row["CRC32C"], row["Size in bytes"]) == ("Verified", copy.sha256, "4waSgw==", "9")
    assert row["Path"] == f"gs://acme-recordings/{copy.key}"
    assert row["Call start"] == "2026-04-02 00:30:00"
    assert "from the first frame to the last" in row["Proof"]
    assert row["Agent"].startswith("'=cmd")
    assert (rows["6755002"]["State"], rows["6755002"]["SHA-256"]) == ("Failed", "")
    assert "not MP3" in rows["6755002"]["Cause"]
    assert b"12345678," not in content
    assert b"+8190" not in content
    assert AuditEntry.objects.get(action="recording.export").after == {"rows": 2}


def test_the_export_is_that_of_the_filter_in_its_order_and_goes_on_past_a_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings_download, "_CHUNK", 3)
    for number in range(10):
        add_copy(world.sales, world.bucket, number, data=b"x" * (10 - number), agent="Ann" if number < 8 else "Bob")
    rows = table(body(world.admin.post(world.url("recordings/export/?agent=ann&order=largest"))))
    assert [row["Recording id"] for row in rows] == [str(6755000 + number) for number in range(8)]


def test_the_export_speaks_the_readers_language_although_it_is_streamed(world: World) -> None:
    add_copy(world.sales, world.bucket, 1)
    browser = world.admin
    browser.cookies["rokuon_language"] = "ja"
    content = body(browser.post(world.url("recordings/export/"))).decode()
    assert "検証済み" in content
    assert "Verified" not in content


def test_an_office_exports_and_downloads_its_own_and_a_viewer_nothing(shelf: Shelf) -> None:
    world = shelf.world
    mine, theirs = shelf.put(1, b"mine"), shelf.put(2, b"theirs", world.desk)
    office = world.client(Role.OFFICE_ADMIN, world.tokyo)
    assert [row["Recording id"] for row in table(body(office.post(world.url("recordings/export/"))))] == ["6755001"]
    archive = zipped(office, world, mine, theirs)
    assert len(archive.namelist()) == 2
    assert "6755002" not in archive.read("recordings.csv").decode()
    viewer = world.client(Role.VIEWER)
    for what in ("export", "zip"):
        assert viewer.post(world.url(f"recordings/{what}/"), {"copy": [mine.pk]}).status_code == 403
        assert world.client(Role.COMPANY_ADMIN, company=world.other).post(world.url(f"recordings/{what}/")).status_code == 404
    assert "Export the list" not in viewer.get(world.url("recordings/")).content.decode()
    assert 'name="copy"' not in viewer.get(world.url("recordings/")).content.decode()


def test_a_large_export_asks_who_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_views, "ASKS_AGAIN_FROM", 1)
    monkeypatch.setattr(download_views.recent_auth, "is_fresh", lambda request: False)
    for number in range(2):
        add_copy(world.sales, world.bucket, number)
    answer = world.admin.post(world.url("recordings/export/"))
    assert answer.status_code == 303
    assert not AuditEntry.objects.filter(action="recording.export").exists()


def test_a_selection_is_a_zip_of_the_same_bytes_stored_with_a_table_and_an_entry(shelf: Shelf) -> None:
    first, second = shelf.put(1, b"a" * 3_000_000), shelf.put(2, b"b" * 10)
    shelf.put(3, b"not chosen")
    archive = zipped(shelf.world.admin, shelf.world, second, first)
    names = [copy.key.removeprefix("call-recordings/") for copy in (first, second)]
    assert archive.namelist() == [*names, "recordings.csv"]
    assert archive.read(names[0]) == b"a" * 3_000_000
    assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
    rows = table(archive.read("recordings.csv"))
    assert [(row["File"], row["In this zip"], row["SHA-256"]) for row in rows] == [
        (names[0], "yes", first.sha256),
        (names[1], "yes", second.sha256),
    ]
    entry = AuditEntry.objects.get(action="recording.zip")
    assert entry.after == {"copies": 2, "recordings": ["6755001", "6755002"]}


@pytest.mark.parametrize("fault", ["gone", "short", "changed"])
def test_a_recording_that_cannot_be_read_is_named_in_the_zips_list_and_the_others_are_there(shelf: Shelf, fault: str) -> None:
    good, bad = shelf.put(1, b"good"), shelf.put(2, b"x" * 100)
    file = shelf.root / bad.key
    if fault == "gone":
        file.unlink()
    else:
        file.write_bytes(b"x" * 50 if fault == "short" else b"y" * 100)
    archive = zipped(shelf.world.admin, shelf.world, good, bad)
    rows = {row["Recording id"]: row for row in table(archive.read("recordings.csv"))}
    assert len(archive.namelist()) == 2
    assert rows["6755001"]["In this zip"] == "yes"
    assert rows["6755002"]["In this zip"].startswith("no: ")
    assert rows["6755002"]["File"] == ""
    assert hashlib.sha256(archive.read(rows["6755001"]["File"])).hexdigest() == good.sha256


def test_the_whole_list_can_be_downloaded_when_it_is_short_enough(shelf: Shelf) -> None:
    shelf.put(1, b"1", agent="Ann")
    shelf.put(2, b"2", agent="Bob")
    assert "Download all 2 (zip)" in shelf.world.admin.get(shelf.world.url("recordings/")).content.decode()
    archive = zipped(shelf.world.admin, shelf.world, query="?agent=bob", what="all")
    assert [row["Agent"] for row in table(archive.read("recordings.csv"))] == ["Bob"]


@pytest.mark.parametrize("form", [{}, {"copy": ["999999999"]}, {"what": "all"}])
def test_nothing_selected_says_so_and_leads_back(shelf: Shelf, form: dict[str, Any]) -> None:
    answer = shelf.world.admin.post(shelf.world.url("recordings/zip/?state=failed"), form)
    assert (answer.status_code, answer["Location"]) == (303, shelf.world.url("recordings/?state=failed"))
    assert not AuditEntry.objects.filter(action="recording.zip").exists()


def test_a_failed_recording_is_in_no_zip_and_an_id_that_is_none_is_refused(shelf: Shelf) -> None:
    failed = add_copy(shelf.world.sales, shelf.world.bucket, 5, state="failed", reason="recording_not_audio")
    assert shelf.world.admin.post(shelf.world.url("recordings/zip/"), {"copy": [failed.pk]}).status_code == 303
    assert shelf.world.admin.post(shelf.world.url("recordings/zip/"), {"copy": ["x"]}).status_code == 403


def test_two_recordings_of_one_path_in_two_buckets_get_two_names(shelf: Shelf) -> None:
    from rokuon.wiring import playback, zip_stream

    heard = playback.recording(shelf.put(1, b"1"))
    taken: set[str] = set()
    names = [zip_stream.free_name(heard, taken) for _ in range(3)]
    assert len(set(names)) == 3
    assert names[1].endswith(" (2).mp3")
