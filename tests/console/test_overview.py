"""The overview: answers "are we safe?" truly, within the reader's reach, in both languages, at the same cost for any ledger."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.completeness.headline import share
from rokuon.completeness.options import fingerprint
from rokuon.completeness.unknown import Unknown
from rokuon.console.overview import read_model as overview
from rokuon.custody.models import Schedule
from rokuon.domain import placement, windows
from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.domain.work import Outcome, PlannedCall, PlannedCopy, Unread, Work
from rokuon.ledger import coverage, holds, place, reach, record, runs, unread
from rokuon.ledger.models import Copy
from rokuon.ledger.sql import ms
from rokuon.ledger.tally import Counts
from rokuon.org import services
from rokuon.org.models import Company, Office, Target
from rokuon.org.tree import zone_of
from tests.console.conftest import World

ADMIN, OFFICE_ADMIN, VIEWER = "company_admin", "office_admin", "viewer"
HOUR_MS = 3_600_000


@pytest.fixture
def ready(world: World) -> World:
    """A company that is set up."""
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    return world


def found(world: World, target: Target, count: int = 1, *, days_ago: int = 3, at: str = "") -> list[Work]:
    """So many recordings of the target, pending."""
    today = windows.day_start_ms(windows.day_of(ms(timezone.now())))
    copies = []
    for number in range(count):
        name = f"{target.pk}-{days_ago}-{at}{number}"
        started = today - days_ago * 24 * HOUR_MS + 3 * HOUR_MS + number
        key = f"call-recordings/{target.pk}/{placement.date_folder(started, zone_of(target))}/Ann - c{name} - r{name}.mp3"
        bucket = target.company.bucket_id
        assert bucket is not None
        copies.append(
            PlannedCopy(target.pk, bucket, "callrecording", f"r{name}", f"c{name}", started, 1000, "https://x/", "Ann", key, key + "2")
        )
    calls = [PlannedCall(one.target_id, one.call_id, one.started_ms, True, 1) for one in copies]
    return place.place(target.company_id, calls, copies, timezone.now())


def end(works: list[Work], state: State, reason: str = "") -> None:
    proof = {"size": 1024, "sha256": "a" * 64, "crc32c": 7, "proof": "length", "audio_ms": 1000} if state is State.VERIFIED else {}
    record.record([Outcome(one.copy_id, one.attempt, state, reason, spent=True, **proof) for one in works], timezone.now())  # type: ignore[arg-type]


def cover(*targets: Target, days: int = 95) -> None:
    now = timezone.now()
    today = windows.day_of(ms(now))
    covered = [today - timedelta(days=number) for number in range(1, days)]
    coverage.cover([target.pk for target in targets], covered, fingerprint(targets[0].company), ms(now))
    reach.extend([target.pk for target in targets], now - timedelta(days=days - 1))


def text(client: Client, url: str, **params: object) -> str:
    """What the page says, tags taken out."""
    answer = client.get(url, params)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def heading(client: Client, url: str) -> str:
    match = re.search(r"<h1>(.*?)</h1>", client.get(url).content.decode(), re.DOTALL)
    assert match
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", match[1]))).strip()


def test_before_the_set_up_the_page_leads_to_it(world: World) -> None:
    page = world.admin.get(world.url()).content.decode()
    assert "Nothing is backed up yet" in page
    assert f'href="{world.url("set-up/")}"' in page.partition("<main")[2]


def test_somebody_who_may_not_set_up_is_told_whom_to_ask(world: World) -> None:
    page = world.client(VIEWER).get(world.url()).content.decode()
    assert "Ask a company admin." in page
    assert "set-up/" not in page


def test_a_company_without_recordings_is_led_to_back_up_now(ready: World) -> None:
    page = ready.admin.get(ready.url()).content.decode()
    assert heading(ready.admin, ready.url()) == "3 of 3 contact centers and coaching teams were never listed"
    assert f'href="{ready.url("backup-now/")}"' in page.partition('class="empty"')[2]
    for office, role, offered in ((None, VIEWER, False), (ready.osaka, VIEWER, False), (ready.osaka, OFFICE_ADMIN, True)):
        shown = ready.client(role, office).get(ready.url()).content.decode()
        assert ("button primary" in shown) is offered, "only who may start one is offered it"


def test_when_all_is_well_the_page_says_so(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    end(found(ready, ready.sales, 3), State.VERIFIED)
    assert heading(ready.admin, ready.url()) == "All 3 recordings are in your bucket"
    said = text(ready.admin, ready.url())
    assert "Verified 100%" in said
    assert "Days not listed 0" in said
    assert "Failures by cause" not in said


def test_s10_recordings_with_the_weaker_proof_are_counted_and_lead_to_their_list(ready: World) -> None:
    end(found(ready, ready.sales, 3), State.VERIFIED)
    assert "by reading" not in text(ready.admin, ready.url())
    Copy.objects.filter(pk__in=Copy.objects.values("pk")[:2]).update(proof=Copy.Proof.READ_TWICE)
    assert "2 recordings were proven by reading them twice" in text(ready.admin, ready.url())
    assert "recordings/?state=read_twice" in ready.admin.get(ready.url()).content.decode()
    assert "by reading" not in text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url()), "they are of another office"


def test_a_target_that_was_never_listed_is_told_and_nothing_is_called_all(ready: World) -> None:
    cover(ready.sales, ready.trainees)
    end(found(ready, ready.sales, 3), State.VERIFIED)
    assert heading(ready.admin, ready.url()) == "1 of 3 contact centers and coaching teams was never listed"
    said = text(ready.admin, ready.url())
    assert "The 3 recordings found so far are in your bucket, verified." in said
    assert "Verified – Lost at Dialpad 0 Days not listed " in said
    tokyo = ready.client(OFFICE_ADMIN, ready.tokyo)
    assert heading(tokyo, ready.url()) == "All 3 recordings are in your bucket", "it is of another office"
    assert heading(ready.client(OFFICE_ADMIN, ready.osaka), ready.url()) == "1 of 1 contact centers and coaching teams was never listed"


def test_an_entry_that_could_not_be_read_is_told_to_its_office_and_one_of_nobody_to_each(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    end(found(ready, ready.sales, 3), State.VERIFIED)
    end(found(ready, ready.desk, 2), State.VERIFIED)
    osaka, now = ready.client(OFFICE_ADMIN, ready.osaka), timezone.now()
    entry = Unread(ready.sales.pk, "c1//", "no start", ms(now) - 50 * HOUR_MS, ms(now) - 49 * HOUR_MS, "c1")
    unread.enter(ready.company.pk, [entry], [], now)
    assert heading(ready.admin, ready.url()) == "1 entry of Dialpad's call list could not be read"
    assert heading(osaka, ready.url()) == "All 2 recordings are in your bucket"
    unread.enter(ready.company.pk, [replace(entry, target_id=None, mark="c2//", call_id="c2")], [], now)
    assert heading(osaka, ready.url()) == "1 entry of Dialpad's call list could not be read"
    unread.enter(ready.company.pk, [], ["c1", "c2"], now)
    assert heading(ready.admin, ready.url()) == "All 5 recordings are in your bucket"


def test_failures_come_first_with_cause_advice_and_a_link_to_the_recordings(ready: World) -> None:
    end(found(ready, ready.sales, 5), State.VERIFIED)
    end(found(ready, ready.sales, 2, at="f"), State.FAILED, "recording_not_audio")
    end(found(ready, ready.desk, 1, at="o"), State.FAILED, "object_occupied")
    found(ready, ready.desk, 4, at="p")
    assert heading(ready.admin, ready.url()) == "3 recordings are not backed up"
    page = ready.admin.get(ready.url()).content.decode()
    said = text(ready.admin, ready.url())
    assert "2 causes. 4 more are on their way. The other 5 are in your bucket, verified." in said
    assert "Dialpad sent something that is not MP3 audio." in said
    assert f'href="{ready.url("recordings/")}?state=failed&amp;reason=recording_not_audio"' in page
    assert "Discovered 12 Verified 5 Pending 4 Failed 3 Lost at Dialpad 0 Excluded 0" in said


def test_what_is_on_its_way_is_not_called_safe(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    found(ready, ready.sales, 2)
    assert heading(ready.admin, ready.url()) == "2 recordings are on their way to your bucket"
    assert "Verified 0.00%" in text(ready.admin, ready.url())


def test_a_bucket_that_is_not_sealed_is_named_with_what_to_do_to_those_who_see_the_whole_company(ready: World) -> None:
    page = ready.url()
    assert 'id="seals"' not in ready.admin.get(page).content.decode()
    Schedule.objects.create(bucket=ready.bucket, due_at=timezone.now(), tries=1, reason="store_unavailable")
    assert 'id="seals"' not in ready.admin.get(page).content.decode(), "it is tried again"
    Schedule.objects.update(reason="custody_occupied")
    said = text(ready.admin, page)
    assert "acme-recordings : the last seal could not be made [custody_occupied]" in said
    assert "rokuon custody continue" in said
    assert ready.url(f"settings/buckets/{ready.bucket.pk}/") in ready.admin.get(page).content.decode().partition('id="seals"')[2]
    assert 'id="seals"' not in ready.client(OFFICE_ADMIN, ready.osaka).get(page).content.decode()
    assert 'id="seals"' not in ready.admin.get(page, {"office": ready.osaka.pk}).content.decode()
    holds.open_hold(ready.company.pk, HoldOn.BUCKET, str(ready.bucket.pk), "bucket_away", "", timezone.now())
    assert 'id="seals"' not in ready.admin.get(page).content.decode(), "the hold is shown"


def test_a_hold_says_what_it_stops_why_and_when_it_is_looked_at_again(ready: World) -> None:
    found(ready, ready.sales, 2)
    holds.open_hold(ready.company.pk, HoldOn.BUCKET, str(ready.bucket.pk), "bucket_forbidden", "", timezone.now())
    assert heading(ready.admin, ready.url()) == "2 recordings are held"
    said = text(ready.admin, ready.url())
    assert "gs://acme-recordings The bucket refuses Rokuon." in said
    assert "Next check" in said


def test_calls_without_a_recording_to_fetch_are_counted(ready: World) -> None:
    end(found(ready, ready.sales), State.VERIFIED)
    place.place(ready.company.pk, [PlannedCall(ready.sales.pk, "bare", ms(timezone.now()) - 50 * HOUR_MS, True, 0)], [], timezone.now())
    assert "1 call was recorded, but Dialpad lists no recording to fetch." in text(ready.admin, ready.url())


@pytest.mark.parametrize(
    ("verified", "failed", "shown"), [(3, 0, "100"), (99_999, 1, "99.99"), (0, 4, "0.00"), (0, 0, "–"), (1, 2, "33.33")]
)
def test_the_share_is_never_rounded_up_to_all(verified: int, failed: int, shown: str) -> None:
    counts = Counts(verified=verified, failed=failed, excluded=7)
    assert share(counts, Unknown(1)) == shown
    assert share(replace(counts, gone=1), Unknown(1)) != "100"


def test_an_office_admin_sees_the_numbers_names_and_runs_of_the_own_office_only(ready: World) -> None:
    cover(ready.desk)
    end(found(ready, ready.sales, 7), State.FAILED, "recording_forbidden")
    end(found(ready, ready.desk, 2), State.VERIFIED)
    now = timezone.now()
    runs.open_run(ready.company.pk, "office", ready.tokyo.pk, [ready.sales.pk], now - timedelta(days=90), now, now, relist=False)
    osaka = ready.client(OFFICE_ADMIN, ready.osaka)
    assert heading(osaka, ready.url()) == "All 2 recordings are in your bucket"
    for url in (ready.url(), ready.url("work/")):
        said = text(osaka, url)
        assert "Acme Sales" not in said
        assert "Acme Tokyo" not in said
        assert "recording_forbidden" not in said
        assert "Running" not in said
    assert "Acme Tokyo" in text(ready.client(OFFICE_ADMIN, ready.tokyo), ready.url("work/"))


def test_a_run_of_the_whole_company_shows_an_office_its_own_part(ready: World) -> None:
    end(found(ready, ready.sales, 7), State.VERIFIED)
    found(ready, ready.desk, 2)
    now = timezone.now()
    runs.open_run(ready.company.pk, "company", 0, [ready.sales.pk, ready.desk.pk], now - timedelta(days=90), now, now, relist=False)
    assert "0 of 2 recordings are done." in text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url("work/"))
    assert "7 of 9 recordings are done." in text(ready.admin, ready.url("work/"))


def test_a_hold_on_a_bucket_of_another_office_is_not_told(ready: World) -> None:
    own = services.register_bucket(ready.company, "gs://tokyo-only")
    services.change(ready.tokyo, services.choice(ready.tokyo, own))
    holds.open_hold(ready.company.pk, HoldOn.BUCKET, str(own.pk), "bucket_missing", "", timezone.now())
    assert "gs://tokyo-only" not in text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url())
    assert "gs://tokyo-only" in text(ready.client(OFFICE_ADMIN, ready.tokyo), ready.url())
    assert "gs://tokyo-only" in text(ready.admin, ready.url())


def test_one_office_can_be_chosen_but_only_one_within_reach(ready: World) -> None:
    cover(ready.desk)
    end(found(ready, ready.sales, 7), State.VERIFIED)
    end(found(ready, ready.desk, 2), State.VERIFIED)
    assert "All 2 recordings are in your bucket" in text(ready.admin, ready.url(), office=ready.osaka.pk)
    link = f"{ready.url('recordings/')}?target={ready.desk.pk}&amp;state=verified"
    assert link in ready.admin.get(ready.url(), {"office": ready.osaka.pk}).content.decode(), "the link shows what was counted"
    for client, office in ((ready.client(OFFICE_ADMIN, ready.tokyo), ready.osaka), (ready.admin, ready.other_office)):
        assert client.get(ready.url(), {"office": office.pk}).status_code == 404
        assert client.get(ready.url("work/"), {"office": office.pk}).status_code == 404


@pytest.mark.parametrize("params", [{"office": "x"}, {"office": "9" * 40}, {"page": "999"}, {"page": "x"}, {"office": ""}])
def test_odd_addresses_show_the_page(ready: World, params: dict[str, str]) -> None:
    assert ready.admin.get(ready.url(), params).status_code == 200


def test_the_calendar_tells_each_day_in_shape_and_words(ready: World) -> None:
    cover(ready.sales, ready.trainees)
    end(found(ready, ready.sales, 2, days_ago=5), State.VERIFIED)
    end(found(ready, ready.sales, 1, days_ago=6), State.FAILED, "recording_not_audio")
    found(ready, ready.sales, 1, days_ago=7)
    page = ready.admin.get(ready.url()).content.decode()
    calendar = page.partition('<table class="calendar">')[2]
    strips = dict(re.findall(r'<th scope="row">.*?<bdi>([^<]*)</bdi></a></th>\s*<td>(.*?)</svg>', calendar, re.DOTALL))
    sales = re.findall(r"#day-(\w+)", strips["Acme Sales"])
    assert 89 <= len(sales) <= 90
    assert {state: sales.count(state) for state in ("complete", "failed", "incomplete")} == {"complete": 1, "failed": 1, "incomplete": 1}
    assert set(re.findall(r"#day-(\w+)", strips["Acme Desk"])) == {"unlisted"}
    assert set(re.findall(r"#day-(\w+)", strips["Acme Trainees"])) == {"empty", "unlisted"}, "the newest day is not over"
    assert re.search(r"<title>[^<]+ · With failures · 1 failed</title>", strips["Acme Sales"])
    assert len(re.findall(r"<a [^>]*tabindex=\"-1\"", strips["Acme Sales"])) == len(sales), "each day is a link"
    table = page.partition('class="as-table"')[2]
    assert table.count("· Incomplete · 1 waiting</a>") == 1, "by keyboard from the table"


def test_a_long_list_of_targets_is_shown_in_parts(ready: World) -> None:
    for number in range(overview.ROWS):
        Target.objects.create(
            company=ready.company, office=ready.osaka, kind="callcenter", dialpad_id=f"9{number}", name=f"Desk {number:02}", backed_up=True
        )
    first, second = text(ready.admin, ready.url()), text(ready.admin, ready.url(), page=2)
    assert "1 to 25 of 28" in first and "Acme Trainees" not in first
    assert "26 to 28 of 28" in second and "Acme Trainees" in second


def test_more_targets_cost_no_more_statements(ready: World, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    admin = ready.admin
    end(found(ready, ready.sales, 2), State.FAILED, "recording_not_audio")
    for number in range(30):
        office = Office.objects.create(company=ready.company, dialpad_id=f"8{number}", name=f"Office {number}", timezone="Asia/Tokyo")
        Target.objects.create(
            company=ready.company, office=office, kind="callcenter", dialpad_id=f"9{number}", name=f"Desk {number}", backed_up=True
        )
    with django_assert_max_num_queries(57):
        admin.get(ready.url())


def test_hostile_names_are_text_and_no_style_or_script_is_inline(ready: World) -> None:
    Target.objects.filter(pk=ready.sales.pk).update(name="<script>alert(1)</script>\u202e")
    end(found(ready, ready.sales), State.FAILED, "<b>odd")
    page = ready.admin.get(ready.url()).content.decode()
    assert "<script>alert" not in page
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;\u202e</bdi>" in page
    assert "&lt;b&gt;odd" in page and "<b>odd" not in page
    assert not re.search(r"\sstyle=|\son\w+=", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_the_page_speaks_japanese(ready: World) -> None:
    end(found(ready, ready.sales, 2), State.VERIFIED)
    end(found(ready, ready.sales, 1, at="f"), State.FAILED, "recording_not_audio")
    client = ready.admin
    client.cookies["rokuon_language"] = "ja"
    said = text(client, ready.url()).replace("gs://acme-recordings", "")
    assert "1 件の録音がバックアップされていません" in said
    assert "原因は 1 件です。ほかの 2 件は、検証済みでバケットにあります。" in said
    for english in ("verified", "Failed", "Coverage", "Discovered", "recordings"):
        assert english not in said


def test_the_live_part_tells_rate_and_time_left(ready: World) -> None:
    end(found(ready, ready.sales, 30), State.VERIFIED)
    found(ready, ready.sales, 60, at="p")
    said = text(ready.admin, ready.url("work/"))
    assert "Pending 60" in said
    assert "a second, in the last minute 0.5" in said
    assert "time left at this rate 2 min 0 s" in said
    assert 'hx-trigger="every 2s"' in ready.admin.get(ready.url("work/")).content.decode()


def test_what_dialpad_will_not_hand_out_for_much_longer_is_said_with_a_way_to_it(ready: World) -> None:
    end(found(ready, ready.sales, 3, days_ago=42), State.FAILED, "recording_not_audio")
    found(ready, ready.desk, 2, days_ago=41)
    end(found(ready, ready.sales, 1, days_ago=50), State.FAILED, "recording_not_audio")
    end(found(ready, ready.sales, 4, days_ago=43), State.VERIFIED)
    found(ready, ready.sales, 1, days_ago=2, at="late")
    assert "unreachable at Dialpad" not in text(ready.admin, ready.url()), "where no window is set nothing ends"
    Company.objects.filter(pk=ready.company.pk).update(access_window_days=45)
    browser = ready.admin
    page = text(browser, ready.url())
    assert "5 recordings that are not backed up become unreachable at Dialpad in the next 7 days." in page
    assert "1 recording that is not backed up is past that time" in page
    links = re.findall(r'href="([^"]*since=[^"]*)">Show those', unescape(browser.get(ready.url()).content.decode()))
    assert [len(re.findall(r'href="[^"]*/recordings/\d+/"', browser.get(link).content.decode())) for link in links] == [3, 2]


def test_an_office_is_warned_of_its_own_recordings_alone(ready: World) -> None:
    Company.objects.filter(pk=ready.company.pk).update(access_window_days=45)
    end(found(ready, ready.sales, 3, days_ago=42), State.FAILED, "recording_not_audio")
    end(found(ready, ready.desk, 1, days_ago=42), State.FAILED, "recording_not_audio")
    page = text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url())
    assert "1 recording that is not backed up becomes unreachable" in page
    assert "3 recordings that are not" not in page


def test_a_day_that_is_open_for_an_entry_leads_to_the_entry_and_one_for_a_call_to_the_call(ready: World) -> None:
    cover(ready.sales)
    start = ms(timezone.now()) - 50 * HOUR_MS
    unread.enter(ready.company.pk, [Unread(ready.sales.pk, "7//", "no start", start, start + 1, "7")], [], timezone.now())
    page = unescape(ready.admin.get(ready.url()).content.decode())
    assert "Incomplete · an entry of the list could not be read" in page
    assert page.count(f'<a href="{ready.url("failures/")}#not-known" tabindex="-1">') == 1
    unread.enter(ready.company.pk, [], ["7"], timezone.now())
    assert "#not-known" not in ready.admin.get(ready.url()).content.decode()
    place.place(ready.company.pk, [PlannedCall(ready.sales.pk, "c7", start, True, 0)], [], timezone.now())
    assert ready.admin.get(ready.url()).content.decode().count(f'<a href="{ready.url("failures/nothing-to-fetch/")}" tabindex="-1">') == 1
