"""Without JavaScript every page is whole and every form can be sent."""

import pytest

from .conftest import Look, Place
from .screen import LANGUAGES
from .test_every_page import whole_pages
from .turns import TURNS, turns

# A form of a single text field is sent by the Enter key.
FORMS_WITHOUT_BUTTON = """() => [...document.forms].filter(form => form.checkVisibility()).filter(form =>
  ![...form.elements].some(one => one.type === 'submit' || one.type === 'image') &&
  [...form.elements].filter(one => one.type !== 'hidden').length !== 1).map(form => form.outerHTML.slice(0, 160))"""
DEAD = """() => [...document.querySelectorAll('button, a:not([href])')].filter(one => one.checkVisibility()).filter(one =>
  one.matches('a') || (one.type === 'button' && !one.popoverTargetElement) ||
  (one.type === 'submit' && !one.form)).map(one => one.outerHTML.slice(0, 160))"""


@TURNS
@pytest.mark.parametrize("who", ["admin", ""])
def test_every_page_is_whole_without_script(place: Place, look: Look, who: str, turn: int) -> None:
    screens = {language: look(who, language, java_script_enabled=False) for language in LANGUAGES}
    problems = []
    for path, language, _width, _scheme in turns(whole_pages(place, screens["en"], who), turn):
        screen = screens[language]
        screen.goto(path)
        page = screen.page
        if page.locator("h1:visible").count() != 1:
            problems.append(f"{path}: {page.locator('h1:visible').count()} headings of the first level")
        problems += [f"{path}: cannot be sent: {form}" for form in page.evaluate(FORMS_WITHOUT_BUTTON)]
        problems += [f"{path}: does nothing: {button}" for button in page.evaluate(DEAD)]
    assert not problems, "\n".join(problems)


def test_language_and_colours_are_chosen_without_script(look: Look) -> None:
    screen = look("guest", java_script_enabled=False)
    screen.goto("/")
    screen.page.get_by_role("button", name="日本語").click()
    assert screen.page.locator("html").get_attribute("lang") == "ja"
    screen.page.get_by_role("button", name="English").click()
    assert screen.page.locator("html").get_attribute("lang") == "en"
