"""Two years by day, and recordings and volume by day: each day a link, each drawing with its table, within the reader's reach."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.base import i18n
from rokuon.console.overview import years_svg
from rokuon.console.web import bar_svg
from rokuon.console.web.bar_svg import Bar
from rokuon.domain.copies import State
from rokuon.ledger.overview import Day, DayState
from rokuon.ledger.tally import Counts
from rokuon.org.models import Target

from .conftest import Role, World
from .test_overview import cover, end, found, ready, text

__all__ = ["ready"]
OFFICE_ADMIN = Role.OFFICE_ADMIN


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def drawn(html: str, kind: str) -> str:
    return "".join(re.findall(rf'<svg class="{kind}".*?</svg>', html, re.DOTALL))


def test_each_day_of_two_years_is_a_link_to_its_recordings_in_this_target(ready: World) -> None:
    cover(ready.sales, days=400)
    end(found(ready, ready.sales, 2, days_ago=300), State.VERIFIED)
    html = page(ready.admin, ready.url(f"two-years/?target={ready.sales.pk}"))
    links = re.findall(r'<a href="([^"]+)" tabindex="-1"><use href="#date-(\w+)"', drawn(html, "half-year"))
    assert len(links) in (731, 732)
    days = {re.search(r"since=([\d-]+)&until=([\d-]+)", url).groups() for url, _state in links}  # type: ignore[union-attr]
    assert len(days) == len(links) and all(first == last for first, last in days), "one day each"
    assert {url.partition("?")[0] for url, _state in links} == {ready.url("recordings/")}
    (full,) = [url for url, state in links if state == "complete"]
    assert ready.admin.get(full).content.decode().count('<th scope="row"><a href=') == 2, "both recordings of that day"


def test_a_drawing_has_its_table_by_month_and_is_hidden_from_screen_readers(ready: World) -> None:
    end(found(ready, ready.sales, 3, days_ago=40), State.VERIFIED)
    end(found(ready, ready.sales, 1, days_ago=40, at="f"), State.FAILED, "recording_not_audio")
    html = page(ready.admin, ready.url(f"two-years/?target={ready.sales.pk}"))
    assert all('aria-hidden="true"' in one for one in re.findall(r'<svg class="half-year"[^>]*>', html))
    table = html.partition('class="as-table"')[2]
    assert len(re.findall(r'<tr><th scope="row"><a href="[^"]+">\d{4}-\d\d</a>', table)) == 25
    assert re.search(r">[\d-]{10} · With failures · 1 failed · 3 verified</a>", table), "by keyboard from the table"


def test_an_office_admin_sees_two_years_of_the_own_office_only(ready: World) -> None:
    tokyo = ready.client(OFFICE_ADMIN, ready.tokyo)
    html = page(tokyo, ready.url("two-years/"))
    assert "Acme Sales" in html and "Acme Desk" not in html
    assert tokyo.get(ready.url(f"two-years/?target={ready.desk.pk}")).status_code == 404
    assert ready.admin.get(ready.url(f"two-years/?target={ready.other_target.pk}")).status_code == 404


@pytest.mark.parametrize("query", ["?target=x", "?target=" + "9" * 40, "?page=999", "?page=x"])
def test_an_address_that_makes_no_sense_shows_the_page(ready: World, query: str) -> None:
    assert ready.admin.get(ready.url("two-years/") + query).status_code == 200


def test_without_a_rule_the_page_says_what_makes_it_appear(ready: World) -> None:
    Target.objects.filter(company=ready.company).update(backed_up=False)
    assert "None is yet: choose them in the backup rules." in text(ready.admin, ready.url("two-years/"))


def test_more_targets_are_shown_in_parts(ready: World) -> None:
    for number in range(9):
        Target.objects.create(
            company=ready.company, office=ready.osaka, kind="callcenter", dialpad_id=f"9{number}", name=f"Desk {number}", backed_up=True
        )
    assert "1 to 5 of 12" in text(ready.admin, ready.url("two-years/"))
    assert "11 to 12 of 12" in text(ready.admin, ready.url("two-years/"), page=3)


def test_the_overview_draws_recordings_and_volume_of_each_day(ready: World) -> None:
    end(found(ready, ready.sales, 3, days_ago=5), State.VERIFIED)
    end(found(ready, ready.desk, 1, days_ago=5, at="f"), State.FAILED, "recording_not_audio")
    end(found(ready, ready.desk, 1, days_ago=6, at="g"), State.GONE, "recording_gone")
    found(ready, ready.sales, 2, days_ago=6, at="w")
    html = page(ready.admin, ready.url())
    bars = drawn(html, "bars")
    assert re.search(r"<title>[\d-]{10} · 3 verified, 1 failed or gone, 0 waiting</title>", bars)
    assert re.search(r"<title>[\d-]{10} · 0 verified, 1 failed or gone, 2 waiting</title>", bars)
    assert re.search(r"<title>[\d-]{10} · 3.0 KiB</title>", bars)
    assert bars.count('fill="url(#bar-failed)"') == 2 and bars.count('fill="url(#bar-pending)"') == 1, "a pattern as well as a colour"
    assert html.count('<pattern id="bar-failed"') == 1
    table = html.partition("Recordings by day as a table")[2].partition("</table>")[0]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr><th scope=.row.>.*?</tr>", table)]
    assert [row[1:] for row in rows] == [["3", "1", "0", "0", "3.0", "KiB"], ["0", "0", "1", "2", "0", "B"]]


def test_the_bars_of_an_office_admin_count_the_own_office_only(ready: World) -> None:
    end(found(ready, ready.sales, 3, days_ago=5), State.VERIFIED)
    end(found(ready, ready.desk, 1, days_ago=5, at="o"), State.VERIFIED)
    assert "1 verified recording of" in text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url())
    assert "4 verified recordings of" in text(ready.admin, ready.url())
    assert "1 verified recording of" in text(ready.admin, ready.url(), office=ready.osaka.pk)


def test_pictures_speak_japanese(ready: World) -> None:
    end(found(ready, ready.sales, 3, days_ago=5), State.VERIFIED)
    admin = ready.admin
    admin.post("/language/", {"language": "ja"})
    for url in (ready.url(), ready.url("two-years/")):
        assert re.search(r"<title>\d{4}年\d{1,2}月\d{1,2}日\([月火水木金土日]\) · ", page(admin, url))


def test_a_single_failure_among_thousands_is_seen() -> None:
    svg = bar_svg.drawn([Bar("/x", "many", (("failed", 1), ("verified", 9_999)))], "10,000")
    assert 'class="bar-failed" fill="url(#bar-failed)" x="1" y="94" width="6" height="2"' in svg
    assert '<svg class="bars"' in bar_svg.drawn([], "0"), "no days are no fault"


def test_what_is_drawn_is_escaped() -> None:
    svg = bar_svg.drawn([Bar('/x?a=1&b="', "<script>", (("verified", 1),), date="<b>")], "<i>")
    assert "<script>" not in svg and "<b>" not in svg and "<i>" not in svg and "a=1&amp;b=&quot;" in svg


def test_half_years_hold_all_days_once_with_the_newest_drawing_full() -> None:
    first = date(2024, 11, 30)
    days = [(first + timedelta(days=number), Day(DayState.EMPTY, Counts())) for number in range(731)]
    with i18n.speaking("en"):
        drawings = years_svg.drawings(days, lambda _day, at: f"/{at}")
        counts = [len(re.findall("<use ", one)) for one in drawings]
    assert (sum(counts), len(counts)) == (731, 4)
    assert counts[1] == counts[2] == 27 * 7
    assert [len(month.days) for month in years_svg.months(days)][-1] == 1, "one day of November"
    assert timezone.now().date() > first
