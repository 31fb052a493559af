"""From a failure mail to its page: an office admin of Dialpad's directory without an account, a real mail server, a real worker.

The mail goes through a scanner that opens every link first.
"""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.notify.mail_server import MailServer

from . import clicks
from .rig import Console, running
from .screen import NARROW, Screen, open_screen

FACTS = Path(__file__).with_name("directory_facts.py")
FAULTY = {"endpoint": "media_blob", "share": 0.25, "action": {"kind": "zeros"}}
WORDS = {
    "en": ("Send me a sign-in link", "Check your mail", "Sign in", "This link no longer works"),
    "ja": ("サインイン用のリンクをメールで受け取る", "メールを確認してください", "サインイン", "このリンクは使えません"),
}


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    server = MailServer()
    server.on()
    yield server
    server.off()


@pytest.fixture(scope="module")
def console(post: MailServer) -> Iterator[Console]:
    mail = f"smtp://127.0.0.1:{post.port}?tls=none"
    with running("--recordings=40", "--days=80", "--talk=2,5,20", ROKUON_SMTP_URL=mail) as console:
        console.sim.control("POST", "faults", FAULTY)
        console.add_companies()
        console.rokuon("backup-now")
        console.serve()
        console.work()
        yield console


@pytest.fixture
def look(chromium: Browser, console: Console) -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_one(**options: object) -> Screen:
        opened.append(open_screen(chromium, console, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for screen in opened:
        screen.close()
        assert screen.problems == []


def scanned(address: str) -> str:
    """A mail scanner opens the link twice before the reader does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(2):
        assert opener.open(address, timeout=10).status == 200
    return address


def link_to(post: MailServer, email: str, console: Console) -> str:
    """The link in the newest mail to the address, once there is one."""
    deadline = time.monotonic() + 20
    while True:
        mine = [mail for mail in post.mails if email in mail["To"] and "/mail-link/" in mail.get_body(("plain",)).get_content()]
        if mine:
            found = re.search(rf"{console.address}/mail-link/\S+", mine[-1].get_body(("plain",)).get_content())
            assert found is not None
            return found[0]
        assert time.monotonic() < deadline, console.said("worker")
        time.sleep(0.1)


@pytest.mark.parametrize(("language", "width", "script"), [pytest.param("en", 1280, True, marks=pytest.mark.slow), ("ja", NARROW, False)])
def test_the_link_of_a_failure_mail_leads_an_office_admin_without_an_account_to_its_page(
    console: Console, post: MailServer, look: Callable[..., Screen], language: str, width: int, script: bool
) -> None:
    facts = console.python(FACTS, language)
    send, check, sign_in, over = WORDS[language]
    screen = look(language=language, width=width, java_script_enabled=script)
    page, hand = screen.page, clicks.watch(screen)
    hand.click()
    screen.goto(facts["page"])
    page.locator("#id_login").fill(facts["email"])
    page.get_by_role("button", name=send).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(check)
    link = scanned(link_to(post, facts["email"], console))
    hand.click()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_contain_text(facts["email"])
    page.locator("main").get_by_role("button", name=sign_in, exact=True).click()
    assert page.url == console.address + facts["page"]
    listed = {one["email"]: one["roles"] for one in json.loads(console.command("people", "list", "--json"))}
    assert [role.startswith("office_admin") and role.endswith(facts["office"]) for role in listed[facts["email"]]] == [True]
    other = look(language=language, width=width)
    other.page.goto(link)
    expect(other.page.get_by_role("heading", level=1)).to_have_text(over)
    if script:
        _fix(console, page)
        assert hand.effort == clicks.documented("failure mail to fixed, without an account")


def test_two_clicks_lead_who_is_signed_in_from_the_mail_to_the_verdict(console: Console, chromium: Browser) -> None:
    console.sim.control("POST", "faults", FAULTY)
    console.rokuon("backup-now", "--relist")
    facts = console.python(FACTS, "fr")
    cookies = console.sign_in([{"email": "admin@people.example", "role": "company_admin"}])
    screen = open_screen(chromium, console, cookies["admin@people.example"])
    hand = clicks.watch(screen)
    hand.click()
    screen.goto(facts["page"])
    _fix(console, screen.page)
    assert hand.effort == clicks.documented("failure mail to fixed, signed in")
    assert screen.problems == []
    screen.close()


def _fix(console: Console, page: Page) -> None:
    """Someone has removed the cause; the person retries it and reads the verdict."""
    console.sim.control("DELETE", "faults")
    page.get_by_role("button", name="Retry this cause").click()
    expect(page.locator("#verdict")).to_contain_text("backed up", timeout=60_000)


def test_a_stranger_sees_the_same_page_and_gets_no_mail(console: Console, post: MailServer, look: Callable[..., Screen]) -> None:
    before = len(post.mails)
    screen = look()
    screen.goto("/sign-in/")
    screen.page.locator("#id_login").fill("stranger@elsewhere.example")
    screen.page.get_by_role("button", name=WORDS["en"][0]).click()
    expect(screen.page.get_by_role("heading", level=1)).to_have_text(WORDS["en"][1])
    time.sleep(3)
    assert not [mail for mail in post.mails[before:] if "stranger" in mail["To"]]
    assert "stranger" not in console.command("people", "list", "--json")
