"""A file that was kept aside, on the pages: named, heard, accepted or discarded by who may, and each time in the audit log."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client

from rokuon.accounts.models import AuditEntry
from rokuon.console.web.installation import installation
from rokuon.ledger.models import Aside, Closing, Copy

from .conftest import World
from .copies import add_copy, install, put_file

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(256))
KEY = "call-recordings/.rokuon-aside/Sales/2026-04-02/Ann - 1 - 2 - 0123456789ab.wav"


@dataclass
class Stage:
    world: World
    copy: Copy

    def page(self, browser: Client) -> str:
        return browser.get(self.world.url(f"recordings/{self.copy.pk}/")).content.decode()

    def post(self, browser: Client, what: str, **form: str) -> int:
        return int(browser.post(self.world.url(f"failures/{what}/"), {"copy": str(self.copy.pk), **form}).status_code)


@pytest.fixture
def stage(world: World, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    install(outer, embedded_dsn, monkeypatch)
    copy = add_copy(world.sales, world.bucket, 1, state="failed", reason="recording_not_audio", detail="WAV")
    kept = {"size": len(WAV), "sha256": hashlib.sha256(WAV).hexdigest(), "crc32c": 7, "content_type": "audio/wav", "looks": "WAV"}
    Aside.objects.create(copy=copy, key=KEY, reason=copy.reason, **kept)
    put_file(world.bucket, outer / "data/buckets/acme", KEY, WAV)
    yield Stage(world, copy)
    installation.cache_clear()


def test_the_page_says_what_was_kept_and_what_can_be_done(stage: Stage) -> None:
    page = stage.page(stage.world.admin)
    for words in ("Kept aside", "It looks like WAV", "aside/play", "Accept as the recording", "Rokuon deletes nothing"):
        assert words in page
    desk = stage.world.admin.get(stage.world.url("failures/")).content.decode()
    assert re.search(r'<dt>Kept aside</dt><dd><a href="[^"]*failures/failed/recording_not_audio/">1</a>', desk)
    cause = stage.world.admin.get(stage.world.url("failures/failed/recording_not_audio/")).content.decode()
    assert f"recordings/{stage.copy.pk}/#aside" in cause


def test_it_is_heard_as_what_it_is_with_one_entry_in_the_audit_log(stage: Stage) -> None:
    answer = stage.world.admin.get(stage.world.url(f"recordings/{stage.copy.pk}/aside/play"), headers={"range": "bytes=0-"})
    assert (answer.status_code, answer["Content-Type"], answer.content) == (206, "audio/wav", WAV)
    (entry,) = AuditEntry.objects.filter(action="recording.play")
    assert entry.subject_id == str(stage.copy.pk)
    assert stage.world.admin.get(stage.world.url(f"recordings/{stage.copy.pk}/play")).status_code == 404


def test_accepting_sends_the_copy_to_a_worker_and_says_who_did(stage: Stage, outer: Path) -> None:
    assert stage.post(stage.world.admin, "accept") == 303
    copy = Copy.objects.get(pk=stage.copy.pk)
    assert copy.state == "pending"
    assert copy.accepted
    assert copy.accepted.accepted_by
    assert AuditEntry.objects.filter(action="failure.accept").count() == 1
    Copy.objects.filter(pk=copy.pk).update(
        state="verified", proof="accepted", size=len(WAV), sha256=copy.accepted.sha256, crc32c=7, reason="", due_at=None
    )
    page = stage.page(stage.world.admin)
    assert "a person accepted the file as it is" in page
    assert "Verified by" not in page
    assert "Not measured" in page
    put_file(stage.world.bucket, outer / "data/buckets/acme", copy.key, WAV)
    answer = stage.world.admin.get(stage.world.url(f"recordings/{copy.pk}/download"))
    name = copy.key.rpartition("/")[2].removesuffix(".mp3")
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("audio/wav", f'attachment; filename="{name}.wav"')
    assert copy.accepted.accepted_by in page


def test_discarding_needs_a_reason_and_closes_the_copy_while_the_file_stays(stage: Stage, outer: Path) -> None:
    stage.post(stage.world.admin, "discard", note=" ")
    assert not Closing.objects.exists()
    stage.post(stage.world.admin, "discard", note="a test call")
    assert Closing.objects.get().note == "a test call"
    assert AuditEntry.objects.filter(action="failure.discard").count() == 1
    assert (outer / "data/buckets/acme" / KEY).read_bytes() == WAV
    assert Aside.objects.exists()


def test_in_japanese_too(stage: Stage) -> None:
    page = stage.world.admin.get(stage.world.url(f"recordings/{stage.copy.pk}/"), headers={"accept-language": "ja"}).content.decode()
    assert "別に保管" in page
