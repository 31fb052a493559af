"""Everything can be reached and seen to be reached by keyboard alone."""

from typing import Any

import pytest

from .conftest import Look, Place
from .test_every_page import whole_pages
from .turns import TURNS, turns

# Of a group of radio buttons one is a stop of the Tab key; the arrow keys reach the others.
CONTROLS = """() => {
  const groups = new Set();
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, audio[controls], [tabindex]');
  window.__stops = [...all].filter(one => {
    if (one.tabIndex < 0 || one.disabled || one.type === 'hidden' || !one.checkVisibility({visibilityProperty: true})) return false;
    if (one.type !== 'radio') return true;
    const group = `${one.form && one.form.action} ${one.name}`;
    const wanted = document.querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`);
    if (wanted ? wanted !== one : groups.has(group)) return false;
    groups.add(group);
    return true;
  });
  return window.__stops.length;
}"""
# Once the key is up again, the page has scrolled to where the focus is. A player keeps some keys to itself.
NOTE_EACH_STOP = """() => {
  window.__reached = [];
  window.addEventListener('keyup', () => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== 'none';
    const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.width > 0;
    window.__reached.push({number: window.__stops.indexOf(one), seen: ring && inside, html: one.outerHTML.slice(0, 120)});
  }, true);
}"""
LEADS_PAST = """() => !document.querySelector('nav') ||
  window.__stops[0].getAttribute('href') === '#main' && document.getElementById('main').tabIndex === -1"""


@TURNS
@pytest.mark.parametrize("who", ["admin", ""])
def test_the_tab_key_reaches_every_control_and_shows_where_it_is(place: Place, look: Look, who: str, turn: int) -> None:
    screen = look(who)
    problems: list[str] = []
    # Each press of the Tab key is a message to the browser: every other page in `make test`, every page in `make slow`.
    paths = whole_pages(place, screen, who)
    for path, _language, width, _scheme in turns(paths if turn else paths[::2], turn):
        screen.page.set_viewport_size({"width": width, "height": 844})
        screen.goto(path)
        controls = screen.page.evaluate(CONTROLS)
        screen.page.evaluate(NOTE_EACH_STOP)
        for _press in range(controls + 10):
            screen.page.keyboard.press("Tab")
        stops: list[dict[str, Any]] = screen.page.evaluate("window.__reached")
        reached = {stop["number"] for stop in stops} - {-1}
        if missed := set(range(controls)) - reached:
            html = screen.page.evaluate("numbers => numbers.map(n => window.__stops[n].outerHTML.slice(0, 120))", sorted(missed))
            problems += [f"{path}: not reached: {one}" for one in html]
        # A date field has several stops; at its last one, the calendar's icon, Chromium's own ring shows.
        seen = {stop["number"] for stop in stops if stop["seen"]}
        problems += sorted({f"{path}: not seen: {stop['html']}" for stop in stops if stop["number"] not in {-1, *seen}})
        order = [stop["number"] for stop in stops if stop["number"] >= 0][:controls]
        if order != sorted(order):
            problems.append(f"{path}: the order jumps: {order}")
        if stops[0]["number"] != 0 or not screen.page.evaluate(LEADS_PAST):
            problems.append(f"{path}: the first stop does not lead past the navigation: {stops[0]['html']}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_stop_leads_past_the_navigation(place: Place, look: Look, width: int) -> None:
    """Here by pressing it; that each page has this first stop is shown above."""
    screen = look(width=width)
    screen.goto(f"/c/{place.values['company']}/")
    screen.page.keyboard.press("Tab")
    screen.page.keyboard.press("Enter")
    assert screen.page.evaluate("document.activeElement.id") == "main"


def test_a_control_that_the_tab_key_passes_over_and_a_stop_without_a_ring_are_noticed(look: Look) -> None:
    screen = look("guest")
    screen.goto("/shortcuts/")
    screen.page.evaluate("""() => {
      document.querySelector('main').insertAdjacentHTML('beforeend', '<button id="ringless">a</button><div inert><button>b</button></div>');
      document.getElementById('ringless').style.cssText = 'outline: none !important; box-shadow: none !important';
    }""")
    controls = screen.page.evaluate(CONTROLS)
    screen.page.evaluate(NOTE_EACH_STOP)
    for _press in range(controls + 5):
        screen.page.keyboard.press("Tab")
    stops = screen.page.evaluate("window.__reached")
    assert [stop["seen"] for stop in stops if "ringless" in stop["html"]] == [False]
    assert controls - 1 not in {stop["number"] for stop in stops}
