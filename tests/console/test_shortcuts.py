"""The page of keyboard shortcuts: what each person chose counts for that person alone."""

import pytest

from rokuon.accounts.models import Membership, Person
from rokuon.console.web.page_context import NAVIGATION

from .conftest import World

SCRIPT = "rokuon/shortcuts.js"


def test_each_person_switches_the_shortcuts_off_and_on_for_themselves_alone(world: World) -> None:
    one, other = world.admin, world.client(Membership.Role.VIEWER)
    assert SCRIPT in one.get(world.url("failures/")).content.decode()
    answer = one.post("/shortcuts/", {"shortcuts": "off", "next": world.url("failures/")})
    assert answer.status_code == 303
    assert "Keyboard shortcuts are off" in one.get(answer.headers["Location"]).content.decode()
    assert SCRIPT not in one.get(world.url("failures/")).content.decode()
    assert SCRIPT in other.get(world.url("failures/")).content.decode()
    one.post("/shortcuts/", {"shortcuts": "on"})
    assert SCRIPT in one.get(world.url("failures/")).content.decode()


def test_who_is_not_signed_in_has_no_shortcuts_and_changes_nobodys(world: World) -> None:
    stranger = world.admin
    stranger.logout()
    assert stranger.post("/shortcuts/", {"shortcuts": "off"}).status_code == 302
    assert Person.objects.filter(shortcuts=False).count() == 0
    assert SCRIPT not in stranger.get("/account/login/", follow=True).content.decode()


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_the_way_back_never_leads_to_another_host(world: World, elsewhere: str) -> None:
    page = world.admin.get("/shortcuts/", {"next": elsewhere}).content.decode()
    assert '<p class="path"><a href="/">' in page


def test_each_page_of_the_navigation_has_a_key_of_its_own_that_the_list_names(world: World) -> None:
    keys = [key for _name, _words, _icon, key, _action in NAVIGATION]
    assert len(set(keys)) == len(keys)
    assert not {"g", "/", "?"} & set(keys)
    page = world.admin.get("/shortcuts/").content.decode()
    assert all(f"<kbd>{key}</kbd>" in page for key in keys)
