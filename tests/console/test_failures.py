"""The failure desk (M12): failures by cause, retry, closing, the way to watch a retry, the export (rows Q36, Q37)."""

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry, Person
from rokuon.actions.failures import LONGEST_NOTE
from rokuon.ledger.models import Call, Closing, Copy, Recording, Retry
from rokuon.notify.models import Notice
from rokuon.org.models import Target

from .conftest import Role, World
from .test_overview import cover

START = datetime(2026, 4, 1, 1, 2, tzinfo=UTC)


@pytest.fixture
def failed(world: World) -> dict[str, Copy]:
    """In Tokyo two forbidden buckets and one that is gone, in Osaka one forbidden; one at the other company."""
    made = {}
    for number, (name, target, state, reason) in enumerate(
        [
            ("one", world.sales, "failed", "bucket_forbidden"),
            ("two", world.trainees, "failed", "bucket_forbidden"),
            ("osaka", world.desk, "failed", "bucket_forbidden"),
            ("html", world.sales, "failed", "recording_not_audio"),
            ("gone", world.sales, "gone", "recording_gone"),
            ("other", world.other_target, "failed", "bucket_forbidden"),
        ]
    ):
        made[name] = copy_of(target, number, state, reason)
    return made


def copy_of(target: Target, number: int, state: str, reason: str, agent: str = "Ann") -> Copy:
    bucket = target.company.buckets.get()
    start = START + timedelta(minutes=number)
    recording = Recording.objects.create(
        company=target.company, kind="callrecording", recording_id=f"r{number}", call_id=f"call{number}", call_started_at=start, url=""
    )
    return Copy.objects.create(
        company=target.company,
        recording=recording,
        target=target,
        bucket=bucket,
        call_started_at=start,
        key=f"call-recordings/F/2026-04-01/k{number}.mp3",
        agent=agent,
        state=state,
        reason=reason,
    )


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def states() -> dict[str, str]:
    return dict(Copy.objects.values_list("recording__recording_id", "state"))


def test_failures_are_grouped_by_cause_with_the_fix_in_words(world: World, failed: dict[str, Copy]) -> None:
    page = text(world.admin, world.url("failures/"))
    assert "4 recordings are not backed up" in page
    assert "2 causes." in page
    assert "bucket_forbidden" in page
    assert "recording_not_audio" in page
    assert "2026-04-01 10:02" in page, "the call start on the wall of Asia/Tokyo"
    assert "Lost at Dialpad" in page


def test_an_office_admin_sees_and_retries_the_failures_of_the_office_alone(world: World, failed: dict[str, Copy]) -> None:
    browser = world.client(Role.OFFICE_ADMIN, world.osaka)
    page = text(browser, world.url("failures/"))
    assert "1 recording is not backed up" in page
    assert "Acme Sales" not in page
    assert "bucket_forbidden" in page
    assert "recording_not_audio" not in page, "a cause of another office"
    assert "Lost at Dialpad" not in page
    of_cause = text(browser, world.url("failures/failed/bucket_forbidden/"))
    assert re.findall(r"recordings/(\d+)/", of_cause) == [str(failed["osaka"].pk)]
    browser.post(world.url("failures/retry/"), {"what": "all"})
    assert states() == {"r0": "failed", "r1": "failed", "r2": "pending", "r3": "failed", "r4": "gone", "r5": "failed"}


def test_retrying_a_cause_takes_that_cause_and_no_other(world: World, failed: dict[str, Copy]) -> None:
    answer = world.admin.post(world.url("failures/retry/"), {"what": "cause", "state": "failed", "reason": "bucket_forbidden"})
    assert answer.status_code == 303
    assert states() == {"r0": "pending", "r1": "pending", "r2": "pending", "r3": "failed", "r4": "gone", "r5": "failed"}
    assert AuditEntry.objects.get().after == {"copies": 3, "state": "failed", "reason": "bucket_forbidden"}


def test_chosen_recordings_are_retried_also_what_was_gone(world: World, failed: dict[str, Copy]) -> None:
    world.admin.post(world.url("failures/retry/"), {"copy": [failed["one"].pk, failed["gone"].pk]})
    assert (states()["r0"], states()["r4"], states()["r1"]) == ("pending", "pending", "failed")


def test_retry_all_leaves_out_what_is_gone_or_closed(world: World, failed: dict[str, Copy]) -> None:
    browser = world.admin
    browser.post(world.url("failures/close/"), {"copy": [failed["one"].pk], "note": "a test call"})
    browser.post(world.url("failures/retry/"), {"what": "all"})
    assert states() == {"r0": "failed", "r1": "pending", "r2": "pending", "r3": "pending", "r4": "gone", "r5": "failed"}


def test_somebody_elses_recording_is_not_retried_by_its_number(world: World, failed: dict[str, Copy]) -> None:
    for browser in (world.admin, world.client(Role.OFFICE_ADMIN, world.tokyo)):
        browser.post(world.url("failures/retry/"), {"copy": [failed["other"].pk]})
    world.client(Role.OFFICE_ADMIN, world.tokyo).post(world.url("failures/retry/"), {"copy": [failed["osaka"].pk]})
    assert {states()["r5"], states()["r2"]} == {"failed"}
    assert not Retry.objects.exists()


def test_a_viewer_looks_and_does_not_touch(world: World, failed: dict[str, Copy]) -> None:
    browser = world.client(Role.VIEWER)
    assert "Retry" not in text(browser, world.url("failures/"))
    assert browser.post(world.url("failures/retry/"), {"what": "all"}).status_code == 403
    assert browser.post(world.url("failures/export/")).status_code == 403
    assert "pending" not in states().values()


def test_a_retry_is_watched_until_its_end(world: World, failed: dict[str, Copy]) -> None:
    browser = world.admin
    page = browser.post(world.url("failures/retry/"), {"what": "all"})["Location"]
    assert "4 recordings are tried again" in text(browser, page)
    assert "hx-trigger" in text(browser, page)
    Copy.objects.filter(state="pending").update(state="failed", reason="bucket_forbidden", due_at=None)
    assert "hx-trigger" not in text(browser, page + "progress/")
    assert world.client(Role.COMPANY_ADMIN, company=world.other).get(page).status_code == 404


def test_another_offices_retry_is_not_there(world: World, failed: dict[str, Copy]) -> None:
    page = world.client(Role.OFFICE_ADMIN, world.osaka).post(world.url("failures/retry/"), {"what": "all"})["Location"]
    assert world.client(Role.OFFICE_ADMIN, world.tokyo).get(page).status_code == 404


def test_closing_needs_a_reason_and_counts_as_explained(world: World, failed: dict[str, Copy]) -> None:
    browser = world.admin
    which = {"what": "cause", "state": "failed", "reason": "bucket_forbidden"}
    browser.post(world.url("failures/close/"), which | {"note": "  "})
    assert not Closing.objects.exists()
    browser.post(world.url("failures/close/"), which | {"note": "the trial bucket is history"})
    assert Closing.objects.count() == 3
    assert "1 recording is not backed up" in text(browser, world.url("failures/"))
    assert "the trial bucket is history" in text(browser, world.url("failures/failed/bucket_forbidden/"))


def test_a_note_is_cut_to_the_room_that_pages_and_audit_log_have(world: World, failed: dict[str, Copy]) -> None:
    world.admin.post(world.url("failures/close/"), {"copy": [failed["one"].pk], "note": " " + "x" * (LONGEST_NOTE + 100)})
    assert Closing.objects.get().note == "x" * LONGEST_NOTE
    assert AuditEntry.objects.get(action="failure.close").after["note"] == "x" * LONGEST_NOTE  # type: ignore[index]


def test_somebody_elses_recording_is_not_closed_by_its_number(world: World, failed: dict[str, Copy]) -> None:
    for browser in (world.admin, world.client(Role.OFFICE_ADMIN, world.tokyo)):
        browser.post(world.url("failures/close/"), {"copy": [failed["other"].pk], "note": "not mine"})
    world.client(Role.OFFICE_ADMIN, world.tokyo).post(world.url("failures/close/"), {"copy": [failed["osaka"].pk], "note": "not mine"})
    assert not Closing.objects.exists()


def test_what_fails_again_after_it_was_closed_is_open_again(world: World, failed: dict[str, Copy]) -> None:
    browser = world.admin
    browser.post(world.url("failures/close/"), {"copy": [failed["html"].pk], "note": "known"})
    Copy.objects.filter(pk=failed["html"].pk).update(changed_at=timezone.now() + timedelta(minutes=1))
    assert "4 recordings are not backed up" in text(browser, world.url("failures/"))


def test_what_was_closed_can_be_opened_again_and_that_is_audited(world: World, failed: dict[str, Copy]) -> None:
    browser = world.admin
    page = world.url("failures/failed/bucket_forbidden/")
    assert "Re-open" not in text(browser, page)
    browser.post(world.url("failures/close/"), {"copy": [failed["one"].pk], "note": "known"})
    assert "Re-open the selected ones" in text(browser, page)
    world.client(Role.OFFICE_ADMIN, world.osaka).post(world.url("failures/reopen/"), {"copy": [failed["one"].pk]})
    assert Closing.objects.exists(), "another office's closing is not theirs to take back"
    assert world.client(Role.VIEWER).post(world.url("failures/reopen/"), {"copy": [failed["one"].pk]}).status_code == 403
    browser.post(world.url("failures/reopen/"), {"copy": [failed["one"].pk], "state": "failed", "reason": "bucket_forbidden"})
    assert not Closing.objects.exists()
    assert AuditEntry.objects.get(action="failure.reopen").after == {"copies": 1, "recordings": ["r0"]}
    assert "4 recordings are not backed up" in text(browser, world.url("failures/"))


def test_nothing_chosen_changes_nothing(world: World, failed: dict[str, Copy]) -> None:
    world.admin.post(world.url("failures/retry/"), {})
    world.admin.post(world.url("failures/close/"), {"note": "x"})
    assert world.admin.post(world.url("failures/retry/"), {"copy": ["1 OR 1=1"]}).status_code == 403
    assert not Retry.objects.exists()
    assert not Closing.objects.exists()


def test_q36_q37_the_export_is_bounded_audited_and_not_kept_on_the_way(world: World, failed: dict[str, Copy]) -> None:
    copy_of(world.desk, 9, "failed", "bucket_forbidden", agent="=cmd|' /C calc'!A0")
    answer = world.client(Role.OFFICE_ADMIN, world.osaka).post(world.url("failures/export/"))
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = content.split("\r\n")[1:-1]
    assert len([row for row in rows if not row.endswith('"days_never_listed"')]) == 2
    assert "\"'=cmd|' /C calc'!A0\"" in content
    assert "Acme Sales" not in content
    assert answer["Cache-Control"] == "no-store"
    assert AuditEntry.objects.get(action="failure.export").after == {"rows": 2}


def test_with_nothing_failed_the_page_says_what_would_be_here(world: World) -> None:
    cover(world.sales, world.trainees, world.desk)
    page = text(world.admin, world.url("failures/"))
    assert "No recording was found yet" in page
    assert "What fails appears here by cause" in page
    assert world.admin.get(world.url("failures/failed/bucket_forbidden/")).status_code == 303


def test_c15_the_page_of_a_cause_stops_its_reminders_in_the_offices_within_reach(world: World, failed: dict[str, Copy]) -> None:
    now = timezone.now()
    for office in (world.tokyo, world.osaka):
        Notice.objects.create(
            company=world.company, office=office, kind="failed", cause="bucket_forbidden", count=2, since=now, told_at=now
        )
    url, form = world.url("failures/failed/bucket_forbidden/"), {"state": "failed", "reason": "bucket_forbidden"}
    assert world.client(Role.VIEWER).post(world.url("failures/acknowledge/"), form).status_code == 403
    osaka = world.client(Role.OFFICE_ADMIN, world.osaka)
    page = text(osaka, url)
    assert "Stop reminders" in page
    assert "Acme Tokyo" not in page
    assert osaka.post(world.url("failures/acknowledge/"), form)["Location"] == url
    assert set(Notice.objects.exclude(acknowledged_at=None).values_list("office_id", flat=True)) == {world.osaka.pk}
    page = text(osaka, url)
    assert "Stop reminders" not in page
    assert "stopped by" in page
    assert AuditEntry.objects.get().after == {"kind": "failed", "reason": "bucket_forbidden"}
    assert set(Copy.objects.filter(target=world.desk).values_list("state", flat=True)) == {"failed"}, "it stays red"


@pytest.mark.parametrize("form", [{}, {"state": "failed"}, {"state": "hold", "reason": "bucket_forbidden"}, {"state": "\0", "reason": "x"}])
def test_reminders_of_what_is_no_cause_are_not_stopped(world: World, failed: dict[str, Copy], form: dict[str, str]) -> None:
    Notice.objects.create(company=world.company, kind="hold", cause="bucket_forbidden", since=timezone.now())
    assert world.admin.post(world.url("failures/acknowledge/"), form).status_code == 303
    assert not Notice.objects.exclude(acknowledged_at=None).exists()


def test_what_waits_stands_in_a_part_of_its_own_with_its_next_try(world: World, failed: dict[str, Copy]) -> None:
    due = timezone.now() + timedelta(days=2)
    for number, reason in ((10, "recording_truncated"), (11, "")):
        waits = copy_of(world.sales, number, "failed", "x")
        Copy.objects.filter(pk=waits.pk).update(state="pending", reason=reason, due_at=due)
    page = text(world.admin, world.url("failures/"))
    part = page.partition("Waiting for a try")[2]
    assert "4 recordings are not backed up" in page, "what waits is no failure"
    assert "The audio ended early" in part
    assert "Next try" in part
    assert f"{due:%Y-%m-%d}" in part or f"{due + timedelta(hours=9):%Y-%m-%d}" in part
    assert "bucket_forbidden" not in part
    cause = text(world.admin, world.url("failures/pending/recording_truncated/"))
    assert "call10" in cause
    assert "Try the selected ones now" in cause
    queued = text(world.admin, world.url("failures/pending/queued/"))
    assert "call11" in queued
    assert "call10" not in queued
    world.admin.post(world.url("failures/retry/"), {"what": "cause", "state": "pending", "reason": "recording_truncated"})
    assert Copy.objects.get(recording__recording_id="r10").due_at < due  # type: ignore[operator]


def test_the_export_holds_what_waits_and_calls_with_nothing_to_fetch(world: World, failed: dict[str, Copy]) -> None:
    waits = copy_of(world.sales, 10, "failed", "x")
    Copy.objects.filter(pk=waits.pk).update(state="pending", reason="recording_truncated", due_at=timezone.now() + timedelta(days=2))
    Call.objects.create(target=world.sales, call_id="ghost", started_at=START, was_recorded=True, recordings=0)
    answer = world.admin.post(world.url("failures/export/"))
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    # Headings, failures, what waits, the call, and the days of three targets that nobody asked for yet.
    assert content.count("\r\n") == 1 + 5 + 1 + 1 + 3
    assert "recording_truncated" in content
    assert "ghost" in content


@pytest.mark.parametrize(("chosen", "word"), [("ja", "失敗"), ("en", "Failed")])
def test_every_row_of_the_export_speaks_the_persons_language_whatever_the_browsers(
    world: World, failed: dict[str, Copy], chosen: str, word: str
) -> None:
    """The rows are written when the view has long returned, and with it the language of the request."""
    browser = Client(headers={"accept-language": "en" if chosen == "ja" else "ja"})
    person = world.person(Role.COMPANY_ADMIN)
    Person.objects.filter(pk=person.pk).update(language=chosen)
    browser.force_login(person)
    answer = browser.post(world.url("failures/export/"))
    assert isinstance(answer, StreamingHttpResponse)
    head, *rows = csv.reader(StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))  # type: ignore[arg-type]
    assert head[0] == ("状態" if chosen == "ja" else "State")
    assert {row[0] for row in rows if row[-1] == "bucket_forbidden"} == {word}
