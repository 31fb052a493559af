"""Attempts to take a role in another company by way of an account that exists already, and to undo what an operator decided.

Mallory administers Zenith (`world.other`). Acme's admin will invite Victoria, whose address Mallory invites first.
"""

import re
from datetime import UTC, datetime
from importlib import import_module
from threading import Barrier, Thread
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core import mail
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from rokuon.accounts import operators, people, proof, recent_auth, throttle
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry, Link, Membership, Person, Session
from rokuon.accounts.views.password import password as password_page
from rokuon.org.models import Company, User
from tests.accounts.conftest import PASSWORD, sign_in, signed_in_as
from tests.accounts.identity_provider import IdentityProvider
from tests.accounts.test_oidc import go
from tests.accounts.test_oidc import idp as idp_fixture
from tests.notify.conftest import smtp as smtp_fixture
from tests.notify.mail_server import MailServer

from .conftest import Role, World, make_company

WITHOUT_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")
VICTORIA = "victoria@kiss.example"
idp, smtp = idp_fixture, smtp_fixture


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def invite(company: Company, browser: Client, email: str = VICTORIA) -> HttpResponse:
    sent = {"email": email, "place": "viewer:"}
    return browser.post(f"/c/{company.public_id}/people/invite/", sent, follow=True)  # type: ignore[return-value]


def link_in(words: str) -> str:
    found = re.search(r"/link/[\w-]+/", words)
    assert found is not None
    return found[0]


@pytest.fixture
def mallory(world: World) -> Client:
    return world.client(Role.COMPANY_ADMIN, company=world.other)


class Intruder:
    """Mallory, signed in as Victoria with everything that can be set on an account: Zenith's own directory names her, so that the link
    was shown."""

    def __init__(self, world: World, mallory: Client) -> None:
        User.objects.create(company=world.other, dialpad_id="9", name="Victoria", emails=["Victoria@Kiss.example"])
        with WITHOUT_MAIL:
            path = link_in(text(invite(world.other, mallory)))
        self.browser = Client(headers={"accept-language": "en"})
        self.browser.post(path)
        self.browser.post("/account/password/", {"password": PASSWORD})
        self.person = Person.objects.get(email=VICTORIA)
        self.browser.post("/sign-out/")
        sign_in(self.browser, VICTORIA)
        Authenticator.objects.create(user=self.person, type=Authenticator.Type.TOTP, data={})
        SocialAccount.objects.create(user=self.person, provider="oidc", uid="mallory", extra_data={})

    def get_in(self) -> bool:
        """By the session, or by the password in a new browser."""
        other = Client()
        sign_in(other, VICTORIA)
        return signed_in_as(self.browser) is not None or signed_in_as(other) is not None or "code" in other.get("/sign-in/code/").url  # type: ignore[attr-defined]


@pytest.fixture
def intruder(world: World, mallory: Client) -> Intruder:
    return Intruder(world, mallory)


@pytest.fixture
def server(settings: Any, request: pytest.FixtureRequest) -> MailServer:
    """A mail server; the console stays where the test's browser asks for it."""
    here = settings.ROKUON_PUBLIC_URL
    found: MailServer = request.getfixturevalue("smtp")
    settings.ROKUON_PUBLIC_URL = here
    return found


# The link on the screen


@WITHOUT_MAIL
def test_no_link_is_shown_for_an_address_outside_the_companys_directory(world: World, mallory: Client) -> None:
    answer = invite(world.other, mallory)
    assert "/link/" not in text(answer)
    assert "rokuon admin-link --email victoria@kiss.example" in text(answer)
    assert not Link.objects.exists()
    person = Person.objects.get(email=VICTORIA)
    again = mallory.post(f"/c/{world.other.public_id}/people/{person.pk}/invitation/", {"do": "send"}, follow=True)
    assert "/link/" not in text(again)  # type: ignore[arg-type]


def test_no_link_is_shown_because_the_mail_server_answers_451(world: World, mallory: Client, server: MailServer) -> None:
    server.refuses[VICTORIA] = "451 4.7.1 try again later"
    answer = invite(world.other, mallory)
    assert "The mail server did not take the mail." in text(answer)
    assert "/link/" not in text(answer)
    assert not Link.objects.exists()


@WITHOUT_MAIL
@pytest.mark.parametrize("listed", ["Victoria@Kiss.example", "victoria@KISS.example"])
def test_a_link_is_shown_for_who_is_in_the_companys_own_directory(world: World, mallory: Client, listed: str) -> None:
    User.objects.create(company=world.other, dialpad_id="9", name="Victoria", emails=["", listed])
    assert "/link/" in text(invite(world.other, mallory))


LOOK_ALIKE = "victoria@k\N{LATIN SMALL LETTER DOTLESS I}ss.example"


@WITHOUT_MAIL
@pytest.mark.parametrize("listed", [{"state": "deleted"}, {"company": "acme"}, {"emails": [LOOK_ALIKE]}])
def test_who_left_who_is_listed_elsewhere_and_who_only_looks_alike_is_not_in_it(
    world: World, mallory: Client, listed: dict[str, object]
) -> None:
    about = {"company": world.other, "dialpad_id": "9", "name": "Victoria", "emails": [VICTORIA], **listed}
    User.objects.create(**{**about, "company": world.company if listed.get("company") else world.other})
    assert "/link/" not in text(invite(world.other, mallory))


@WITHOUT_MAIL
def test_the_only_company_sees_the_link_of_anybody_new(db: None) -> None:
    company = make_company("Acme")[0]
    admin = Person.objects.create(email="admin@acme.example")
    Membership.objects.create(person=admin, company=company, role=Role.COMPANY_ADMIN)
    browser = Client()
    browser.force_login(admin)
    assert "/link/" in text(invite(company, browser))


# What an invitation by another company takes away


def test_an_invitation_by_another_company_ends_all_that_was_set_before(world: World, intruder: Intruder) -> None:
    assert intruder.get_in()
    known = intruder.browser.cookies[throttle.KNOWN_COOKIE].value
    answer = invite(world.company, world.admin)
    assert "is on its way" in text(answer)
    assert not intruder.get_in()
    assert not Authenticator.objects.exists() and not SocialAccount.objects.exists()
    request = RequestFactory().post("/sign-in/")
    request.COOKIES[throttle.KNOWN_COOKIE] = known
    assert throttle.account_key(VICTORIA, request).startswith("account:")
    assert AuditEntry.objects.get(action="person.reset").company_id == world.company.pk

    (sent,) = mail.outbox
    for body in (sent.body, sent.alternatives[0].content):
        assert "has existed here since" in body and "anyone who used it before cannot sign in" in body
    victoria = Client(headers={"accept-language": "en"})
    assert victoria.post(link_in(sent.body))["Location"] == "/account/password/"
    person = Person.objects.get(email=VICTORIA)
    assert (person.proven_by, signed_in_as(victoria)) == ("mail", person.pk)
    assert victoria.get(world.url()).status_code == 200
    assert not intruder.get_in()


def test_a_link_of_the_other_company_that_waits_does_not_open_this_one(world: World, mallory: Client) -> None:
    User.objects.create(company=world.other, dialpad_id="9", name="Victoria", emails=[VICTORIA])
    with WITHOUT_MAIL:
        waiting = link_in(text(invite(world.other, mallory)))
    invite(world.company, world.admin)
    assert Client().post(waiting).status_code == 410


def test_the_other_company_takes_the_role_away_before_this_one_invites(world: World, mallory: Client, intruder: Intruder) -> None:
    mallory.post(f"/c/{world.other.public_id}/people/roles/{intruder.person.memberships.get().pk}/remove/")
    invite(world.company, world.admin)
    assert not intruder.get_in()
    assert Person.objects.get(email=VICTORIA).last_login is None


def test_a_password_that_was_on_its_way_during_the_reset_is_not_kept(world: World, intruder: Intruder) -> None:
    request = RequestFactory().post("/account/password/", {"password": "eight green kettles"})
    request.user = Person.objects.get(email=VICTORIA)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    recent_auth.renew(request)
    invite(world.company, world.admin)
    assert password_page(request)["Location"] == "/sign-in/"
    assert not Person.objects.get(email=VICTORIA).has_password


def test_a_proven_account_keeps_its_password_when_another_company_invites(world: World) -> None:
    person = world.person(Role.VIEWER, company=world.other)
    person.set_password(PASSWORD)
    person.save()
    proof.prove(COMMAND_LINE, person, Person.Proof.MAIL, timezone.now())
    person.set_password(PASSWORD)
    person.last_login = timezone.now()
    person.save()
    assert "has the role from now on" in text(invite(world.company, world.admin, person.email))
    browser = Client()
    sign_in(browser, person.email)
    assert signed_in_as(browser) == person.pk


def test_a_second_role_in_the_same_company_takes_nothing_away(world: World) -> None:
    person = world.person(Role.VIEWER)
    person.set_password(PASSWORD)
    person.last_login = timezone.now()
    person.save()
    people.invite(COMMAND_LINE, world.company.pk, person.email, "", Role.OFFICE_ADMIN, world.tokyo.pk, "en", timezone.now())
    assert Person.objects.get(pk=person.pk).has_password


# The proof


def test_the_owner_who_comes_from_the_provider_later_ends_the_intruders_password(
    idp: IdentityProvider, world: World, mallory: Client
) -> None:
    intruder = Intruder(world, mallory)
    SocialAccount.objects.all().delete()
    idp.claims["email"] = VICTORIA
    owner = Client(headers={"accept-language": "en"})
    go(idp, owner)
    assert signed_in_as(owner) == intruder.person.pk
    assert not intruder.get_in()
    assert signed_in_as(owner) == intruder.person.pk
    assert Person.objects.get(email=VICTORIA).proven_by == "provider"
    assert "no longer works" in text(owner.get("/account/password/"))  # type: ignore[arg-type]


def test_an_account_that_was_joined_before_proofs_were_kept_is_proven_at_the_next_sign_in(
    idp: IdentityProvider, world: World, mallory: Client
) -> None:
    intruder = Intruder(world, mallory)
    SocialAccount.objects.all().delete()
    idp.claims["email"] = VICTORIA
    go(idp, Client())
    Person.objects.update(proven_at=None, proven_by="")
    intruder.person.set_password(PASSWORD)
    intruder.person.save(update_fields=["password"])
    owner = Client()
    go(idp, owner)
    assert signed_in_as(owner) == intruder.person.pk
    assert not intruder.get_in()
    assert SocialAccount.objects.count() == 1


def test_the_operators_link_proves_and_the_one_on_the_screen_does_not(world: World, intruder: Intruder) -> None:
    assert Person.objects.get(email=VICTORIA).proven_at is None
    _person, token = operators.sign_in_link(VICTORIA, timezone.now())
    owner = Client()
    assert owner.post(f"/link/{token}/")["Location"] == "/sign-in/code/"
    assert Person.objects.get(email=VICTORIA).proven_at is None
    proof.reset_by_operator(COMMAND_LINE, intruder.person, timezone.now())
    _person, token = operators.sign_in_link(VICTORIA, timezone.now())
    owner.post(f"/link/{token}/")
    assert signed_in_as(owner) == intruder.person.pk
    assert not intruder.get_in()
    proven = Person.objects.get(email=VICTORIA)
    assert (proven.proven_by, proven.proven_at is not None) == ("operator", True)


def test_a_proof_is_kept_once_and_takes_nothing_away_later(world: World) -> None:
    person = world.person(Role.VIEWER)
    first = datetime(2026, 11, 1, tzinfo=UTC)
    assert not proof.prove(COMMAND_LINE, person, Person.Proof.MAIL, first)
    person.set_password(PASSWORD)
    person.save()
    assert not proof.prove(COMMAND_LINE, person, Person.Proof.OPERATOR, timezone.now())
    person.refresh_from_db()
    assert (person.has_password, person.proven_at, person.proven_by) == (True, first, "mail")


# Look-alike domains


@pytest.mark.parametrize("domain", ["k\N{LATIN SMALL LETTER DOTLESS I}ss.example", "ki\N{CYRILLIC SMALL LETTER DZE}s.example"])
def test_an_account_of_a_look_alike_domain_is_somebody_else_and_is_seen_to_be(world: World, mallory: Client, domain: str) -> None:
    invite(world.other, mallory, f"victoria@{domain}")
    invite(world.company, world.admin)
    mine = Membership.objects.get(company=world.company, role=Role.VIEWER).person
    assert mine.email == VICTORIA
    assert "victoria@xn--" in text(mallory.get(f"/c/{world.other.public_id}/people/"))  # type: ignore[arg-type]


# The operator's word


def disabled(world: World) -> Person:
    person = world.person(Role.VIEWER)
    person.set_password(PASSWORD)
    person.last_login = timezone.now()
    person.save()
    people.disable(COMMAND_LINE, person, timezone.now())
    return person


def test_a_company_does_not_undo_what_the_operator_disabled(world: World) -> None:
    person, admin = disabled(world), world.admin
    assert "Disabled by the operator of the installation" in text(admin.get(world.url("people/")))  # type: ignore[arg-type]
    admin.post(world.url(f"people/roles/{person.memberships.get().pk}/remove/"))
    for company, browser in ((world.company, admin), (world.other, world.client(Role.COMPANY_ADMIN, company=world.other))):
        answer = invite(company, browser, person.email)
        assert answer.status_code == 422
        assert "Only an operator can enable it again." in text(answer)
        assert not person.memberships.exists()
    browser = Client()
    sign_in(browser, person.email)
    assert signed_in_as(browser) is None
    with pytest.raises(operators.OperatorDisabled):
        operators.sign_in_link(person.email, timezone.now())


def test_what_the_operator_enables_is_still_without_a_role(world: World) -> None:
    person = disabled(world)
    people.remove(COMMAND_LINE, person.memberships.get(), timezone.now())
    people.enable(COMMAND_LINE, person, timezone.now())
    person.refresh_from_db()
    assert (person.disabled_at, person.is_active) == (None, False)
    with pytest.raises(operators.WithoutRole):
        operators.sign_in_link(person.email, timezone.now())
    people.invite(COMMAND_LINE, world.company.pk, person.email, "", Role.VIEWER, None, "en", timezone.now())
    assert Person.objects.get(pk=person.pk).is_active


def test_who_lost_the_last_role_gets_in_again_with_a_new_one(world: World) -> None:
    person = world.person(Role.VIEWER)
    proof.prove(COMMAND_LINE, person, Person.Proof.MAIL, timezone.now())
    person.set_password(PASSWORD)
    person.save()
    people.remove(COMMAND_LINE, person.memberships.get(), timezone.now())
    browser = Client()
    sign_in(browser, person.email)
    assert signed_in_as(browser) is None
    assert not Session.objects.filter(person=person).exists()
    invite(world.company, world.admin, person.email)
    sign_in(browser, person.email)
    assert signed_in_as(browser) == person.pk


# Joins


def test_an_admin_sees_by_which_accounts_a_person_signs_in_and_disconnects_one(world: World) -> None:
    person = world.person(Role.VIEWER)
    theirs = Client()
    theirs.force_login(person)
    claims = {"email": "k\N{LATIN SMALL LETTER DOTLESS I}ss@elsewhere.example", "iss": "https://id.example"}
    join = SocialAccount.objects.create(user=person, provider="oidc", uid="x", extra_data={"id_token": claims})
    admin = world.admin
    page = text(admin.get(world.url(f"people/{person.pk}/")))  # type: ignore[arg-type]
    for shown in (claims["email"], claims["iss"], "Not this person", "Address not proven"):
        assert shown in page
    answer = admin.post(world.url(f"people/{person.pk}/joins/{join.pk}/disconnect/"), follow=True)
    assert "no longer signs in as" in text(answer)  # type: ignore[arg-type]
    assert not SocialAccount.objects.exists()
    assert signed_in_as(theirs) is None
    entry = AuditEntry.objects.get(action="account.oidc_undo")
    assert (entry.company_id, entry.before) == (world.company.pk, {"issuer": claims["iss"], "address": claims["email"]})
    assert admin.post(world.url(f"people/{person.pk}/joins/{join.pk}/disconnect/")).status_code == 404


def test_nobody_disconnects_what_is_another_companys_or_another_persons(world: World) -> None:
    stranger, person = world.person(Role.VIEWER, company=world.other), world.person(Role.VIEWER)
    join = SocialAccount.objects.create(user=stranger, provider="oidc", uid="x", extra_data={})
    admin = world.admin
    for whose in (stranger, person):
        assert admin.post(world.url(f"people/{whose.pk}/joins/{join.pk}/disconnect/")).status_code == 404
    assert admin.get(world.url(f"people/{stranger.pk}/")).status_code == 404
    assert SocialAccount.objects.filter(pk=join.pk).exists()


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_companies_that_invite_the_same_new_address_at_once_make_one_person() -> None:
    companies = [make_company(name)[0] for name in ("Acme", "Zenith", "Third")]
    together = Barrier(len(companies))

    def one(company: Company) -> None:
        together.wait()
        people.invite(COMMAND_LINE, company.pk, VICTORIA, "", Role.VIEWER, None, "en", timezone.now())
        connections.close_all()

    threads = [Thread(target=one, args=[company]) for company in companies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Person.objects.filter(email=VICTORIA).count() == 1
    assert Membership.objects.filter(person__email=VICTORIA).count() == len(companies)
