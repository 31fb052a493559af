"""Listening and downloading: the right bytes, as audio and nothing else, to who may, with one audit entry for each time (Q13, Q38)."""

import hashlib
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rokuon.accounts import handed_out
from rokuon.accounts.models import AuditEntry, HandedOut, Membership, Person
from rokuon.console.web.installation import installation
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from rokuon.wiring.connections import CREDENTIAL, bucket_owner
from tests.e2e.gcs import PRINCIPAL, GcsThread

from .conftest import Role, World
from .copies import add_copy, install, put_file

MIB = 1024 * 1024
DATA = os.urandom(2 * MIB + 12_345)
SIZE = len(DATA)


@dataclass
class Stage:
    """A verified recording in a folder that is a bucket."""

    world: World
    copy: Copy
    root: Path

    @property
    def url(self) -> str:
        return self.world.url(f"recordings/{self.copy.pk}/")

    def ask(self, browser: Client, what: str = "play", span: str = "", **headers: str) -> HttpResponse:
        asked = {**({"range": span} if span else {}), **headers}
        return browser.get(self.url + what, headers=asked)  # type: ignore[return-value]


@pytest.fixture
def stage(world: World, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    install(outer, embedded_dsn, monkeypatch)
    copy = add_copy(world.sales, world.bucket, 1, data=DATA, key='call-recordings/東京/2026-04-02/山田 "太郎" - 1 - 2.mp3')
    put_file(world.bucket, outer / "data/buckets/acme", copy.key, DATA)
    yield Stage(world, copy, outer / "data/buckets/acme")
    installation.cache_clear()


def body(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


def entries(action: str = "recording.play") -> int:
    return AuditEntry.objects.filter(action=action).count()


# --- bytes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        ("bytes=0-", 0, MIB),
        ("bytes=0-99", 0, 100),
        ("bytes=0-0", 0, 1),
        (f"bytes={MIB}-", MIB, 2 * MIB),
        (f"bytes={2 * MIB}-", 2 * MIB, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        (f"bytes=5-{SIZE * 2}", 5, 5 + MIB),
        ("bytes=10-19,30-39", 10, 20),
    ],
)
def test_a_range_is_answered_with_exactly_its_bytes_and_at_most_a_megabyte(stage: Stage, span: str, start: int, end: int) -> None:
    answer = stage.ask(stage.world.admin, span=span)
    assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {start}-{end - 1}/{SIZE}")
    assert (answer["Content-Length"], answer.content) == (str(end - start), DATA[start:end])


def test_without_a_range_the_whole_is_sent_a_piece_at_a_time(stage: Stage) -> None:
    answer = stage.ask(stage.world.admin)
    assert (answer.status_code, answer["Content-Length"], answer["Accept-Ranges"]) == (200, str(SIZE), "bytes")
    sent = list(answer.streaming_content)  # type: ignore[attr-defined]
    assert max(map(len, sent)) <= MIB
    assert b"".join(sent) == DATA


def test_a_range_beyond_the_end_is_416_with_the_size(stage: Stage) -> None:
    answer = stage.ask(stage.world.admin, span=f"bytes={SIZE}-")
    assert (answer.status_code, answer["Content-Range"], answer.content) == (416, f"bytes */{SIZE}", b"")
    assert entries() == 0


def test_head_tells_size_and_seeking_and_is_no_play(stage: Stage) -> None:
    answer = stage.world.admin.head(stage.url + "play")
    assert (answer.status_code, answer["Content-Length"], answer["Accept-Ranges"]) == (200, str(SIZE), "bytes")
    assert answer.content == b""
    assert entries() == 0


def test_a_range_of_another_version_is_not_mixed_in(stage: Stage) -> None:
    tag = stage.ask(stage.world.admin, span="bytes=0-9")["ETag"]
    assert stage.ask(stage.world.admin, span="bytes=5-9", **{"if-range": tag}).status_code == 206
    assert stage.ask(stage.world.admin, span="bytes=5-9", **{"if-range": '"another"'}).status_code == 200


@pytest.mark.parametrize("what", ["play", "download"])
@pytest.mark.parametrize("span", ["", "bytes=0-", "bytes=99999999-"])
def test_whatever_the_bytes_are_a_browser_takes_them_for_audio_only(stage: Stage, what: str, span: str) -> None:
    answer = stage.ask(stage.world.admin, what, span)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store"
    kind, name = answer["Content-Disposition"].split("; ", 1)
    assert kind == ("inline" if what == "play" else "attachment")
    assert name == "filename*=utf-8''%E5%B1%B1%E7%94%B0%20%22%E5%A4%AA%E9%83%8E%22%20-%201%20-%202.mp3"
    if answer.status_code != 416:
        assert answer["Content-Type"] == "audio/mpeg"


POLYGLOTS = [
    b"<!doctype html><script>alert(1)</script>",
    b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
    b"%PDF-1.7\n1 0 obj",
    b"PK\3\4",
    b"ID3<svg onload=alert(1)>",
]


@pytest.mark.parametrize("data", POLYGLOTS, ids=range(len(POLYGLOTS)))
def test_a_file_that_is_also_something_else_is_still_audio(stage: Stage, data: bytes) -> None:
    copy = add_copy(stage.world.sales, stage.world.bucket, 2, data=data)
    (stage.root / copy.key).parent.mkdir(parents=True, exist_ok=True)
    (stage.root / copy.key).write_bytes(data)
    answer = stage.world.admin.get(stage.world.url(f"recordings/{copy.pk}/play"), headers={"accept": "text/html", "range": "bytes=0-"})
    assert (answer["Content-Type"], answer["X-Content-Type-Options"], answer.content) == ("audio/mpeg", "nosniff", data)
    assert "sandbox" in answer["Content-Security-Policy"]


# --- who ---------------------------------------------------------------------------------------------------------------------


def test_listening_and_downloading_are_two_permissions(stage: Stage) -> None:
    viewer = stage.world.client(Role.VIEWER)
    assert stage.ask(viewer, "play", "bytes=0-9").status_code == 206
    assert stage.ask(viewer, "download").status_code == 403
    assert entries("recording.download") == 0


@pytest.mark.parametrize("what", ["play", "download"])
def test_another_office_and_another_company_hear_nothing(stage: Stage, what: str) -> None:
    world = stage.world
    for browser in (world.client(Role.OFFICE_ADMIN, world.osaka), world.client(Role.COMPANY_ADMIN, company=world.other)):
        for span in ("", "bytes=0-", f"bytes={MIB}-"):
            assert stage.ask(browser, what, span).status_code == 404
    assert stage.ask(Client(), what).status_code == 302
    assert AuditEntry.objects.count() == 0


def test_who_loses_the_role_hears_the_next_megabyte_no_more(stage: Stage) -> None:
    person = stage.world.person(Role.VIEWER)
    browser = Client()
    browser.force_login(person)
    assert stage.ask(browser, span="bytes=0-").status_code == 206
    Membership.objects.filter(person=person).delete()
    assert stage.ask(browser, span=f"bytes={MIB}-").status_code == 404


@pytest.mark.parametrize("state", ["failed", "gone", "excluded", "pending"])
def test_only_what_is_verified_is_played(stage: Stage, state: str) -> None:
    copy = add_copy(stage.world.sales, stage.world.bucket, 2, state=state, reason="" if state == "pending" else "recording_gone")
    (stage.root / copy.key).parent.mkdir(parents=True, exist_ok=True)
    (stage.root / copy.key).write_bytes(b"left over")
    for what in ("play", "download"):
        assert stage.world.admin.get(stage.world.url(f"recordings/{copy.pk}/{what}")).status_code == 404
    assert AuditEntry.objects.count() == 0


# --- the audit log -------------------------------------------------------------------------------------------------------------


def listen(stage: Stage, browser: Client) -> None:
    """As Chromium does: from the first byte, then on, then a jump."""
    for start in (0, MIB, 2 * MIB, 1_500_000):
        assert stage.ask(browser, span=f"bytes={start}-").status_code == 206


def test_there_are_as_many_entries_as_plays(stage: Stage) -> None:
    browsers = [stage.world.admin, stage.world.client(Role.VIEWER)]
    for browser in browsers:
        for _ in range(3):
            listen(stage, browser)
    assert entries() == 6
    assert stage.ask(browsers[0], "download", "").status_code == 200
    assert (entries(), entries("recording.download")) == (6, 1)


def test_an_entry_says_who_heard_what_when_and_from_where(stage: Stage) -> None:
    before = timezone.now()
    listen(stage, stage.world.admin)
    entry = AuditEntry.objects.get()
    assert entry.person == Person.objects.get()
    assert (entry.actor, entry.action) == (entry.person.email, "recording.play")  # type: ignore[union-attr]
    assert (entry.subject_kind, entry.subject_id, entry.subject) == ("copy", str(stage.copy.pk), stage.copy.key)
    assert (entry.company, entry.office) == (stage.world.company, stage.world.tokyo)
    assert before <= entry.at <= timezone.now()
    assert entry.address == "127.0.0.1"
    assert entry.after["recording"] == stage.copy.recording.recording_id


def test_beginning_in_the_middle_is_a_play_too(stage: Stage) -> None:
    browser = stage.world.admin
    for start in (300_000, 500_000, MIB):
        stage.ask(browser, span=f"bytes={start}-")
    assert entries() == 1
    stage.ask(browser, span="bytes=-100")
    assert entries() == 1
    stage.ask(stage.world.client(Role.VIEWER), span="bytes=-100")
    assert entries() == 2


@pytest.mark.parametrize("size", [50, 40_000, 900_000, SIZE])
@pytest.mark.parametrize("again", [1, 2, 4, 0.04, 0.09])
@pytest.mark.parametrize("what", ["play", "download"])
def test_q38_hearing_it_again_is_another_entry_from_whichever_byte(stage: Stage, size: int, again: float, what: str) -> None:
    data = DATA[:size]
    copy = add_copy(stage.world.sales, stage.world.bucket, 2, data=data)
    put_file(stage.world.bucket, stage.root, copy.key, data)
    browser = stage.world.admin
    heard = Stage(stage.world, copy, stage.root)
    start = int(again * size) if again < 1 else int(again)

    def whole(begin: int) -> None:
        at = begin
        while at < size:
            at += len(heard.ask(browser, what, f"bytes={at}-").content)

    whole(0)
    assert entries(f"recording.{what}") == 1
    for times in (2, 3, 4):
        whole(start)
        assert entries(f"recording.{what}") == times


def test_q38_the_beginning_alone_is_heard_again_under_an_entry_of_its_own(stage: Stage) -> None:
    browser = stage.world.admin
    for times in (1, 2, 3):
        stage.ask(browser, span="bytes=1-5000")
        stage.ask(browser, span="bytes=5001-9000")
        assert entries() == times, "what follows the last piece goes on; what begins before it does not"


def test_q38_small_pieces_from_the_middle_over_and_over_make_entries_too(stage: Stage) -> None:
    browser = stage.world.admin
    for _ in range(8):
        stage.ask(browser, span=f"bytes={MIB}-")
    assert entries() == 3


@pytest.mark.usefixtures("db")
@given(pieces=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 100)), max_size=40))
@hypothesis_settings(deadline=None, max_examples=30)
def test_q38_no_entry_stands_for_more_than_one_and_a_half_recordings(pieces: list[tuple[int, int]]) -> None:
    now = timezone.now()
    with transaction.atomic():
        person, noted, heard = Person.objects.create(email=f"{uuid.uuid4()}@example.com"), 0, 0
        for start, length in pieces:
            given = min(length, 100 - start)
            if start == 0 or not handed_out.goes_on(person, "recording.play", 1, start, given, 100, now):
                handed_out.begin(person, "recording.play", 1, start, given, now)
                noted += 1
            heard += given
            assert heard <= 150 * noted
        transaction.set_rollback(True)


def test_an_hour_later_it_is_another_play(stage: Stage) -> None:
    person = stage.world.person(Role.COMPANY_ADMIN)
    browser = Client()
    browser.force_login(person)
    AuditEntry.objects.create(
        at=timezone.now() - timedelta(minutes=61),
        company=stage.world.company,
        person=person,
        actor=person.email,
        action="recording.play",
        subject_kind="copy",
        subject_id=str(stage.copy.pk),
    )
    stage.ask(browser, span="bytes=300000-")
    stage.ask(browser, span="bytes=400000-")
    assert entries() == 2
    HandedOut.objects.update(began_at=timezone.now() - timedelta(minutes=61))
    stage.ask(browser, span="bytes=500000-")
    assert entries() == 3
    assert handed_out.prune(timezone.now()) == 0
    assert handed_out.prune(timezone.now() + handed_out.SAME_PLAY) == 1


def test_listening_does_not_cover_a_download(stage: Stage) -> None:
    browser = stage.world.admin
    listen(stage, browser)
    stage.ask(browser, "download", "bytes=100-")
    assert (entries(), entries("recording.download")) == (1, 1)


def test_safaris_look_at_two_bytes_is_no_play_and_gives_two_bytes(stage: Stage) -> None:
    browser = stage.world.admin
    for _ in range(3):
        assert len(stage.ask(browser, span="bytes=0-1").content) == 2
    assert entries() == 0
    listen(stage, browser)
    assert entries() == 1


def test_no_byte_leaves_that_the_audit_log_does_not_take(stage: Stage) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_auditentry ADD CONSTRAINT no_plays CHECK (action <> 'recording.play') NOT VALID")
    browser = stage.world.admin
    browser.raise_request_exception = False
    assert stage.ask(browser, span="bytes=0-").status_code == 500


# --- when the bucket does not hand it out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("span", ["", "bytes=0-", f"bytes={2 * MIB}-"])
@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda stage: (stage.root / stage.copy.key).unlink(), "object_missing"),
        (lambda stage: (stage.root / stage.copy.key).write_bytes(DATA[:100]), "object_differs"),
        (lambda stage: Bucket.objects.filter(pk=stage.copy.bucket_id).update(url="file:///elsewhere"), "bucket_unusable"),
        (lambda stage: Bucket.objects.filter(pk=stage.copy.bucket_id).update(credential="sealed by another key"), "bucket_unusable"),
    ],
    ids=["gone", "cut short", "not allowed here", "another master key"],
)
def test_a_bucket_that_fails_is_said_in_a_sentence_and_is_no_play(stage: Stage, harm: object, code: str, span: str) -> None:
    browser = stage.world.admin
    harm(stage)  # type: ignore[operator]
    answer = stage.ask(browser, span=span)
    assert (answer.status_code, answer["Content-Type"]) == (502, "text/plain; charset=utf-8")
    assert answer.content.decode().endswith(f". [{code}]\n")
    assert entries() == 0


# --- a store that signs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def gcs(stage: Stage, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsThread]:
    """The same recording in Google Cloud Storage, with a service account's key."""
    with GcsThread() as gcs:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.double.url)
        installation.cache_clear()
        sealed = installation().vault.seal(gcs.key, owner=bucket_owner(stage.world.bucket.pk), field=CREDENTIAL)
        Bucket.objects.filter(pk=stage.world.bucket.pk).update(url=gcs.url, credential=sealed)
        gcs.double.bucket.create(PRINCIPAL, {"name": stage.copy.key, "contentType": "text/html"}, DATA, 0)
        yield gcs


def test_while_listening_the_bytes_of_such_a_store_pass_through_here_too(stage: Stage, gcs: GcsThread) -> None:
    answer = stage.ask(stage.world.admin, span=f"bytes={MIB}-")
    assert (answer.status_code, answer.content) == (206, DATA[MIB : 2 * MIB])
    assert (answer["Content-Type"], entries()) == ("audio/mpeg", 1)


def test_a_download_goes_by_a_link_that_opens_this_object_as_audio_for_five_minutes(
    stage: Stage, gcs: GcsThread, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = stage.ask(stage.world.admin, "download")
    assert (answer.status_code, answer["Cache-Control"]) == (302, "no-store")
    link = answer["Location"]
    assert link.startswith(gcs.double.url)
    assert "X-Goog-Expires=300&" in link
    with urlopen(Request(link, headers={"Range": "bytes=1-"}), timeout=20) as followed:
        assert hashlib.sha256(followed.read()).digest() == hashlib.sha256(DATA[1:]).digest()
        assert followed.headers["Content-Type"] == "audio/mpeg"
        assert followed.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5%B1%B1")
    assert entries("recording.download") == 1
    assert "X-Goog-Signature" not in caplog.text
    assert urlsplit(link).query not in str(list(AuditEntry.objects.values()))


def test_who_may_not_download_gets_no_link(stage: Stage, gcs: GcsThread) -> None:
    answer = stage.ask(stage.world.client(Role.VIEWER), "download")
    assert (answer.status_code, "Location" in answer) == (403, False)
    assert entries("recording.download") == 0
