"""The list of recordings: totals, orders, columns, compact rows, and a jump to a day."""

import html
import re
from datetime import timedelta

import pytest

from rokuon.ledger.models import Copy, OtherParty
from rokuon.org.models import Company

from .conftest import World
from .copies import STARTED, add_copy
from .test_recordings import linked, shown, words


def three(world: World) -> list[Copy]:
    """Three recordings: short and large, long and small, and one that failed."""
    return [
        add_copy(world.sales, world.bucket, 1, data=b"x" * 3_000_000, agent="Bob", audio_ms=60_000),
        add_copy(world.sales, world.bucket, 2, data=b"x" * 1_000, agent="Ann", audio_ms=3_600_000, started=STARTED + timedelta(days=1)),
        add_copy(
            world.desk, world.bucket, 3, agent="Cid", state="failed", reason="recording_not_audio", started=STARTED + timedelta(days=2)
        ),
    ]


def test_the_totals_are_those_of_the_whole_search_and_not_of_the_page(world: World) -> None:
    three(world)
    for number in range(10, 70):
        add_copy(world.trainees, world.bucket, number, audio_ms=1000)
    assert "63 recordings · backed up: 1 h 2 min, 2.9 MiB" in words(shown(world.admin, world.url("recordings/")))
    assert "1 recording · backed up: 1 h 0 min, 1,000 B" in words(shown(world.admin, world.url("recordings/?agent=ann&since=2026-04-03")))
    assert "1 recording · backed up: 0 s, 0 B" in words(shown(world.admin, world.url("recordings/?state=failed")))


@pytest.mark.parametrize(
    ("order", "expected"),
    [("newest", [3, 2, 1]), ("oldest", [1, 2, 3]), ("longest", [2, 1, 3]), ("largest", [1, 2, 3]), ("agent", [2, 1, 3])],
)
def test_the_list_can_be_ordered(world: World, order: str, expected: list[int]) -> None:
    copies = three(world)
    found = linked(shown(world.admin, world.url(f"recordings/?order={order}")))
    assert found == [copies[number - 1].pk for number in expected]


def test_an_order_that_does_not_exist_is_refused(world: World) -> None:
    three(world)
    shown(world.admin, world.url("recordings/?order=random"), 422)


def test_pages_keep_the_order_and_a_cursor_of_another_order_leads_to_the_first_page(world: World) -> None:
    copies = [add_copy(world.sales, world.bucket, number, data=b"x" * (number + 1)).pk for number in range(60)]
    browser = world.admin
    first = shown(browser, world.url("recordings/?order=largest"))
    following = html.unescape(re.search(r'rel="next" href="([^"]*)"', first)[1])  # type: ignore[index]
    assert "order=largest" in following
    assert linked(shown(browser, world.url("recordings/") + following)) == copies[:10][::-1]
    by_agent = html.unescape(re.search(r'rel="next" href="([^"]*)"', shown(browser, world.url("recordings/?order=agent")))[1])  # type: ignore[index]
    assert linked(shown(browser, world.url("recordings/") + by_agent.replace("order=agent", "order=largest"))) == copies[10:][::-1]


def test_a_jump_to_a_day_begins_with_its_calls_and_leads_back_to_later_ones(world: World) -> None:
    copies = [add_copy(world.sales, world.bucket, number, started=STARTED + timedelta(days=number)) for number in range(10)]
    browser = world.admin
    page = shown(browser, world.url("recordings/?jump=2026-04-05&agent="))
    assert linked(page)[0] == copies[3].pk, "15:30 UTC is the next day in Tokyo"
    assert 'rel="prev"' in page
    page = shown(browser, world.url("recordings/?jump=2026-04-05&order=oldest"))
    assert linked(page)[0] == copies[3].pk
    page = shown(browser, world.url("recordings/?jump=2026-04-05&order=largest"))
    assert linked(page)[0] == copies[3].pk, "a day is a place in an order by time"


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "9999-01-01", "0001-01-01"])
def test_a_jump_to_no_day_shows_the_list(world: World, day: str) -> None:
    copies = three(world)
    assert len(linked(shown(world.admin, world.url(f"recordings/?jump={day}")))) == len(copies)


def test_columns_can_be_chosen_and_the_usual_ones_are_not_in_the_address(world: World) -> None:
    copy = three(world)[0]
    page = shown(world.admin, world.url("recordings/?column=sha256&column=call"))
    heads = re.findall(r'<th scope="col" class="col-(\w+)', page)
    assert heads == ["call", "sha256"]
    assert copy.sha256 in page
    usual = "&".join(f"column={name}" for name in ("agent", "party", "state", "length", "file"))
    answer = world.admin.get(world.url(f"recordings/?agent=&state=failed&{usual}"))
    assert answer["Location"] == world.url("recordings/?state=failed")
    shown(world.admin, world.url("recordings/?column=password"), 422)


def test_compact_rows_are_a_choice_in_the_address(world: World) -> None:
    three(world)
    assert 'class="stacked dense recordings compact"' in shown(world.admin, world.url("recordings/?rows=compact"))
    assert 'class="stacked dense recordings"' in shown(world.admin, world.url("recordings/"))


def test_order_and_columns_are_no_filters(world: World) -> None:
    assert "There is no recording yet" in words(shown(world.admin, world.url("recordings/?order=largest&rows=compact&column=sha256")))


@pytest.mark.parametrize(("chosen", "sees"), [("full", ["+819012345678", "山田 太郎"]), ("masked", ["…5678", "山…"]), ("off", [])])
def test_the_other_party_is_shown_as_far_as_the_company_chose(world: World, chosen: str, sees: list[str]) -> None:
    copy = three(world)[0]
    OtherParty.objects.create(
        recording=copy.recording, company=world.company, detail="full", direction="inbound", number_hash="a" * 32, ending="5678",
        number="+819012345678", name="山田 太郎",
    )  # fmt: skip
    Company.objects.filter(pk=world.company.pk).update(other_party=chosen)
    for url in (world.url("recordings/"), world.url(f"recordings/{copy.pk}/")):
        text = words(shown(world.admin, url))
        assert all(one in text for one in sees)
        assert ("12345678" in text) == (chosen == "full")
        assert ("Other party" in text) == (chosen != "off")
