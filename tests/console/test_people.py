"""People and roles (M13): who gives and takes them, what stays refused, what is written down."""

import re
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connections
from django.test import Client, override_settings

from rokuon.accounts import people, recent_auth
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry, Link, Membership, Person, Session
from rokuon.org.models import User

from .conftest import Role, World

WITHOUT_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")


def roles(email: str) -> list[tuple[str, int | None]]:
    return list(Membership.objects.filter(person__email=email).order_by("role", "office_id").values_list("role", "office_id"))


def invite(world: World, browser: Client, place: str, email: str = "new@example.com", **more: str):
    return browser.post(world.url("people/invite/"), {"email": email, "place": place, **more})


def text(answer) -> str:
    return answer.content.decode()


def stale(browser: Client) -> Client:
    session = browser.session
    session[recent_auth.PROVED_AT] -= 601
    session.save()
    return browser


def test_an_invitation_by_mail_lets_in_with_the_role_and_no_more(world: World) -> None:
    assert invite(world, world.admin, f"office_admin:{world.tokyo.pk}", name="花子").status_code == 303
    assert roles("new@example.com") == [("office_admin", world.tokyo.pk)]
    (sent,) = mail.outbox
    assert sent.to == ["new@example.com"]
    path = re.search(r"https?://[^/]+(/link/[\w-]+/)", sent.body)[1]
    assert path in sent.alternatives[0].content
    newcomer = Client(headers={"accept-language": "en"})
    assert newcomer.post(path)["Location"] == "/account/password/"
    assert world.osaka.name not in text(newcomer.get(world.url()))
    assert newcomer.get(world.url("people/")).status_code == 403


def test_the_mail_is_in_the_language_of_who_invites(world: World) -> None:
    browser = world.admin
    browser.post("/language/", {"language": "ja"})
    invite(world, browser, "viewer:")
    assert mail.outbox[0].subject == "Acme：Rokuon への招待"
    assert "招待されました" in mail.outbox[0].body
    assert 'lang="ja"' in mail.outbox[0].alternatives[0].content


def test_names_cannot_add_a_header_or_markup_to_a_mail(world: World) -> None:
    world.company.name = "Acme\r\nBcc: everybody@example.com\r\n<b>"
    world.company.save()
    assert invite(world, world.admin, "viewer:").status_code == 303
    message = mail.outbox[0].message()
    assert message["Bcc"] is None
    assert "\n" not in mail.outbox[0].subject
    assert "&lt;b&gt;" in mail.outbox[0].alternatives[0].content
    assert invite(world, world.admin, "viewer:", email="x@example.com\nBcc: y@example.com").status_code == 422


HOSTILE_NAMES = [
    "Taro\r\n\r\nYour password has expired: https://evil.example/reset\r\n",
    "Taro\u2028\u2029\x85\x0bhttps://evil.example",
    "www.evil.example",
    "Rokuon Support evil.example/login",
    "HTTPS://EVIL.EXAMPLE",
    "support@evil.example",
    "mailto:support@evil.example",
    "\u202ehttps://evil.example",
    "https://evil.example." + "x" * 500,
    "evil.\u200bexample http:\u00ad//evil.example",
]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_q39_names_of_inviter_and_company_add_no_line_and_no_link_to_an_invitation(world: World, name: str, language: str) -> None:
    def sent(inviter: str, company: str, to: str) -> tuple[str, str]:
        browser = world.admin
        browser.post("/language/", {"language": language})
        Person.objects.filter(memberships__role=Role.COMPANY_ADMIN).update(name=inviter)
        world.company.name = company
        world.company.save()
        invite(world, browser, "viewer:", email=to)
        message = mail.outbox[-1]
        assert "evil.example" not in message.subject
        return message.body, re.sub(r"<[^>]+>", "", message.alternatives[0].content)

    plain, _html = sent("花子", "Acme", "one@example.com")
    for inviter, company in ((name, "Acme"), ("花子", name), (name, name)):
        Person.objects.filter(email="new@example.com").delete()
        body, html = sent(inviter, company, "new@example.com")
        assert len(body.splitlines()) == len(plain.splitlines())
        for words in (body, html):
            mine = words.replace("http://127.0.0.1:8377/", "")
            assert not re.search(r"(?i)://|evil\.|www\.|@evil|mailto:", mine), mine
            assert "company_admin" in words, "the address of who invites stands beside the name"
        assert max(len(line) for line in body.splitlines()) < 260


def test_an_address_with_which_nobody_can_sign_in_is_told_from_one_that_is_none(world: World) -> None:
    """Mail can be sent to it, and a notice is; the browser's and the library's form for signing in refuse it."""
    browser = world.admin
    refused = invite(world, browser, "viewer:", email="jürgen@acme.example")
    assert (refused.status_code, "nobody can sign in with it" in text(refused)) == (422, True)
    assert "not an e-mail address" in text(invite(world, browser, "viewer:", email="jürgen"))
    assert invite(world, browser, "viewer:", email="ken@bücher.example").status_code == 303
    told = {"place": "company", "email": "jürgen@acme.example", "language": "en"}
    assert browser.post(world.url("notices/add/"), told).status_code == 303


@WITHOUT_MAIL
def test_without_a_mail_server_the_link_is_shown_this_once(world: World) -> None:
    browser = world.admin
    User.objects.create(company=world.company, dialpad_id="1", name="New", emails=["new@example.com"])
    answer = invite(world, browser, "viewer:")
    path = re.search(r"/link/[\w-]+/", text(answer))[0]
    assert "/link/" not in text(browser.get(world.url("people/")))
    assert Client().post(path).status_code == 302
    assert mail.outbox == []


@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9)
def test_a_mail_server_that_is_away_is_said_and_the_link_shown(world: World) -> None:
    User.objects.create(company=world.company, dialpad_id="1", name="New", emails=["new@example.com"])
    answer = invite(world, world.admin, "viewer:")
    assert "The mail server did not take the mail." in text(answer)
    assert "/link/" in text(answer)


@WITHOUT_MAIL
@pytest.mark.parametrize("kind", ["operator", "of another company"])
def test_no_admin_gets_a_link_that_signs_in_as_somebody_of_others(world: World, kind: str) -> None:
    victim = Person.objects.create(email="victim@example.com", is_operator=kind == "operator")
    if kind != "operator":
        Membership.objects.create(person=victim, company=world.other, role=Role.COMPANY_ADMIN)
    browser = world.admin
    assert "/link/" not in text(browser.get(invite(world, browser, "viewer:", email="victim@example.com")["Location"]))
    answer = browser.post(world.url(f"people/{victim.pk}/invitation/"), {"do": "send"})
    assert answer.status_code == 303
    assert not Link.objects.exists()
    assert "rokuon admin-link --email victim@example.com" in text(browser.get(answer["Location"]))


def test_somebody_who_is_known_gets_the_role_at_once(world: World) -> None:
    known = world.person(Role.VIEWER, company=world.other)
    Person.objects.filter(pk=known.pk).update(last_login=datetime.now(UTC), proven_at=datetime.now(UTC), proven_by="mail")
    invite(world, world.admin, f"viewer:{world.osaka.pk}", email=known.email.upper())
    assert roles(known.email) == [("viewer", world.osaka.pk), ("viewer", None)]
    assert mail.outbox == []


@pytest.mark.parametrize("place", ["", "emperor:", "company_admin:1", "office_admin:", "viewer:999999", "office_admin:other"])
def test_a_place_that_the_company_does_not_have_is_refused(world: World, place: str) -> None:
    place = place.replace("other", str(world.other_office.pk))
    assert invite(world, world.admin, place).status_code == 422
    assert not Person.objects.filter(email="new@example.com").exists()


def test_an_invitation_is_withdrawn_and_sent_again(world: World) -> None:
    browser = world.admin
    invite(world, browser, "viewer:")
    person = Person.objects.get(email="new@example.com")
    first = re.search(r"/link/[\w-]+/", mail.outbox[0].body)[0]
    browser.post(world.url(f"people/{person.pk}/invitation/"), {"do": "withdraw"})
    assert Client().post(first).status_code == 410
    browser.post(world.url(f"people/{person.pk}/invitation/"), {"do": "send"})
    again = re.search(r"/link/[\w-]+/", mail.outbox[1].body)[0]
    assert Client().post(again).status_code == 302
    assert browser.post(world.url(f"people/{person.pk}/invitation/"), {"do": "send"}).status_code == 404


# Changing and taking roles


def test_a_role_that_is_changed_counts_from_the_next_request(world: World) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    theirs = Client()
    theirs.force_login(person)
    assert theirs.get(world.url("people/")).status_code == 200
    membership = person.memberships.get()
    world.admin.post(world.url(f"people/roles/{membership.pk}/"), {"place": "viewer:"})
    assert theirs.get(world.url("people/")).status_code == 403
    entry = AuditEntry.objects.get(action="person.role")
    assert (entry.subject, entry.before["role"], entry.after["role"]) == (person.email, "company_admin", "viewer")
    assert entry.person.email.startswith("company_admin")


def test_who_loses_the_last_role_is_signed_out_at_once(world: World) -> None:
    person = world.person(Role.VIEWER)
    theirs = Client()
    theirs.force_login(person)
    world.admin.post(world.url(f"people/roles/{person.memberships.get().pk}/remove/"))
    assert theirs.get(world.url()).status_code == 302
    assert not Session.objects.filter(person=person).exists()
    assert not Person.objects.get(pk=person.pk).is_active
    assert AuditEntry.objects.get(action="person.remove").before["role"] == "viewer"


def test_who_has_a_role_elsewhere_stays_signed_in_there(world: World) -> None:
    person = world.person(Role.VIEWER)
    Membership.objects.create(person=person, company=world.other, role=Role.VIEWER)
    theirs = Client()
    theirs.force_login(person)
    world.admin.post(world.url(f"people/roles/{person.memberships.get(company=world.company).pk}/remove/"))
    assert theirs.get(world.url()).status_code == 404
    assert theirs.get(f"/c/{world.other.public_id}/").status_code == 200


def test_the_last_company_admin_can_neither_be_demoted_nor_removed(world: World) -> None:
    browser = world.admin
    only = Membership.objects.get(company=world.company)
    for rest, sent in ((f"people/roles/{only.pk}/", {"place": "viewer:"}), (f"people/roles/{only.pk}/remove/", {})):
        answer = browser.post(world.url(rest), sent)
        assert answer.status_code == 422
        assert "A company keeps at least one company admin." in text(answer)
    assert invite(world, browser, "viewer:", email=only.person.email).status_code == 422
    assert Membership.objects.get(company=world.company).role == Role.COMPANY_ADMIN
    assert not AuditEntry.objects.exists()


def test_an_admin_who_is_disabled_does_not_count_as_one(world: World) -> None:
    browser = world.admin
    Person.objects.filter(pk=world.person(Role.COMPANY_ADMIN).pk).update(disabled_at=datetime.now(UTC))
    mine = Membership.objects.get(company=world.company, person__is_active=True)
    assert browser.post(world.url(f"people/roles/{mine.pk}/remove/")).status_code == 422
    with pytest.raises(people.LastAdmin):
        people.disable(COMMAND_LINE, mine.person, datetime.now(UTC))
    assert Person.objects.get(pk=mine.person_id).is_active


def test_a_role_of_another_company_is_not_there(world: World) -> None:
    theirs = world.person(Role.VIEWER, company=world.other).memberships.get()
    for rest in ("", "remove/"):
        assert world.admin.post(world.url(f"people/roles/{theirs.pk}/{rest}"), {"place": "viewer:"}).status_code == 404
    assert world.admin.post(world.url(f"people/{theirs.person_id}/invitation/"), {"do": "send"}).status_code == 404


def test_changing_a_role_asks_again_after_ten_minutes(world: World) -> None:
    browser = stale(world.admin)
    person = world.person(Role.VIEWER)
    membership = person.memberships.get()
    sent = {"email": "new@example.com", "place": "viewer:"}
    for rest in ("invite/", f"roles/{membership.pk}/", f"roles/{membership.pk}/remove/", f"{person.pk}/invitation/"):
        answer = browser.post(world.url(f"people/{rest}"), sent, headers={"referer": f"http://testserver{world.url('people/')}"})
        assert answer.status_code == 303
        assert answer["Location"].startswith(f"/account/confirm/?next=%2Fc%2F{world.company.public_id}%2Fpeople%2F")
    assert Membership.objects.filter(pk=membership.pk, role=Role.VIEWER).exists()
    assert not Person.objects.filter(email="new@example.com").exists()
    assert "Confirm now" in text(browser.get(world.url("people/")))


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_at_once_leave_one() -> None:
    from .conftest import make_company

    company = make_company("Acme")[0]
    for number in range(4):
        person = Person.objects.create(email=f"admin{number}@example.com")
        Membership.objects.create(person=person, company=company, role=Role.COMPANY_ADMIN)
    together, refused = Barrier(4), []

    def remove(membership: Membership) -> None:
        together.wait()
        try:
            people.remove(COMMAND_LINE, membership, datetime.now(UTC))
        except people.LastAdmin:
            refused.append(membership.pk)
        connections.close_all()

    threads = [Thread(target=remove, args=[one]) for one in Membership.objects.select_related("person")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(Membership.objects.values_list("pk", flat=True)) == refused


# What the page shows


def test_dialpads_admins_are_suggested_until_they_are_admins_here(world: World) -> None:
    User.objects.create(company=world.company, dialpad_id="1", name="<b>Boss</b>", emails=["boss@example.com"], is_super_admin=True)
    User.objects.create(company=world.company, dialpad_id="2", name="Osaka Admin", emails=["osaka@example.com"], admin_office_ids=["2"])
    User.objects.create(company=world.company, dialpad_id="3", name="Agent", emails=["agent@example.com"])
    User.objects.create(company=world.other, dialpad_id="4", name="Stranger", emails=["stranger@example.com"], is_super_admin=True)
    browser = world.admin
    page = text(browser.get(world.url("people/")))
    assert "&lt;b&gt;Boss" in page and "osaka@example.com" in page
    assert "agent@example.com" not in page and "stranger@example.com" not in page
    invite(world, browser, f"office_admin:{world.osaka.pk}", email="osaka@example.com")
    invite(world, browser, "company_admin:", email="boss@example.com")
    assert "Admins in Dialpad who are not admins here" not in text(browser.get(world.url("people/")))


def test_people_of_another_company_are_not_shown(world: World) -> None:
    stranger = world.person(Role.COMPANY_ADMIN, company=world.other)
    assert stranger.email not in text(world.admin.get(world.url("people/")))


# The second factor of a company


def test_a_company_that_requires_a_second_factor_opens_only_with_one(world: World) -> None:
    browser, viewer = world.admin, world.client(Role.VIEWER)
    url = world.url("people/second-factor/")
    assert browser.post(url, {"required": "on"}).status_code == 422
    admin = Person.objects.get(email__startswith="company_admin")
    Authenticator.objects.create(user=admin, type=Authenticator.Type.TOTP, data={})
    assert browser.post(url, {"required": "on"}).status_code == 303
    assert browser.get(world.url()).status_code == 200
    refused = viewer.get(world.url())
    assert (refused.status_code, refused["Location"]) == (303, "/account/second-factor/?required=1")
    assert "requires a second factor" in text(viewer.get(refused["Location"]))
    assert AuditEntry.objects.get(action="company.second_factor").after == {"required": True}
    browser.post(url)
    assert viewer.get(world.url()).status_code == 200


def test_one_company_that_requires_it_holds_nobody_out_of_another(world: World) -> None:
    world.other.second_factor_required = True
    world.other.save()
    assert world.admin.get(world.url()).status_code == 200
