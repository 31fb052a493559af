"""Nothing typed is lost, as people see it: previews have addresses, and forms come back filled. In both languages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import PLACES, Place
from .screen import Screen, open_screen

AGE = Path(__file__).with_name("session_age.py")
OTHER = {"en": "ja", "ja": "en"}
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "restored": "What you typed is here again",
        "gone": "no longer kept",
        "once more": "so nothing was done",
        "rules": "will no longer be backed up",
        "settings": "This change sends",
        "plan": re.compile("to fetch|Nothing new"),
        "limit": "Enter at most 20.",
        "removed": "is no longer registered",
    },
    "ja": {
        "restored": "入力した内容を復元しました",
        "gone": "入力内容は保持されていません",
        "once more": "何も実行していません",
        "rules": "バックアップ",
        "settings": "変更",
        "plan": re.compile("取得|新し"),
        "limit": "20 以下を入力してください",
        "removed": "の登録を解除しました",
    },
}
both = pytest.mark.parametrize("language", ["en", "ja"])


class Visitor:
    """A company admin of the second company, with a password unless `operator`, in a browser of their own."""

    def __init__(
        self, chromium: Browser, place: Place, name: str, language: str, *, password: bool = False, script: bool = True, **options: Any
    ) -> None:
        self.place, self.language, self.words = place, language, WORDS[language]
        self.email = f"{name}-{language}@people.example"
        person = {"email": self.email, "role": "company_admin", "company": 1, "language": language, **options}
        if password:
            place.console.sign_in([person])
            self.password = str(place.console.python(AGE, [self.email, "password"]))
        self.screen: Screen = open_screen(
            chromium, place.console, place.console.sign_in([person])[self.email], language, java_script_enabled=script
        )
        self.page: Page = self.screen.page
        self.root = f"/c/{place.console.python(PLACES, 1)['company']}/"

    def open(self, path: str) -> None:
        self.screen.goto(self.root + path)

    def age(self, how: str) -> None:
        self.place.console.python(AGE, [self.email, how])

    def switch_language(self) -> dict[str, Any]:
        """The words of the language that the page now has."""
        now = OTHER[str(self.page.locator("html").get_attribute("lang"))]
        self.page.locator("form.language button").click()
        expect(self.page.locator("html")).to_have_attribute("lang", now)
        return WORDS[now]

    def stays_a_page(self, what: str) -> None:
        """The preview survives a reload, both changes of language and a way back and forth."""
        address, h1 = self.page.url, self.page.locator("h1")
        expect(h1).to_contain_text(self.words[what])
        self.page.reload()
        expect(h1).to_contain_text(self.words[what])
        expect(self.page.locator("h1")).to_contain_text(self.switch_language()[what])
        expect(self.page.locator("h1")).to_contain_text(self.switch_language()[what])
        assert self.page.url == address
        self.page.go_back()
        self.page.go_forward()
        expect(h1).to_contain_text(self.words[what])


@pytest.fixture
def visitor(chromium: Browser, place: Place, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened: list[Visitor] = []

    def visit(name: str, language: str, **options: Any) -> Visitor:
        opened.append(Visitor(chromium, place, name, language, **options))
        return opened[-1]

    yield visit
    for one in opened:
        one.screen.close()
    assert [problem for one in opened for problem in one.screen.problems] == []


@both
def test_the_preview_of_rules_is_a_page_and_its_back_link_keeps_the_ticks(visitor: Any, language: str) -> None:
    me = visitor("rules", language)
    me.open("rules/")
    box = me.page.locator("#rule-list input[type=checkbox]:checked").first
    value = box.get_attribute("value")
    box.uncheck()
    me.page.locator(".save-bar button").click()
    me.stays_a_page("rules")
    me.page.locator("main .actions a.button").first.click()
    expect(me.page.locator(f"#rule-list input[value='{value}']")).not_to_be_checked()
    expect(me.page.locator("[data-draft]")).to_contain_text(me.words["restored"])


@both
def test_the_preview_of_settings_is_a_page(visitor: Any, language: str) -> None:
    me = visitor("settings", language)
    me.open("settings/")
    me.page.locator("#set-restricted").set_checked(not me.page.locator("#set-restricted").is_checked())
    me.page.locator("#change ~ form button.primary").click()
    me.stays_a_page("settings")


@both
def test_the_plan_is_a_page_and_what_was_chosen_can_be_changed(visitor: Any, language: str) -> None:
    me = visitor("plan", language)
    me.open("backup-now/")
    me.page.locator("input[name=relist]").check()
    me.page.locator("#choose ~ form button.primary").click()
    me.stays_a_page("plan")
    me.page.locator("main form .actions a.button").click()
    expect(me.page.locator("input[name=relist]")).to_be_checked()


def fill_invitation(me: Visitor, name: str = "new") -> None:
    me.open("people/")
    me.page.locator("#invite-email").fill(f"{name}-{me.language}@people.example")
    me.page.locator("#invite-name").fill("新人 太郎")
    me.page.locator("#invite-place").select_option(index=2)


def finds_invitation(me: Visitor, name: str = "new") -> None:
    expect(me.page.locator("#invite-name")).to_have_value("新人 太郎")
    expect(me.page.locator("#invite-email")).to_have_value(f"{name}-{me.language}@people.example")
    assert me.page.locator("#invite-place").evaluate("select => select.selectedIndex") == 2
    expect(me.page.locator("[data-draft]")).to_contain_text(me.words["restored"])


@both
def test_an_invitation_survives_the_question_who_one_is(visitor: Any, language: str) -> None:
    me = visitor("asked", language, password=True)
    fill_invitation(me)
    me.age("stale")
    me.page.locator("#invite ~ form button.primary").click()
    me.page.locator("input[type=password]").fill(me.password)
    me.page.locator("form .primary").click()
    finds_invitation(me)
    address = me.page.url
    me.page.locator("#invite ~ form button.primary").click()
    expect(me.page.locator("main")).to_contain_text(f"new-{language}@people.example")
    me.page.goto(address)
    expect(me.page.locator("main")).to_contain_text(me.words["gone"])
    expect(me.page.locator("#invite-name")).to_have_value("")


@both
def test_an_invitation_survives_a_session_that_expired_also_without_script(visitor: Any, language: str) -> None:
    me = visitor("expired", language, password=True, script=False)
    fill_invitation(me)
    me.age("expired")
    me.page.locator("#invite ~ form button.primary").click()
    me.page.locator("input[type=email]").fill(me.email)
    me.page.locator("input[type=password]").fill(me.password)
    me.page.locator("form .primary").first.click()
    finds_invitation(me)


@both
def test_an_invitation_survives_a_sign_in_in_another_tab_and_is_not_sent_by_itself(visitor: Any, language: str) -> None:
    me = visitor("tabs", language, password=True)
    fill_invitation(me, "later")
    other = me.screen.context.new_page()
    other.goto(me.place.console.address + me.root)
    other.locator(".topbar-end details summary").click()
    other.locator("form[action='/sign-out/'] button").click()
    other.locator("input[type=email]").fill(me.email)
    other.locator("input[type=password]").fill(me.password)
    other.locator("form .primary").first.click()
    expect(other.locator(".places").first).to_be_visible()
    me.page.locator("#invite ~ form button.primary").click()
    finds_invitation(me, "later")
    expect(me.page.locator("main .notice-warning").first).to_contain_text(me.words["once more"])
    expect(me.page.locator("main table").first).not_to_contain_text(f"later-{language}@people.example")
    me.page.locator("#invite ~ form button.primary").click()
    expect(me.page.locator("main")).to_contain_text(f"later-{language}@people.example")


@both
def test_a_refused_form_keeps_what_was_typed_in_the_other_language(visitor: Any, language: str) -> None:
    me = visitor("refused", language)
    me.open("notices/")
    me.page.locator("#told-email").fill("not an address")
    me.page.locator("#told-email ~ button, form:has(#told-email) button").click()
    expect(me.page.locator("[role=alert]")).to_be_visible()
    me.switch_language()
    expect(me.page.locator("#told-email")).to_have_value("not an address")


@both
def test_an_operator_without_a_password_confirms_by_a_new_link(visitor: Any, language: str) -> None:
    me = visitor("operator", language, operator=True)
    me.screen.goto("/companies/new/")
    me.page.locator("#address").fill("https://sandbox.dialpad.com")
    me.page.locator("#api-key").fill("never-kept")
    me.age("stale")
    me.page.locator("main form button.primary").click()
    command = me.page.locator("main code", has_text="admin-link").inner_text()
    said = me.place.console.command(*command.split()[1:])
    found = re.search(r"https?://\S+", said)
    assert found is not None
    me.page.goto(found[0])
    me.page.locator("main form button").click()
    expect(me.page.locator("#address")).to_have_value("https://sandbox.dialpad.com")
    expect(me.page.locator("#api-key")).to_have_value("")


@both
def test_a_bucket_is_named_and_an_unused_one_removed(visitor: Any, language: str) -> None:
    me = visitor("buckets", language)
    company = str(me.place.console.sim.hello["companies"][1]["id"])
    url = me.place.console.rokuon.folder(f"by-mistake-{language}")
    me.place.console.command("bucket", "add", url, "--company", company)
    me.open("settings/buckets/")
    me.page.locator("th a", has_text=f"by-mistake-{language}").click()
    me.page.locator("#bucket-name").fill("旧バケット")
    me.page.locator("form:has(#bucket-name) button").click()
    expect(me.page.locator("#bucket-name")).to_have_value("旧バケット")
    me.page.locator("a[href$='/remove/']").click()
    me.page.locator("main form button.danger").click()
    expect(me.page.locator(".notice-success")).to_contain_text(me.words["removed"])
    expect(me.page.locator("th a", has_text=f"by-mistake-{language}")).to_have_count(0)
    me.page.locator("th a").first.click()
    expect(me.page.locator("a[href$='/remove/']")).to_have_count(0)


@both
def test_every_level_has_the_link_to_register_a_bucket_and_the_form_preselects_what_works(visitor: Any, language: str) -> None:
    me = visitor("register", language)
    me.open("settings/")
    for kind in ("office", "target"):
        me.page.locator(f"#level-list a[href*='/{kind}/']").first.click()
        expect(me.page.locator(".level-buckets a[href$='/buckets/new/']")).to_be_visible()
    me.page.locator(".level-buckets a[href$='/buckets/new/']").click()
    expect(me.page.locator("input[name=whose][value=key]")).to_be_checked()
    expect(me.page.locator("#bucket-key")).to_be_visible()


@both
def test_more_requests_than_dialpad_allows_need_a_confirmed_exception(visitor: Any, language: str) -> None:
    me = visitor("budget", language)
    me.open("settings/")
    me.page.locator("#set-requests_per_second").fill("1200")
    me.page.locator("#change ~ form button.primary").click()
    expect(me.page.locator("#set-requests_per_second_error")).to_contain_text(me.words["limit"])
    me.page.locator("#set-above_limit").check()
    me.page.locator("#change ~ form button.primary").click()
    expect(me.page.locator(".notice-success")).to_be_visible()
    me.place.console.command(
        "settings", "set", "--requests-per-second", "1000", "--above-dialpad-limit",
        "--company", str(me.place.console.sim.hello["companies"][1]["id"]),
    )  # fmt: skip
