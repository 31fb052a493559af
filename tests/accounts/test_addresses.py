"""One address is one account, whatever letters it is written in: on every way in, in the database, and after an upgrade."""

from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client, RequestFactory

from rokuon.accounts import operators, people, throttle
from rokuon.accounts.addresses import CannotSignIn, NotAnAddress
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry, Person, Throttle
from rokuon.notify.models import Recipient
from rokuon.org import services

from .conftest import PASSWORD, sign_in, signed_in_as

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def kiichi(person: Person) -> Person:
    Person.objects.filter(pk=person.pk).update(email="kiichi@kiss.example")
    person.refresh_from_db()
    return person


@pytest.mark.parametrize("address", ["kiichi@\N{KELVIN SIGN}iss.example", "kiichi@ki\N{LATIN SMALL LETTER LONG S}s.example"])
def test_a_look_alike_signs_in_nobody_and_counts_against_nobody(kiichi: Person, address: str) -> None:
    browser = Client()
    answer = sign_in(browser, address)
    assert (answer.status_code, signed_in_as(browser)) == (422, None)
    assert "The e-mail address or the password is not right." in answer.content.decode()
    assert not Throttle.objects.filter(key=throttle.account_key(kiichi.email, RequestFactory().post("/sign-in/"))).exists()


@pytest.mark.parametrize("address", ["KIICHI@Kiss.Example", " kiichi@kiss.example "])
def test_the_same_address_signs_in_however_it_is_typed(kiichi: Person, address: str) -> None:
    browser = Client()
    sign_in(browser, address)
    assert signed_in_as(browser) == kiichi.pk


def test_a_domain_beyond_ascii_is_one_account_in_both_of_its_forms(kiichi: Person) -> None:
    Person.objects.update(email="kiichi@xn--bcher-kva.example")
    for address in ("kiichi@bücher.example", "kiichi@xn--bcher-kva.example"):
        browser = Client()
        sign_in(browser, address)
        assert signed_in_as(browser) == kiichi.pk
    company = services.create_company("Acme", "https://acme.example", "1")
    assert people.invite(COMMAND_LINE, company.pk, "Kiichi@Bücher.example", "", "viewer", None, "en", NOW).pk == kiichi.pk


@pytest.mark.parametrize(
    "address",
    ["\N{KELVIN SIGN}iichi@kiss.example", "kiichi@\N{KELVIN SIGN}iss.example", "k\N{LATIN SMALL LETTER DOTLESS I}ichi@kiss.example"],
)
def test_no_look_alike_is_invited_or_let_in_by_the_operator(kiichi: Person, address: str) -> None:
    company = services.create_company("Acme", "https://acme.example", "1")
    with pytest.raises(NotAnAddress):
        people.invite(COMMAND_LINE, company.pk, address, "", "viewer", None, "en", NOW)
    with pytest.raises(NotAnAddress):
        operators.sign_in_link(address, NOW)
    assert Person.objects.at(address) is None
    assert Person.objects.get() == kiichi


def test_an_operator_is_not_made_of_an_address_with_which_nobody_signs_in(db: None) -> None:
    with pytest.raises(CannotSignIn):
        operators.sign_in_link("jürgen@acme.example", NOW)
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "address", ["Kiichi@kiss.example", "kiichi@KISS.example", "kıichi@kiss.example", "kiichi@bücher.example", "kiichi", "@kiss.example"]
)
def test_the_database_refuses_an_account_whose_address_is_in_another_form(kiichi: Person, address: str) -> None:
    with pytest.raises(IntegrityError, match="person_address"), transaction.atomic():
        Person.objects.create(email=address)
    with pytest.raises(IntegrityError, match="person_address"), transaction.atomic():
        Person.objects.filter(pk=kiichi.pk).update(email=address)


@pytest.mark.parametrize("address", ["Kiichi@kiss.example", "kiichi@KISS.example", "kiichi@bücher.example", "kiichi", "a b@kiss.example"])
def test_the_database_refuses_a_recipient_whose_address_is_in_another_form(db: None, address: str) -> None:
    company = services.create_company("Acme", "https://acme.example", "1")
    with pytest.raises(IntegrityError, match="recipient_address"), transaction.atomic():
        Recipient.objects.create(company=company, email=address, language="en")
    Recipient.objects.create(company=company, email="jürgen@xn--bcher-kva.example", language="en")


# Upgrading


@pytest.fixture
def before(transactional_db: None) -> Any:
    """The tables as they were before addresses had one form."""
    yield back_to(("accounts", "0003_sign_in_log"), ("notify", "0002_unlisted"))
    upgrade()


def back_to(*nodes: tuple[str, str]) -> Any:
    """The models of that time, beside those of the other apps as they are."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(nodes))
    apps = {app for app, _name in nodes}
    others = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in apps | {"notify"}]
    return executor.loader.project_state([*nodes, *others]).apps


def upgrade() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_an_upgrade_keeps_everybody_apart_and_lets_nobody_in_as_somebody_else(before: Any) -> None:
    OldPerson, Membership, Session, Link = (before.get_model("accounts", name) for name in ("Person", "Membership", "Session", "Link"))
    company = before.get_model("org", "Company").objects.create(name="Acme", public_id="acme")

    def make(email: str, **fields: Any) -> int:
        pk: int = OldPerson.objects.create(email=email, **fields).pk
        Membership.objects.create(person_id=pk, company=company, role="viewer")
        Session.objects.create(session_key=email, session_data="", expire_date=NOW, person_id=pk)
        Link.objects.create(token=email, kind="invitation", person_id=pk, expires_at=NOW)
        return pk

    plain, capital = make("plain@kiss.example"), make("Capital@Kiss.example")
    unused, used = make("ken@bücher.example"), make("ken@xn--bcher-kva.example", last_login=NOW)
    first, second = make("ann@例え.example"), make("ann@xn--r8jz45g.example")
    odd = make("kiß@kiss.example")
    wide = make("wide@ａｃｍｅ.example")
    Join = before.get_model("socialaccount", "SocialAccount")
    for pk, email in (
        (plain, "pla\N{LATIN SMALL LETTER DOTLESS I}n@kiss.example"),
        (capital, "married@kiss.example"),
        (used, "ken@bücher.example"),
    ):
        Join.objects.create(user_id=pk, provider="oidc", uid=str(pk), extra_data={"id_token": {"email": email}})
    upgrade()

    email = dict(Person.objects.values_list("pk", "email"))
    assert {pk: email[pk] for pk in (plain, capital, used, first, wide)} == {
        plain: "plain@kiss.example",
        capital: "capital@kiss.example",
        used: "ken@xn--bcher-kva.example",
        first: "ann@xn--r8jz45g.example",
        wide: "wide@acme.example",
    }
    for pk in (unused, second, odd):
        retired = Person.objects.get(pk=pk)
        assert (retired.email, retired.is_active) == (f"person-{pk}@unusable.invalid", False)
        assert not retired.sessions.exists() and not retired.links.exists()
        assert {one.action for one in AuditEntry.objects.filter(subject_id=str(pk), company_id=company.pk)} == {
            "person.address",
            "person.disable",
        }
    assert Person.objects.get(pk=used).sessions.exists()
    assert set(SocialAccount.objects.values_list("user_id", flat=True)) == {capital, used}
    assert not Person.objects.get(pk=plain).sessions.exists()
    assert AuditEntry.objects.get(action="account.oidc_undo").subject_id == str(plain)


def test_an_upgrade_keeps_each_recipient_once(before: Any) -> None:
    company = before.get_model("org", "Company").objects.create(name="Acme", public_id="acme")
    Old = before.get_model("notify", "Recipient")
    for email in ("Desk@acme.example", "ken@bücher.example", "ken@xn--bcher-kva.example", "jürgen@acme.example", "nobody"):
        Old.objects.create(company=company, email=email, language="en")
    upgrade()
    assert sorted(Recipient.objects.values_list("email", flat=True)) == [
        "desk@acme.example",
        "jürgen@acme.example",
        "ken@xn--bcher-kva.example",
    ]
    assert {one.subject for one in AuditEntry.objects.filter(action="notice.remove")} == {"ken@xn--bcher-kva.example", "nobody"}


def test_the_password_still_works_after_an_upgrade(before: Any, person_made: str) -> None:
    upgrade()
    browser = Client()
    sign_in(browser, "hanako@example.com", PASSWORD)
    assert signed_in_as(browser) is not None


@pytest.fixture
def person_made(before: Any) -> str:
    made = before.get_model("accounts", "Person")(email="Hanako@Example.com")
    now = Person(email="unsaved@example.com")
    now.set_password(PASSWORD)
    made.password = now.password
    made.save()
    return str(made.email)


# What keeps someone out, and the proof


@pytest.fixture
def before_proofs(transactional_db: None) -> Any:
    """The tables as they were when one field kept people out and nobody knew how an address was proven."""
    yield back_to(("accounts", "0004_addresses"))
    upgrade()


def test_an_upgrade_tells_the_operators_word_from_a_lost_role(before_proofs: Any) -> None:
    OldPerson, Membership, AuditEntry = (before_proofs.get_model("accounts", name) for name in ("Person", "Membership", "AuditEntry"))
    company = before_proofs.get_model("org", "Company").objects.create(name="Acme", public_id="acme")

    def make(name: str, *told: str, role: bool = False, **fields: Any) -> int:
        pk: int = OldPerson.objects.create(email=f"{name}@kiss.example", **fields).pk
        for minute, action in enumerate(told):
            at = datetime(2026, 11, 1, 0, minute, tzinfo=UTC)
            AuditEntry.objects.create(at=at, actor="x", action=action, subject_kind="person", subject_id=str(pk))
        if role:
            Membership.objects.create(person_id=pk, company=company, role="viewer")
        return pk

    kept_out = [
        make("disabled", "person.disable", role=True, is_active=False),
        make("both", "person.disable", "person.enable", "person.disable", is_active=False),
        make("member", role=True, is_active=False),
        make("runs", is_operator=True, is_active=False),
    ]
    removed = [make("left", is_active=False), make("enabled", "person.disable", "person.enable", is_active=False)]
    active = make("active", role=True, last_login=NOW)
    operator = make("operator", is_operator=True, last_login=NOW)
    upgrade()
    people_now = {one.pk: one for one in Person.objects.all()}
    assert all(people_now[pk].disabled_at is not None and not people_now[pk].is_active for pk in kept_out)
    assert all(people_now[pk].removed_at is not None and people_now[pk].disabled_at is None for pk in removed)
    assert people_now[active].is_active and people_now[active].proven_at is None
    assert (people_now[operator].proven_at, people_now[operator].proven_by) == (NOW, "operator")
