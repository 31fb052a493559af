"""Pictures and print in a browser: on a phone, from the keyboard, and on paper."""

import re

import pytest

from .conftest import Look, Place
from .screen import NARROW, WIDE, Screen


def company(place: Place) -> str:
    return f"/c/{place.values['company']}/"


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_two_years_fit_the_screen_and_each_day_leads_to_its_recordings(place: Place, look: Look, language: str, width: int) -> None:
    screen = look("admin", language)
    screen.page.set_viewport_size({"width": width, "height": 844})
    screen.goto(f"{company(place)}two-years/?target={place.values['target']}")
    for drawing in screen.page.locator("svg.half-year").all():
        box = drawing.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    day = screen.page.locator("svg.half-year a:has(use[href='#date-complete'])").first
    title = day.locator("title").text_content() or ""
    day.click()
    screen.page.wait_for_url(re.compile(r"/recordings/\?target=\d+&since=[\d-]+&until=[\d-]+"))
    since = re.search(r"since=(\d{4})-(\d\d)-(\d\d)", screen.page.url)
    assert since is not None
    year, month, number = (int(one) for one in since.groups())
    assert title.startswith(f"{year}年{month}月{number}日(" if language == "ja" else "-".join(since.groups()))
    assert screen.page.locator("tbody tr").count() > 0


def test_the_table_of_two_years_is_reached_and_left_by_keyboard(place: Place, look: Look) -> None:
    screen = look("admin", "en")
    screen.goto(f"{company(place)}two-years/?target={place.values['target']}")
    screen.page.locator("details.as-table > summary").focus()
    screen.page.keyboard.press("Enter")
    month = screen.page.locator("details.as-table tbody th a").first
    screen.page.keyboard.press("Tab")
    for _ in range(3):
        if month.evaluate("one => one === document.activeElement"):
            break
        screen.page.keyboard.press("Tab")
    assert month.evaluate("one => one === document.activeElement")
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_url(re.compile(r"/recordings/\?target="))


def test_the_page_of_a_run_shows_its_curve_without_leaving_it(place: Place, look: Look) -> None:
    screen = look("admin", "en")
    screen.goto(f"{company(place)}backup-now/{place.values['run']}/")
    screen.page.locator("#curve svg.curve").first.wait_for(timeout=10_000)
    assert screen.page.locator("#curve details.as-table tbody tr").count() > 0


def shown(screen: Screen, what: str) -> int:
    return sum(one.is_visible() for one in screen.page.locator(what).all())


@pytest.mark.parametrize("page", ["", "recordings/", "failures/", "audit/", "two-years/"])
def test_on_paper_there_is_a_head_and_no_control(place: Place, look: Look, page: str) -> None:
    screen = look("admin", "ja")
    screen.goto(company(place) + page)
    assert shown(screen, ".print-head") == 0, "only on paper"
    screen.page.emulate_media(media="print", color_scheme="dark")
    head = screen.page.locator(".print-head").inner_text()
    for said in ("カンパニー", "バケット", "admin@people.example", "年"):
        assert said in head
    assert shown(screen, ".topbar, .places, .strip, button, select, input, main .button") == 0
    assert screen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    paper = screen.page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", paper)) >= 1


def test_a_person_chooses_a_time_zone_without_script_and_reads_it_everywhere(place: Place, look: Look) -> None:
    screen = look("guest", "en", java_script_enabled=False)
    screen.goto("/account/time-zone/")
    screen.page.select_option("#time_zone", "America/New_York")
    screen.page.get_by_role("button", name="Save").click()
    assert "You read all times in America/New_York" in screen.page.locator("h1").inner_text()
    screen.goto(f"{company(place)}recordings/")
    assert set(screen.page.locator("time .zone").all_inner_texts()) == {"America/New_York"}
    screen.goto("/account/time-zone/")
    screen.page.select_option("#time_zone", "")
    screen.page.get_by_role("button", name="Save").click()
