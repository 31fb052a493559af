"""The page Recordings, and the page of one recording."""

import html
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds
from rokuon.ledger.models import Copy
from rokuon.org.models import Office

from .conftest import Role, World
from .copies import HOSTILE, STARTED, add_copy

FAILED = {"state": "failed", "reason": "recording_not_audio", "tries": 8}


def shown(browser: Client, url: str, status: int = 200) -> str:
    answer = browser.get(url, follow=True)
    assert answer.status_code == status
    return answer.content.decode()


def linked(page: str) -> list[int]:
    """The recordings that the page names, in its order."""
    return [int(number) for number in re.findall(r'/recordings/(\d+)/"', page)]


def words(page: str) -> str:
    """What a reader sees of it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.split("<main")[1])).split())


def test_the_newest_call_comes_first_with_its_state_and_its_place_in_the_bucket(world: World) -> None:
    old = add_copy(world.sales, world.bucket, 1)
    new = add_copy(world.desk, world.bucket, 2, started=STARTED + timedelta(days=1), **FAILED)
    page = shown(world.admin, world.url("recordings/"))
    assert linked(page) == [new.pk, old.pk]
    text = words(page)
    assert "Failed Dialpad sent something that is not MP3 audio" in text
    assert "Verified" in text
    assert old.key.replace("/", " / ") in text
    assert "2026-04-02 00:30 Asia/Tokyo" in text


def test_without_recordings_the_page_says_what_will_be_here(world: World) -> None:
    text = words(shown(world.admin, world.url("recordings/")))
    assert "There is no recording yet" in text
    assert "Back up now" in text


def test_a_search_that_finds_nothing_says_so(world: World) -> None:
    add_copy(world.sales, world.bucket, 1)
    assert "No recording fits this search" in words(shown(world.admin, world.url("recordings/?agent=nobody")))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("agent=ANN", [1, 2]),
        ("agent=ﾔﾏﾀﾞ", [3]),
        ("state=failed", [2]),
        ("state=read_twice", [3]),
        ("reason=recording_not_audio", [2]),
        ("reason=recording_not_audio&state=verified", []),
        ("call=5012003", [3]),
        ("recording=6755001", [1]),
        ("recording=%20 6755001 ", [1]),
        ("since=2026-04-03", [2, 3]),
        ("until=2026-04-02", [1]),
        ("since=2026-04-03&until=2026-04-03", [2]),
    ],
)
def test_each_filter_finds_what_it_names(world: World, query: str, found: list[int]) -> None:
    copies = {
        1: add_copy(world.sales, world.bucket, 1),
        2: add_copy(world.sales, world.bucket, 2, started=STARTED + timedelta(days=1), **FAILED),
        3: add_copy(world.desk, world.bucket, 3, started=STARTED + timedelta(days=2), agent="ヤマダ タロウ", proof="read_twice"),
    }
    page = shown(world.admin, world.url("recordings/?" + query))
    assert sorted(linked(page)) == [copies[number].pk for number in found]


def test_days_are_those_of_each_targets_own_zone(world: World) -> None:
    """15:30 UTC is the next day in Tokyo, and the same day in New York."""
    here = add_copy(world.sales, world.bucket, 1)
    Office.objects.filter(pk=world.osaka.pk).update(timezone="America/New_York")
    there = add_copy(world.desk, world.bucket, 2)
    assert linked(shown(world.admin, world.url("recordings/?since=2026-04-02"))) == [here.pk]
    assert linked(shown(world.admin, world.url("recordings/?until=2026-04-01"))) == [there.pk]


def test_several_targets_can_be_asked_for(world: World) -> None:
    copies = [add_copy(target, world.bucket, number) for number, target in enumerate((world.sales, world.trainees, world.desk))]
    page = shown(world.admin, world.url(f"recordings/?target={world.sales.pk}&target={world.desk.pk}"))
    assert sorted(linked(page)) == [copies[0].pk, copies[2].pk]
    assert len(re.findall(r'name="target" value="\d+" checked>', page)) == 2


def test_an_address_leaves_out_what_was_not_filled_in(world: World) -> None:
    answer = world.admin.get(world.url("recordings/?agent=&state=failed&since=&call="))
    assert (answer.status_code, answer["Location"]) == (302, world.url("recordings/?state=failed"))


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-04-02&until=2026-04-01",
        "state=lost",
        "reason=x",
        "since=0001-01-01",
        "target=999999",
        "target=x",
        "agent=" + "x" * 101,
        "agent=%00",
        "call=%00",
    ],
)
def test_a_search_that_makes_no_sense_is_shown_again_and_says_why(world: World, query: str) -> None:
    add_copy(world.sales, world.bucket, 1)
    page = shown(world.admin, world.url("recordings/?" + query), 422)
    assert linked(page) == []
    assert 'class="error"' in page


def test_pages_lead_to_older_and_back_and_keep_the_search(world: World) -> None:
    copies = [add_copy(world.sales, world.bucket, number, started=STARTED + timedelta(minutes=number)).pk for number in range(120)][::-1]
    browser, url = world.admin, world.url("recordings/?agent=ann")
    first = shown(browser, url)
    older = html.unescape(re.search(r'rel="next" href="([^"]*)"', first)[1])  # type: ignore[index]
    second = shown(browser, world.url("recordings/") + older)
    assert (linked(first), linked(second)) == (copies[:50], copies[50:100])
    assert "agent=ann" in older
    assert 'rel="prev"' not in first
    newer = html.unescape(re.search(r'rel="prev" href="([^"]*)"', second)[1])  # type: ignore[index]
    assert linked(shown(browser, world.url("recordings/") + newer)) == copies[:50]


def test_a_cursor_of_somebodys_own_making_leads_to_the_first_page(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1)
    for cursor in ("x", "AAAA", "é", "1e9", "A" * 400):
        assert linked(shown(world.admin, world.url(f"recordings/?agent=ann&page={quote(cursor)}"))) == [copy.pk]


def test_an_office_sees_its_own_recordings_and_filters_only(world: World) -> None:
    mine = add_copy(world.sales, world.bucket, 1)
    theirs = add_copy(world.desk, world.bucket, 2, state="failed", reason="recording_empty")
    browser = world.client(Role.OFFICE_ADMIN, world.tokyo)
    page = shown(browser, world.url("recordings/"))
    assert linked(page) == [mine.pk]
    assert "Desk" not in page
    assert "recording_empty" not in page
    assert linked(shown(browser, world.url("recordings/?recording=6755002"))) == []
    assert shown(browser, world.url(f"recordings/?target={world.desk.pk}"), 422)
    assert browser.get(world.url(f"recordings/{theirs.pk}/")).status_code == 404
    assert browser.get(world.url(f"recordings/{mine.pk}/")).status_code == 200


def test_a_recording_of_another_company_is_not_there(world: World) -> None:
    other = add_copy(world.other_target, world.bucket, 1)
    assert world.admin.get(world.url(f"recordings/{other.pk}/")).status_code == 404
    assert world.admin.get(world.url(f"recordings/{other.pk + 1}/")).status_code == 404
    assert world.admin.get(world.url(f"recordings/{10**30}/")).status_code == 404


def test_a_verified_recording_shows_its_proofs(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1, data=b"123456789", tries=1)
    text = words(shown(world.admin, world.url(f"recordings/{copy.pk}/")))
    for proof in (
        copy.sha256,
        "4waSgw==",
        "1775000000000001",
        copy.key.replace("/", " / "),
        "gs://acme-recordings",
        "9 bytes",
        "1 min 0 s",
        "Dialpad lists 1 min 1 s",
    ):
        assert proof in text
    assert "from the first frame to the last" in text
    assert "2026-04-02 00:30 Asia/Tokyo" in text


@pytest.mark.parametrize(
    ("changes", "badge", "says"),
    [
        ({"state": "failed", "reason": "recording_not_audio"}, "Failed", "Play the recording in Dialpad"),
        ({"state": "gone", "reason": "recording_gone"}, "Lost at Dialpad", "Nothing can be copied"),
        ({"state": "excluded", "reason": "rule_disabled"}, "Excluded", "when the rule is enabled again"),
        ({"state": "excluded", "reason": "run_cancelled"}, "Excluded", "The next Back up now takes it up again"),
        ({"state": "excluded", "reason": "bucket_changed"}, "Excluded", "has its own line for that bucket"),
        ({"state": "excluded", "reason": "kind_not_chosen"}, "Excluded", "when the kind is chosen"),
        ({"state": "pending"}, "Pending", "Nothing has to be done"),
        ({"state": "pending", "reason": "recording_not_ready"}, "Pending", "asks again for 24 hours"),
        ({"state": "pending", "reason": "store_unavailable"}, "Pending", "tries again automatically"),
        ({"state": "failed", "reason": "a_code_of_tomorrow"}, "Failed", "Report this"),
    ],
)
def test_every_state_says_why_and_what_to_do_and_offers_nothing_to_play(
    world: World, changes: dict[str, str], badge: str, says: str
) -> None:
    copy = add_copy(world.sales, world.bucket, 1, **changes)
    page = shown(world.admin, world.url(f"recordings/{copy.pk}/"))
    assert f"{badge} " in words(page)
    assert says in words(page)
    assert "<audio" not in page
    assert badge in words(shown(world.admin, world.url("recordings/")))


@pytest.mark.parametrize(
    ("on", "ref", "says"),
    [
        (HoldOn.SOURCE, "", "On hold"),
        (HoldOn.KIND, "callrecording", "On hold"),
        (HoldOn.BUCKET, "own", "On hold"),
        (HoldOn.BUCKET, "999999", "Pending"),
        (HoldOn.KIND, "voicemail", "Pending"),
    ],
)
def test_what_a_hold_stops_is_said_to_be_held_and_why(world: World, on: HoldOn, ref: str, says: str) -> None:
    copy = add_copy(world.sales, world.bucket, 1, state="pending")
    holds.open_hold(world.company.pk, on, str(world.bucket.pk) if ref == "own" else ref, "bucket_forbidden", "", STARTED)
    text = words(shown(world.admin, world.url(f"recordings/{copy.pk}/")))
    assert says in text
    assert ("The bucket refuses Rokuon" in text) == (says == "On hold")


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_text_and_stays_in_its_place(world: World, name: str) -> None:
    copy = add_copy(world.sales, world.bucket, 1, agent=name, key=f"call-recordings/{name.replace('/', '／')}/2026-04-02/x.mp3")
    for url in (world.url("recordings/"), world.url(f"recordings/{copy.pk}/"), world.url(f"recordings/?agent={quote(name[:100])}")):
        page = shown(world.admin, url)
        assert f"<bdi>{html.escape(name)}</bdi>" in page
        assert name == html.escape(name) or name not in page


def test_listening_is_offered_to_who_may_and_downloading_to_who_may(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1)
    url = world.url(f"recordings/{copy.pk}/")
    viewer, admin = shown(world.client(Role.VIEWER), url), shown(world.admin, url)
    assert f'src="{url}play"' in viewer
    assert "nodownload" in viewer
    assert f"{url}download" not in viewer
    assert f"{url}download" in admin
    assert "nodownload" not in admin


def test_the_pages_speak_japanese(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1)
    browser = world.admin
    browser.cookies["rokuon_language"] = "ja"
    for url, said in ((world.url("recordings/"), "検証済み"), (world.url(f"recordings/{copy.pk}/"), "監査ログ")):
        assert said in shown(browser, url)


def test_a_verified_recording_says_first_try_and_counts_no_zeros(world: World) -> None:
    at_once = words(shown(world.admin, world.url(f"recordings/{add_copy(world.sales, world.bucket, 1).pk}/")))
    assert "Backed up at the first try" in at_once
    later = words(shown(world.admin, world.url(f"recordings/{add_copy(world.sales, world.bucket, 2, tries=2, attempt=3).pk}/")))
    for page in (at_once, later):
        assert "of state" not in page
    assert "at the first try" not in later
    failed = add_copy(world.sales, world.bucket, 3, state="failed", reason="recording_forbidden", tries=2, attempt=3)
    assert "2 3 changes of state" in words(shown(world.admin, world.url(f"recordings/{failed.pk}/")))


def test_the_tail_of_an_error_is_folded_away_and_marked_as_english(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1, state="failed", reason="bucket_missing", detail="404 notFound")
    page = shown(world.admin, world.url(f"recordings/{copy.pk}/"))
    tail = re.search("<details[^>]*><summary>Technical details</summary>(.*?)</details>", page, re.DOTALL)
    assert tail is not None
    assert '<bdi lang="en">404 notFound</bdi>' in tail[1]
    without = add_copy(world.sales, world.bucket, 2, state="failed", reason="bucket_missing")
    assert "Technical details" not in shown(world.admin, world.url(f"recordings/{without.pk}/"))


def test_looking_changes_nothing(world: World) -> None:
    copy = add_copy(world.sales, world.bucket, 1)
    before = Copy.objects.values().get()
    shown(world.admin, world.url(f"recordings/{copy.pk}/"))
    assert Copy.objects.values().get() == before
