"""Signing in with another identity provider (Q30): the way in for who was invited, and what attackers try."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone
from pydantic import SecretStr

from rokuon.accounts.models import AuditEntry, Person
from rokuon.accounts.settings import sign_in_settings
from rokuon.cli.doctor import provider as provider_checks
from rokuon.cli.doctor.check import Check, Level
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from tests.authority import HERE, Authority, trusted_strictly

from .conftest import signed_in_as
from .identity_provider import CLIENT, SECRET, IdentityProvider

NOW = int(time.time())


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with running() as provider:
        yield provider


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(tls)
    config = Config(oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SecretStr(SECRET))
    try:
        with override_settings(SOCIALACCOUNT_PROVIDERS=sign_in_settings(config)["SOCIALACCOUNT_PROVIDERS"]):
            yield provider
    finally:
        provider.close()


def start(browser: Client) -> str:
    """The address at the provider to which the browser is sent."""
    answer = browser.post("/sign-in/with/", {"next": "/account/password/"})
    assert answer.status_code == 200
    return answer["Refresh"].removeprefix("0; url=")


def come_back(browser: Client, query: str) -> HttpResponse:
    return browser.get(f"/sign-in/with/back/{query}")  # type: ignore[return-value]


def go(idp: IdentityProvider, browser: Client) -> HttpResponse:
    return come_back(browser, idp.authorize(start(browser)))


def refused(answer: HttpResponse, browser: Client) -> bool:
    return answer.status_code == 403 and "did not work" in answer.content.decode() and signed_in_as(browser) is None


def test_who_was_invited_comes_in_and_is_known_by_issuer_and_subject(idp: IdentityProvider, person: Person) -> None:
    browser = Client()
    assert "Sign in with 127.0.0.1" in browser.get("/sign-in/").content.decode()
    assert go(idp, browser)["Location"] == "/account/password/"
    assert signed_in_as(browser) == person.pk
    assert AuditEntry.objects.get(action="account.oidc").person == person
    idp.claims |= {"email": "new-address@example.com", "email_verified": False}
    again = Client()
    go(idp, again)
    assert signed_in_as(again) == person.pk
    assert SocialAccount.objects.count() == 1


LOOK_ALIKES = [
    "\N{KELVIN SIGN}iichi@kiss.example",
    "k\N{LATIN SMALL LETTER DOTLESS I}ichi@kiss.example",
    "kiichi@ki\N{LATIN SMALL LETTER LONG S}s.example",
    "kiichi@\N{KELVIN SIGN}iss.example",
    "kiichi@k\N{LATIN SMALL LETTER DOTLESS I}ss.example",
    "kİichi@kiss.example",
    "kiichi@kis\N{FULLWIDTH LATIN SMALL LETTER S}.example",
    "kiichi@kiss\N{IDEOGRAPHIC FULL STOP}example",
    "\N{NO-BREAK SPACE}kiichi@kiss.example",
    "kiichi@kiss.example\0",
    "kiichi@xn--kss-dla.example",
]


@pytest.mark.parametrize("address", LOOK_ALIKES)
def test_an_address_that_only_looks_like_a_persons_joins_nobody(idp: IdentityProvider, person: Person, address: str) -> None:
    Person.objects.update(email="kiichi@kiss.example")
    idp.claims["email"] = address
    browser = Client()
    assert refused(go(idp, browser), browser)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("address", ["Kiichi@KISS.example", "kiichi@xn--bcher-kva.example", "kiichi@Bücher.example"])
def test_the_same_address_written_in_another_way_is_the_person(idp: IdentityProvider, person: Person, address: str) -> None:
    Person.objects.update(email="kiichi@kiss.example" if "KISS" in address else "kiichi@xn--bcher-kva.example")
    idp.claims["email"] = address
    browser = Client()
    go(idp, browser)
    assert signed_in_as(browser) == person.pk


def test_what_is_asked_of_the_provider_is_bound_to_this_browser_and_time(idp: IdentityProvider, db: None) -> None:
    first, second = start(Client()), start(Client())
    for part in ("state=", "nonce=", "code_challenge="):
        one, other = (address.partition(part)[2].partition("&")[0] for address in (first, second))
        assert one and one != other


LIES: dict[str, dict[str, Any]] = {
    "a nonce of another time": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "an issuer with a slash more": {"iss": "SLASH"},
    "made for another client": {"aud": "another-client"},
    "made for others, too": {"aud": [CLIENT, "another-client"]},
    "given to another client": {"azp": "another-client"},
    "expired": {"exp": NOW - 120},
    "without an end": {"exp": None},
    "from long ago": {"iat": NOW - 3600},
    "not valid yet": {"nbf": NOW + 3600},
    "without a subject": {"sub": None},
    "with an empty subject": {"sub": ""},
    "mail not verified": {"email_verified": False},
    "mail verified, it says": {"email_verified": "true"},
    "nothing said about the mail": {"email_verified": None},
    "no mail": {"email": None},
    "someone who was not invited": {"email": "stranger@example.com"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_token_that_is_not_right_in_every_part_is_refused(idp: IdentityProvider, person: Person, lie: dict[str, Any]) -> None:
    idp.claims |= {name: f"{idp.issuer}/" if value == "SLASH" else value for name, value in lie.items()}
    idp.token = lambda claims: idp.sign({name: value for name, value in claims.items() if value is not None})
    browser = Client()
    assert refused(go(idp, browser), browser)
    assert not SocialAccount.objects.exists()
    assert Person.objects.count() == 1


def _public(idp: IdentityProvider) -> bytes:
    return json.dumps(idp.keys()["keys"][0]).encode()


FORGERIES = {
    "unsigned": lambda idp, claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "1"}),
    "signed with the client secret": lambda idp, claims: idp.sign(claims, SECRET, "HS256"),
    "signed with the public key as a secret": lambda idp, claims: idp.sign(claims, _public(idp), "HS256"),
    "signed with another key": lambda idp, claims: idp.sign(claims, rsa.generate_private_key(65537, 2048)),
    "signed with a key that is not the provider's": lambda idp, claims: idp.sign(claims, kid="2"),
    "changed after signing": lambda idp, claims: idp.sign(claims)[:-6] + "AAAAAA",
    "not a token": lambda idp, claims: "not.a.token",
    "none at all": lambda idp, claims: "",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_token_that_the_provider_did_not_sign_is_refused(idp: IdentityProvider, person: Person, forge: Any) -> None:
    idp.token = lambda claims: forge(idp, claims)
    browser = Client()
    assert refused(go(idp, browser), browser)


@pytest.mark.parametrize(
    "change", [lambda q: q.replace("state=", "state=x"), lambda q: q.partition("&state")[0], lambda q: "?error=access_denied"]
)
def test_an_answer_without_the_state_of_the_question_is_refused(idp: IdentityProvider, person: Person, change: Any) -> None:
    browser = Client()
    assert refused(come_back(browser, change(idp.authorize(start(browser)))), browser)


def test_an_answer_to_another_browsers_question_is_refused(idp: IdentityProvider, person: Person) -> None:
    attacker, victim = Client(), Client()
    query = idp.authorize(start(attacker))
    assert refused(come_back(victim, query), victim)


def test_an_answer_is_taken_once(idp: IdentityProvider, person: Person) -> None:
    browser = Client()
    query = idp.authorize(start(browser))
    come_back(browser, query)
    browser.post("/sign-out/")
    assert refused(come_back(browser, query), browser)


def test_a_code_that_was_asked_for_with_another_verifier_is_of_no_use(idp: IdentityProvider, person: Person) -> None:
    """A stolen code, brought in with a state of one's own."""
    victim, thief = Client(), Client()
    stolen = idp.authorize(start(victim)).partition("&state=")[0]
    own = idp.authorize(start(thief)).partition("&state=")[2]
    assert refused(come_back(thief, f"{stolen}&state={own}"), thief)


def test_another_account_with_the_same_mail_is_not_the_same_person(idp: IdentityProvider, person: Person) -> None:
    go(idp, Client())
    idp.claims["sub"] = "249"
    browser = Client()
    assert refused(go(idp, browser), browser)


def test_who_is_disabled_does_not_come_in(idp: IdentityProvider, person: Person) -> None:
    go(idp, Client())
    Person.objects.update(disabled_at=timezone.now())
    browser = Client()
    assert go(idp, browser)["Location"] == "/sign-in/disabled/"
    assert signed_in_as(browser) is None


@pytest.mark.parametrize(
    "part", [{"issuer": "https://evil.example"}, {"token_endpoint": "http://192.0.2.1/token"}, {"jwks_uri": "file:///etc/passwd"}]
)
def test_a_discovery_that_names_somebody_else_or_leaves_https_is_not_followed(
    idp: IdentityProvider, db: None, part: dict[str, str]
) -> None:
    idp.discovery = part
    answer = Client().post("/sign-in/with/")
    assert answer.status_code == 502
    assert "Refresh" not in answer.headers


def test_a_provider_that_is_away_is_said(idp: IdentityProvider, db: None) -> None:
    idp.close()
    answer = Client().post("/sign-in/with/")
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (502, True)


def test_a_provider_that_goes_away_between_question_and_answer_is_said(idp: IdentityProvider, db: None) -> None:
    browser = Client()
    query = idp.authorize(start(browser))
    idp.close()
    answer = come_back(browser, query)
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (502, True)


def doctor(idp: IdentityProvider) -> Check:
    return provider_checks._answer(idp.issuer)


def test_a_provider_with_a_certificate_of_the_companys_own_authority_is_one_like_others(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "ours")
    trusted_strictly(authority, monkeypatch)
    with running(authority.server()) as idp:
        assert doctor(idp).level is Level.OK
        browser = Client()
        go(idp, browser)
    assert signed_in_as(browser) == person.pk


def test_a_certificate_without_key_identifiers_is_said_to_lack_them(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "old", keeps_rfc_5280=False)
    trusted_strictly(authority, monkeypatch)
    with running(authority.server()) as idp:
        answer, check = Client().post("/sign-in/with/"), doctor(idp)
    page = answer.content.decode()
    assert (answer.status_code, "lacks what RFC 5280 asks for" in page, "does not answer" in page) == (502, True, False)
    assert check.level is Level.PROBLEM
    assert ("Key Identifier" in check.says, "key identifiers" in check.todo) == (True, True)


def test_a_certificate_that_lapses_between_question_and_answer_is_said_too(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, old = Authority(tmp_path, "ours"), Authority(tmp_path, "old", keeps_rfc_5280=False)
    trusted_strictly(good, monkeypatch)
    tls = good.server()
    with running(tls) as idp:
        browser = Client()
        query = idp.authorize(start(browser))
        tls.load_cert_chain(old.certificate(HERE))
        monkeypatch.setenv("SSL_CERT_FILE", str(old.file))
        answer = come_back(browser, query)
    assert (answer.status_code, "lacks what RFC 5280 asks for" in answer.content.decode()) == (502, True)
    assert signed_in_as(browser) is None


def test_doctor_says_what_is_wrong_with_the_provider(idp: IdentityProvider, db: None) -> None:
    assert doctor(idp).level is Level.OK
    idp.discovery = {"issuer": "https://evil.example"}
    other = doctor(idp)
    assert (other.level, "another issuer" in other.says) == (Level.PROBLEM, True)
    idp.close()
    assert doctor(idp).level is Level.WARNING


@pytest.mark.parametrize(
    ("issuer", "fine"),
    [
        ("https://a.example", True),
        ("https://a.example/tenant/v2.0", True),
        ("http://127.0.0.1:9", True),
        ("http://10.0.0.1", False),
        ("https://u:p@a.example", False),
    ],
)
def test_an_issuer_is_https_or_this_machine(issuer: str, fine: bool) -> None:
    if fine:
        assert Config.load({"ROKUON_OIDC_ISSUER": issuer}).oidc_issuer == issuer
    else:
        with pytest.raises(ConfigError):
            Config.load({"ROKUON_OIDC_ISSUER": issuer})
