"""Settings and rules as a person works with them; what each page then says is what the rules say, as the command line tells them."""

import json
from typing import Any

from playwright.sync_api import expect

from .conftest import PLACES, Look, Place
from .screen import Screen

LINKS = """all => all.map(link => {
  const name = one => one ? one.querySelector('bdi').textContent : '', href = link.getAttribute('href');
  return [href, name(link), name(link.closest('ul').closest('li')?.querySelector('a')), href.includes('/target/')];
})"""
"""Of each line of the tree: address, name, the name of the level above, whether it is a target."""


def tree(place: Place) -> dict[str, Any]:
    """The other company's settings, as the command line tells them."""
    company = str(place.console.sim.hello["companies"][1]["id"])
    told: dict[str, Any] = json.loads(place.console.command("settings", "show", "--json", "--company", company))
    return told


def shown(screen: Screen) -> dict[str, str | None]:
    """What the open page says of its level."""
    bucket, won = screen.page.locator("[data-effective] code"), screen.page.locator("[data-won]")
    return {"bucket": bucket.text_content() if bucket.count() else None, "decided_by": won.get_attribute("data-won") or None}


def differing(place: Place, screen: Screen, root: str) -> list[str]:
    """The levels whose page does not say what the rules say."""
    told, wrong = tree(place), []
    levels = {told["company"]: told["effective"]}
    for office in told["offices"]:
        levels[office["name"]] = office["effective"]
        levels |= {f"{office['name']} > {target['name']}": target["effective"] for target in office["targets"]}
    screen.goto(root)
    links = screen.page.locator("#level-list a").evaluate_all(LINKS)
    assert len(links) == len(levels)
    for path, name, above, is_target in links:
        screen.goto(path)
        rule = levels[f"{above} > {name}" if is_target else name]
        if shown(screen) != {key: rule[key] for key in ("bucket", "decided_by")}:
            wrong.append(f"{name}: {shown(screen)}, not {rule}")
    return wrong


def test_a_bucket_is_registered_and_chosen_and_every_level_says_what_counts(place: Place, look: Look) -> None:
    root = f"/c/{place.console.python(PLACES, 1)['company']}/settings/"
    place.console.rokuon.folder("second")
    screen = look("other")
    page = screen.page
    screen.goto(root + "buckets/new/")
    page.get_by_label("Folder on the machine that runs Rokuon").check()
    page.get_by_label("Folder in it").fill("second")
    page.get_by_role("button", name="Register and verify").click()
    expect(page.locator("h1")).to_contain_text("read back what it wrote and list it")
    screen.goto(root)
    page.locator("#level-list a[href*='/office/']").first.click()
    page.get_by_label("Customize for this office").check()
    page.get_by_label("Bucket name").select_option(index=2)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_contain_text("This change sends")
    page.get_by_role("button", name="Save and verify").click()
    expect(page.locator(".notice-success").first).to_contain_text("Saved.")
    assert differing(place, screen, root) == []
    screen.goto(root)
    page.get_by_label("Access restriction").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Save and verify").click()
    assert differing(place, screen, root) == []


def test_rules_are_found_by_typing_and_ticked_together(place: Place, look: Look) -> None:
    root = f"/c/{place.console.python(PLACES, 1)['company']}/rules/"
    screen = look("other")
    page = screen.page
    screen.goto(root)
    rows = page.locator("#rule-list tr")
    first = rows.first.locator("label").inner_text()
    page.get_by_label("Search by name").fill(first)
    alike = page.locator("#rule-list tr:not([hidden])").count()
    assert 0 < alike < rows.count()
    page.get_by_role("button", name="Deselect all shown").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text(f"{alike} will no longer be backed up")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice-success").first).to_contain_text("disabled")
    assert page.locator("#rule-list input:not(:checked)").count() == alike
