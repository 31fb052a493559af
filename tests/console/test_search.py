"""The search field of every page: it understands what is typed, says how, and finds what this person may see."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from rokuon.console.web.installation import installation
from rokuon.domain.other_party import ListedParty, PartyDetail, keeper
from rokuon.ledger.models import Copy, OtherParty
from rokuon.org.models import Company, Office
from rokuon.wiring import other_party

from .conftest import Role, World
from .copies import HOSTILE, add_copy, install
from .test_recordings import linked, words

NUMBER = "+819012345678"


@pytest.fixture
def installed(world: World, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    install(outer, embedded_dsn, monkeypatch)
    yield world
    installation.cache_clear()


def sought(browser: Client, world: World, text: str) -> str:
    """The page that the field leads to."""
    answer = browser.post(world.url("search/"), {"q": text})
    assert answer.status_code == 303
    page = browser.get(answer["Location"])
    assert page.status_code == 200
    return page.content.decode()


def with_party(world: World, copy: Copy, number: str = NUMBER, detail: PartyDetail = PartyDetail.MASKED) -> None:
    kept = keeper(detail, other_party.number_key(world.company, installation().vault))(ListedParty("inbound", number, "山田 太郎"))
    assert kept is not None
    OtherParty.objects.create(
        recording=copy.recording, company=world.company, detail=detail, direction=kept.direction, number_hash=kept.number_hash,
        ending=kept.ending, number=kept.number, name=kept.name,
    )  # fmt: skip


@pytest.mark.parametrize("page", ["", "recordings/", "failures/", "rules/", "settings/", "backup-now/", "notices/", "search/"])
def test_every_page_has_the_field(world: World, page: str) -> None:
    shown = world.client(Role.VIEWER).get(world.url(page)).content.decode()
    assert f'action="{world.url("search/")}"' in shown
    assert '<label class="visually-hidden" for="find">' in shown


@pytest.mark.parametrize(
    ("text", "read_as"),
    [("5012001", "Call ID"), ("6755001", "Recording ID"), ("山田太郎", "Agent"), ("太郎 山田", "Agent"), ("2026-04-02", "Date"),
     ("２０２６年４月２日（木）", "Date"), ("令和8年4月2日", "Date"), ("2026年4月", "Date")],
)  # fmt: skip
def test_the_page_says_how_it_understood_the_text_and_shows_what_it_found(installed: World, text: str, read_as: str) -> None:
    copy = add_copy(installed.sales, installed.bucket, 1, agent="山田 太郎")
    before = copy.call_started_at.replace(year=2025)
    add_copy(installed.sales, installed.bucket, 2, agent="Ann", started=before, key="call-recordings/Acme Sales/2025-04-02/2.mp3")
    page = sought(installed.admin, installed, text)
    assert linked(page) == [copy.pk]
    assert f"{read_as}" in words(page)
    assert "1 recording was found" in words(page)
    assert '<h2 id="reading-' in page


@pytest.mark.parametrize("typed", ["090-1234-5678", "+81 90 1234 5678", "０９０１２３４５６７８"])
def test_a_phone_number_finds_its_call_and_is_not_in_the_address(installed: World, typed: str) -> None:
    copy = add_copy(installed.sales, installed.bucket, 1)
    with_party(installed, copy)
    with_party(installed, add_copy(installed.sales, installed.bucket, 2), "+819012345679")
    browser = installed.admin
    answer = browser.post(installed.url("search/"), {"q": typed})
    assert set(parse_qs(urlsplit(answer["Location"]).query)) == {"s"}, "encrypted"
    assert not re.search(
        r"1234|5678|%EF", answer["Location"].partition("?")[2].replace(parse_qs(urlsplit(answer["Location"]).query)["s"][0], "")
    )
    page = browser.get(answer["Location"]).content.decode()
    assert linked(page) == [copy.pk]
    text = words(page)
    assert "Phone number : 1 recording" in text.replace("  ", " ")
    assert "…5678" in text
    (url,) = set(re.findall(r'href="([^"]*number=[0-9a-f]{32})"', page))
    listed = browser.get(html.unescape(url)).content.decode()
    assert linked(listed) == [copy.pk]
    assert "Only calls with the phone number" in words(listed)


def test_a_number_of_another_company_or_of_an_office_out_of_reach_is_not_found(installed: World) -> None:
    theirs = add_copy(installed.desk, installed.bucket, 1)
    with_party(installed, theirs)
    assert linked(sought(installed.client(Role.OFFICE_ADMIN, installed.tokyo), installed, NUMBER)) == []
    stranger = installed.client(Role.COMPANY_ADMIN, company=installed.other)
    answer = stranger.post(f"/c/{installed.other.public_id}/search/", {"q": NUMBER})
    assert linked(stranger.get(answer["Location"]).content.decode()) == []
    mine = installed.admin.post(installed.url("search/"), {"q": NUMBER})["Location"]
    assert stranger.get(mine).status_code == 404
    moved = stranger.get(mine.replace(installed.company.public_id, installed.other.public_id))
    assert NUMBER not in moved.content.decode(), "an encrypted text is bound to its company"


def test_when_no_numbers_are_kept_the_page_says_so_and_who_may_change_it_gets_the_link(installed: World) -> None:
    with_party(installed, add_copy(installed.sales, installed.bucket, 1))
    Company.objects.filter(pk=installed.company.pk).update(other_party="off")
    page = sought(installed.admin, installed, NUMBER)
    assert linked(page) == []
    assert "keeps no phone numbers" in words(page)
    assert "#set-other_party" in page
    assert "#set-other_party" not in sought(installed.client(Role.VIEWER), installed, NUMBER)


@pytest.mark.parametrize("text", ["5012002", "6755002", "ヤマダ", "2026-04-02"])
def test_what_is_out_of_reach_is_not_found_by_any_reading(installed: World, text: str) -> None:
    add_copy(installed.desk, installed.bucket, 2, agent="ヤマダ")
    add_copy(installed.other_target, installed.bucket, 2, agent="ヤマダ")
    page = sought(installed.client(Role.OFFICE_ADMIN, installed.tokyo), installed, text)
    assert linked(page) == []
    assert "No recording was found" in words(page)


def test_days_count_in_the_companys_zone(installed: World) -> None:
    """15:30 UTC is April 2 in Tokyo, which is the zone of both offices."""
    copy = add_copy(installed.sales, installed.bucket, 1)
    assert linked(sought(installed.admin, installed, "2026-04-02")) == [copy.pk]
    assert linked(sought(installed.admin, installed, "2026-04-01")) == []
    Office.objects.filter(pk=installed.tokyo.pk).update(timezone="America/New_York")
    page = sought(installed.admin, installed, "2026-04-01")
    assert linked(page) == [copy.pk]
    (url,) = set(re.findall(r'href="([^"]*zone=company)"', page))
    assert linked(installed.admin.get(html.unescape(url)).content.decode()) == [copy.pk]


@pytest.mark.parametrize("text", ["", "   ", "\0"])
def test_nothing_typed_leads_to_the_page_that_says_what_can_be_typed(installed: World, text: str) -> None:
    page = sought(installed.admin, installed, text)
    assert "The field understands" in words(page)


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 3000, "%", "' OR 1=1 --", "a" * 64, "1" * 64])
def test_any_text_is_text(installed: World, text: str) -> None:
    page = sought(installed.admin, installed, text)
    assert "<script>alert" not in page.replace("&lt;script&gt;", "")
    assert "onerror=alert(1)&gt;" in page or "<img src=x" not in page


@pytest.mark.parametrize("query", ["s=x", "s=gAAAAA", "q=%00", "s=&q=", "q=" + "9" * 500])
def test_an_address_of_somebodys_own_making_is_a_page(installed: World, query: str) -> None:
    assert installed.admin.get(installed.url(f"search/?{query}")).status_code == 200


def test_the_page_speaks_japanese(installed: World) -> None:
    copy = add_copy(installed.sales, installed.bucket, 1)
    with_party(installed, copy)
    browser = installed.admin
    browser.cookies["rokuon_language"] = "ja"
    page = sought(browser, installed, NUMBER)
    assert "電話番号" in words(page)
    assert "着信" in words(page)
