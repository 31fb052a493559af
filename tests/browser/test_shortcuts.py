"""Keyboard shortcuts: `/`, `?` and `g` with a letter; never in a field, with Ctrl or once a person has switched them off."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import Look, Place
from .screen import Screen


def at(look: Look, place: Place, page: str, who: str = "office", **options: object) -> Screen:
    screen = look(who, **options)
    screen.goto(f"/c/{place.values['company']}/{page}")
    return screen


def stays(page: Page) -> None:
    """The page is still the one that it was, also after the time that a shortcut would have needed."""
    before = page.url
    page.wait_for_timeout(300)
    assert page.url == before


def test_slash_goes_to_the_search_field_of_every_page(place: Place, look: Look) -> None:
    page = at(look, place, "failures/").page
    page.keyboard.press("/")
    field = page.get_by_role("search").first.locator("input:visible").first
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    expect(field).not_to_be_focused()
    page.keyboard.press("/")
    expect(field).to_be_focused()
    expect(field).to_have_value("")


@pytest.mark.parametrize(("key", "leads"), [("o", "/"), ("f", "/failures/"), ("b", "/backup-now/"), ("n", "/notices/")])
def test_g_and_a_letter_open_a_page(place: Place, look: Look, key: str, leads: str) -> None:
    page = at(look, place, "rules/").page
    page.keyboard.press("g")
    page.keyboard.press(key)
    page.wait_for_url(f"**/c/{place.values['company']}{leads}")


def test_a_letter_of_a_page_that_a_person_may_not_open_does_nothing(place: Place, look: Look) -> None:
    page = at(look, place, "rules/").page
    page.keyboard.press("g")
    page.keyboard.press("a")
    stays(page)
    page.keyboard.press("o")
    stays(page)


def test_a_letter_long_after_g_does_nothing(place: Place, look: Look) -> None:
    page = at(look, place, "rules/").page
    page.keyboard.press("g")
    page.wait_for_timeout(1700)
    page.keyboard.press("o")
    stays(page)


def test_the_question_mark_lists_the_keys_and_the_way_back_leads_back(place: Place, look: Look) -> None:
    page = at(look, place, "failures/").page
    page.keyboard.press("?")
    page.wait_for_url("**/shortcuts/?next=*")
    expect(page.get_by_role("heading", name="Keyboard shortcuts are on")).to_be_visible()
    for name in ("g then o", "g then f"):
        expect(page.get_by_role("rowheader", name=name)).to_be_visible()
    page.get_by_role("link", name="Back").click()
    page.wait_for_url("**/failures/")


@pytest.mark.parametrize("field", ["#rule-q", "#rule-office", "main input[type=checkbox]"])
def test_in_a_field_every_key_is_only_typed(place: Place, look: Look, field: str) -> None:
    page = at(look, place, "rules/").page
    page.locator(field).first.focus()
    for key in ("/", "?", "g", "o"):
        page.keyboard.press(key)
    stays(page)
    if field == "#rule-q":
        expect(page.locator(field)).to_have_value("/?go")


@pytest.mark.parametrize("held", ["Control", "Alt", "Meta"])
def test_with_another_key_held_they_are_the_browsers(place: Place, look: Look, held: str) -> None:
    page = at(look, place, "rules/").page
    page.evaluate("""() => {
        window.__kept = 0;
        addEventListener('keydown', (event) => { window.__kept += event.defaultPrevented; event.preventDefault(); });
    }""")
    for key in ("/", "g", "o"):
        page.keyboard.press(f"{held}+{key}")
    stays(page)
    assert page.evaluate("window.__kept") == 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_person_who_switches_them_off_has_none_until_they_are_on_again(place: Place, look: Look, language: str) -> None:
    said = {
        "en": ("Keyboard shortcuts are off", "Keyboard shortcuts are on"),
        "ja": ("キーボードショートカットはオフです", "キーボードショートカットはオンです"),
    }
    off, on = said[language]
    page = at(look, place, "failures/", "guest", language=language, java_script_enabled=language == "en").page
    page.goto(f"{page.url.partition('/c/')[0]}/shortcuts/?next=/c/{place.values['company']}/failures/")
    page.locator("main button").click()
    expect(page.get_by_role("heading", name=off)).to_be_visible()
    page.locator("main .path a").click()
    page.wait_for_url("**/failures/")
    for key in ("/", "?", "g", "o"):
        page.keyboard.press(key)
    stays(page)
    page.goto(f"{page.url.partition('/c/')[0]}/shortcuts/")
    page.locator("main button").click()
    expect(page.get_by_role("heading", name=on)).to_be_visible()
