"""The second factor (Q29): sealed, asked for, taken once, slow to guess."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from rokuon.accounts import links, operators, second_factor
from rokuon.accounts.models import AuditEntry, Person, SpentCode
from rokuon.base.secrets import new_key

from .conftest import sign_in, signed_in_as
from .test_links import now


@pytest.fixture(autouse=True)
def master_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "master.key").write_text(new_key())
    monkeypatch.setenv("ROKUON_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    second_factor._vault.cache_clear()
    yield
    second_factor._vault.cache_clear()


def code_of(secret: str, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up(person: Person) -> str:
    """Sets the second factor up on its page; the secret."""
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    page = browser.get("/account/second-factor/set-up/").content.decode()
    secret = browser.session["mfa.totp.secret"]
    assert secret in page and "<svg" in page and "style=" not in page
    answer = browser.post("/account/second-factor/set-up/", {"code": code_of(secret, -1)})
    assert (answer.status_code, answer["Location"]) == (302, "/account/second-factor/recovery-codes/")
    return secret


def test_after_the_password_the_code_is_asked_for(person: Person) -> None:
    secret = set_up(person)
    browser = Client()
    assert sign_in(browser)["Location"] == "/sign-in/code/"
    assert signed_in_as(browser) is None
    assert browser.get("/account/password/").status_code == 302
    assert browser.post("/sign-in/code/", {"code": "000000"}).status_code == 422
    assert browser.post("/sign-in/code/", {"code": code_of(secret)}).status_code == 302
    assert signed_in_as(browser) == person.pk


def test_a_code_is_taken_once_also_the_one_of_the_setting_up(person: Person) -> None:
    secret = set_up(person)
    for code, taken in ((code_of(secret, -1), False), (code_of(secret), True), (code_of(secret), False), (code_of(secret, 1), True)):
        browser = Client()
        sign_in(browser)
        browser.post("/sign-in/code/", {"code": code})
        assert (signed_in_as(browser) is not None) == taken
    SpentCode.objects.update(spent_at=now() - second_factor.RIGHT_FOR)
    assert second_factor.spend(person.pk, code_of(secret), now())


def test_the_code_page_is_nothing_without_the_password(person: Person) -> None:
    secret = set_up(person)
    browser = Client()
    assert browser.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"
    assert signed_in_as(browser) is None


def test_guesses_at_codes_are_slowed(person: Person) -> None:
    secret = set_up(person)
    for _ in range(20):  # the waits double, so that a slow machine reaches one that it does not outlast
        browser = Client(headers={"accept-language": "en"})
        sign_in(browser)
        if "Too many tries." in browser.post("/sign-in/code/", {"code": "000000"}).content.decode():
            break
    else:
        pytest.fail("twenty guesses, and none had to wait")
    assert browser.post("/sign-in/code/", {"code": code_of(secret)}).status_code == 422


def test_a_recovery_code_works_once(person: Person) -> None:
    set_up(person)
    codes = second_factor.recovery_codes(person)
    assert len(codes) == 10
    for taken in (True, False):
        browser = Client()
        sign_in(browser)
        browser.post("/sign-in/code/", {"code": codes[0]})
        assert (signed_in_as(browser) is not None) == taken
    assert len(second_factor.recovery_codes(person)) == 9


def test_a_link_does_not_go_round_the_second_factor(person: Person) -> None:
    set_up(person)
    browser = Client()
    assert browser.post(links.path(operators.sign_in_link(person.email, now())[1]))["Location"] == "/sign-in/code/"
    assert signed_in_as(browser) is None


def test_secrets_are_sealed_in_the_database(person: Person) -> None:
    secret = set_up(person)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept and kept.count("gAAAA") == 2


def test_setting_up_and_taking_away_ask_again_and_are_written_down(person: Person) -> None:
    set_up(person)
    browser = Client()
    browser.force_login(person)
    session = browser.session
    session["proved_at"] -= 601
    session.save()
    for path in ("set-up/", "remove/", "recovery-codes/"):
        assert "/account/confirm/" in browser.post(f"/account/second-factor/{path}")["Location"]
    assert second_factor.has(person)
    session["proved_at"] += 601
    session.save()
    browser.post("/account/second-factor/remove/")
    assert not second_factor.has(person)
    assert not Authenticator.objects.exists()
    assert [entry.after for entry in AuditEntry.objects.order_by("pk")] == [{"set_up": True}, {"set_up": False}]
