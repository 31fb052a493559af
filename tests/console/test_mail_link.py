"""The mail opens the door: a sign-in link by mail for everybody with a role and for the directory's admins, and for nobody else.

`request` is what a browser does, `deliver` what a worker does.
"""

import re
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rokuon.accounts import mail_links, people, proof, throttle
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.mail_link_models import MailLink
from rokuon.accounts.models import AuditEntry, Link, Membership, Person, SignIn, Throttle
from rokuon.domain import recording as source
from rokuon.notify.outbox import directly
from rokuon.org.models import Company, Office, User
from rokuon.wiring import directory_admins, directory_sync, key_check, sign_in_mails
from tests.accounts.conftest import PASSWORD, sign_in, signed_in_as
from tests.notify.conftest import smtp as smtp_fixture
from tests.notify.mail_server import MailServer

from .conftest import Role, World

smtp = smtp_fixture
WITHOUT_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")
OSAKA, SUPER, CLERK, NOBODY = "osaka@acme.example", "boss@acme.example", "clerk@acme.example", "nobody@elsewhere.example"
ORIGIN = "https://rokuon.example"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def directory(world: World) -> World:
    """Acme's directory: an office admin of Osaka, a company admin, and a user who is no admin."""
    for ident, email, rest in (
        ("1", OSAKA, {"admin_office_ids": [world.osaka.dialpad_id]}),
        ("2", SUPER, {"is_super_admin": True}),
        ("3", CLERK, {}),
    ):
        User.objects.create(company=world.company, dialpad_id=ident, name=email.split("@")[0], emails=["no address", email], **rest)
    return world


def browser() -> Client:
    return Client(headers={"accept-language": "en"})


def request(email: str, client: Client | None = None, **more: str) -> HttpResponse:
    return (client or browser()).post("/sign-in/mail/", {"login": email, **more})  # type: ignore[return-value]


def deliver(at: datetime | None = None) -> int:
    return sign_in_mails.send_due(directly, lambda: at or now() + timedelta(seconds=1), ORIGIN)


def stored(email: str, language: str = "en") -> None:
    mail_links.ask(email, mail_links.Purpose.SIGN_IN, "/", language, now())


def link_of(message: Any) -> str:
    found = re.search(rf"{ORIGIN}(/mail-link/[\w-]+/)", message.body)
    assert found is not None
    return found[1]


def get_link(email: str, **more: str) -> str:
    assert request(email, **more).status_code == 303
    assert deliver() == 1
    return link_of(mail.outbox[-1])


def enter(email: str, **more: str) -> tuple[Client, HttpResponse]:
    visitor = browser()
    return visitor, visitor.post(get_link(email, **more))  # type: ignore[return-value]


def roles(email: str) -> set[tuple[str, int | None, str]]:
    return set(Membership.objects.filter(person__email=email).values_list("role", "office_id", "source"))


def read_again(world: World) -> None:
    directory_admins.settle(world.company.pk, COMMAND_LINE, now())


# Who gets in


def test_a_person_with_a_role_signs_in_by_mail(world: World) -> None:
    person = world.person(Role.VIEWER)
    visitor, answer = enter(person.email.upper())
    assert (answer.status_code, answer["Location"]) == (302, "/account/password/")
    assert signed_in_as(visitor) == person.pk
    assert mail.outbox[0].to == [person.email]
    person.refresh_from_db()
    assert person.proven_by == "mail"
    assert SignIn.objects.get(result="ok").way == "mail_link"


def test_an_office_admin_of_the_directory_gets_an_account_and_that_office_alone(directory: World) -> None:
    visitor, _answer = enter(OSAKA)
    person = Person.objects.get(email=OSAKA)
    assert (person.name, person.proven_by, signed_in_as(visitor)) == ("osaka", "mail", person.pk)
    assert roles(OSAKA) == {("office_admin", directory.osaka.pk, "directory")}
    assert visitor.get(directory.url(f"settings/office/{directory.osaka.pk}/")).status_code == 200
    assert visitor.get(directory.url(f"settings/office/{directory.tokyo.pk}/")).status_code == 404
    assert visitor.get(f"/c/{directory.other.public_id}/").status_code == 404
    assert visitor.get(directory.url("people/")).status_code == 403
    logged = AuditEntry.objects.filter(actor=OSAKA).order_by("pk")
    assert [one.action for one in logged] == ["person.directory", "person.prove", "person.role"]
    assert logged[2].after == {"role": "office_admin", "office": "Acme Osaka", "source": "directory"}


@pytest.mark.parametrize("written", ["Chef@BÜCHER.example", " CHEF@xn--bcher-kva.example "])
def test_an_address_is_recognised_however_the_directory_writes_it(directory: World, written: str) -> None:
    User.objects.filter(dialpad_id="2").update(emails=[written])
    enter("chef@xn--bcher-kva.example")
    assert roles("chef@xn--bcher-kva.example") == {("company_admin", None, "directory")}


@pytest.mark.parametrize("typed", ["bos_@acme.example", "b%s@acme.example", "oss@acme.example", "boss@acme.exampl"])
def test_a_pattern_or_a_part_of_an_address_opens_nothing(directory: World, typed: str) -> None:
    request(typed)
    assert deliver() == 0


def test_a_company_admin_of_the_directory_becomes_company_admin(directory: World) -> None:
    enter(SUPER)
    assert roles(SUPER) == {("company_admin", None, "directory")}


def test_nothing_is_made_before_the_link_is_used(directory: World) -> None:
    path = get_link(OSAKA)
    assert browser().get(path).status_code == 200
    assert not Person.objects.filter(email=OSAKA).exists()
    assert not AuditEntry.objects.filter(subject=OSAKA).exists()


def test_an_operator_gets_a_link(world: World) -> None:
    Person.objects.create(email="operator@localhost.example", is_operator=True)
    get_link("operator@localhost.example")


def test_the_role_that_a_person_gave_stays_whatever_the_directory_says(directory: World) -> None:
    people.invite(COMMAND_LINE, directory.company.pk, OSAKA, "", Role.VIEWER, directory.osaka.pk, "en", now())
    enter(OSAKA)
    assert roles(OSAKA) == {("viewer", directory.osaka.pk, "person")}


# Who does not


@pytest.mark.parametrize("email", [NOBODY, CLERK])
def test_who_has_no_role_and_is_no_admin_in_the_directory_gets_nothing(directory: World, email: str) -> None:
    assert request(email).status_code == 303
    assert (deliver(), len(mail.outbox)) == (0, 0)
    assert MailLink.objects.get().token is None
    assert not Person.objects.filter(email=email).exists()


@pytest.mark.parametrize("email", [OSAKA, "role"])
def test_whom_the_operator_disabled_gets_nothing(directory: World, email: str) -> None:
    person = directory.person(Role.VIEWER)
    if email == OSAKA:
        Person.objects.filter(pk=person.pk).update(email=OSAKA)
    person.refresh_from_db()
    people.disable(COMMAND_LINE, person, now())
    request(person.email)
    assert deliver() == 0


def test_a_person_without_a_role_who_is_not_in_the_directory_gets_nothing(directory: World) -> None:
    person = directory.person(Role.VIEWER)
    people.remove(COMMAND_LINE, person.memberships.get(), now())
    request(person.email)
    assert deliver() == 0


def test_a_link_opens_nothing_for_a_person_disabled_since_it_was_sent(directory: World) -> None:
    person = directory.person(Role.VIEWER)
    path = get_link(person.email)
    Person.objects.filter(pk=person.pk).update(disabled_at=timezone.now())
    visitor = browser()
    assert (visitor.get(path).status_code, visitor.post(path).status_code) == (410, 410)
    assert signed_in_as(visitor) is None


def test_a_link_opens_nothing_for_an_admin_whom_the_directory_named_when_it_was_sent(directory: World) -> None:
    path = get_link(OSAKA)
    User.objects.filter(dialpad_id="1").update(state="deleted")
    assert browser().post(path).status_code == 410
    assert not Person.objects.filter(email=OSAKA).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda world: Company.objects.filter(pk=world.company.pk).update(directory_sign_in=False),
        lambda world: User.objects.update(state="suspended"),
        lambda world: Office.objects.filter(pk=world.osaka.pk).update(state="deleted"),
        lambda world: User.objects.update(emails=["other@acme.example", OSAKA]),
    ],
    ids=["switched off", "suspended", "office deleted", "second address"],
)
def test_the_directory_opens_nothing(directory: World, change: Any) -> None:
    change(directory)
    request(OSAKA)
    assert deliver() == 0


# How long a role of the directory lasts


def test_a_role_of_the_directory_ends_when_the_directory_no_longer_names_the_person(directory: World) -> None:
    visitor, _answer = enter(OSAKA)
    User.objects.filter(dialpad_id="1").update(admin_office_ids=[])
    read_again(directory)
    assert roles(OSAKA) == set()
    assert signed_in_as(visitor) is None
    assert Person.objects.get(email=OSAKA).removed_at is not None
    request(OSAKA)
    assert deliver() == 0
    ended = AuditEntry.objects.get(action="person.remove")
    assert (ended.subject, ended.before["role"]) == (OSAKA, "office_admin")


def test_a_directory_sync_ends_what_the_directory_no_longer_names_and_nothing_else(directory: World) -> None:
    enter(OSAKA)
    enter(SUPER)
    company, osaka = directory.company, directory.osaka
    known = source.Directory(
        source.Company(company.dialpad_id, company.name),
        (source.Office("1", "Tokyo", timezone="Asia/Tokyo"), source.Office("2", osaka.name, timezone="Asia/Tokyo")),
        (),
        (source.User("1", "osaka", (OSAKA,)), source.User("2", "boss", (SUPER,), is_super_admin=True)),
    )
    directory_sync.enter(company.pk, key_check.Account(known, None), now())
    assert (roles(OSAKA), len(roles(SUPER))) == (set(), 1)
    assert AuditEntry.objects.get(action="person.remove").actor == "directory sync"


def test_an_admin_who_comes_back_to_the_directory_comes_back_here(directory: World) -> None:
    enter(OSAKA)
    User.objects.filter(dialpad_id="1").update(admin_office_ids=[])
    read_again(directory)
    User.objects.filter(dialpad_id="1").update(admin_office_ids=[directory.osaka.dialpad_id])
    visitor, _answer = enter(OSAKA)
    assert signed_in_as(visitor) == Person.objects.get(email=OSAKA).pk
    assert roles(OSAKA) == {("office_admin", directory.osaka.pk, "directory")}


def test_the_role_lasts_while_the_directory_names_the_person(directory: World) -> None:
    enter(OSAKA)
    read_again(directory)
    assert len(roles(OSAKA)) == 1


def test_a_role_that_a_person_gave_or_changed_does_not_end_with_the_directory(directory: World) -> None:
    enter(OSAKA)
    given = Membership.objects.get(person__email=OSAKA)
    people.set_role(COMMAND_LINE, given, Role.OFFICE_ADMIN, directory.tokyo.pk, now())
    User.objects.all().delete()
    read_again(directory)
    assert roles(OSAKA) == {("office_admin", directory.tokyo.pk, "person")}


def test_the_last_company_admin_does_not_outlast_the_directory(directory: World) -> None:
    """Who has left the company must not keep it; another admin of the directory, or the operator, gets in by a link."""
    enter(SUPER)
    User.objects.filter(dialpad_id="2").update(is_super_admin=False)
    read_again(directory)
    assert roles(SUPER) == set()
    assert people.admins(directory.company.pk) == 0


# No account is told apart from none


def test_the_answer_and_the_work_are_the_same_for_every_address(directory: World) -> None:
    known = directory.person(Role.COMPANY_ADMIN)
    disabled = directory.person(Role.VIEWER)
    people.disable(COMMAND_LINE, disabled, now())
    request("first@elsewhere.example")  # what is read once in a process
    seen = set()
    for email in (known.email, disabled.email, OSAKA, CLERK, NOBODY):
        Throttle.objects.all().delete()
        visitor = browser()
        visitor.get("/sign-in/mail/")
        with CaptureQueriesContext(connection) as asked:
            answer = request(email, visitor, next="/c/x/")
        statements = tuple(re.sub(r"'[^']*'|\d+", "?", one["sql"]) for one in asked.captured_queries)
        seen.add((answer.status_code, answer["Location"], answer.content, statements, len(mail.outbox)))
    assert len(seen) == 1
    assert MailLink.objects.count() == 6


def test_the_page_of_a_link_names_the_address_alone(directory: World) -> None:
    page = browser().get(get_link(OSAKA)).content.decode()
    assert OSAKA in page and "Acme" not in page


def test_the_mail_names_no_company_and_no_person(directory: World) -> None:
    get_link(OSAKA)
    (message,) = mail.outbox
    assert "Acme" not in message.subject + message.body


# Limits


def test_an_address_gets_a_few_links_and_then_waits(directory: World) -> None:
    answers = [request(OSAKA).status_code for _ in range(6)]
    assert answers[:3] == [303] * 3 and 429 in answers
    assert [request(NOBODY).status_code for _ in range(6)] == answers


def test_a_client_gets_a_few_addresses_and_then_waits(world: World) -> None:
    answers = [request(f"someone{number}@elsewhere.example").status_code for number in range(30)]
    assert answers[:20] == [303] * 20 and 429 in answers
    assert MailLink.objects.count() < 30


def test_requests_for_a_link_cost_no_try_of_the_password(directory: World) -> None:
    person = directory.person(Role.VIEWER)
    person.set_password(PASSWORD)
    person.save()
    for _ in range(8):
        request(person.email)
    assert sign_in(browser(), person.email).status_code == 302


def test_more_requests_than_can_be_handled_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_links, "MOST_WAITING", 2)
    assert [request(f"{one}@elsewhere.example").status_code for one in "abc"] == [303, 303, 503]


@pytest.mark.parametrize("email", ["", "nonsense", "a@b@c", "x\0y", "é@acme.example"])
def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    assert request(email).status_code == 422
    assert not MailLink.objects.exists()


# The link


def test_a_scanner_that_opens_the_link_does_not_use_it(directory: World) -> None:
    path = get_link(OSAKA)
    for _ in range(3):
        scanner = browser()
        assert (scanner.get(path).status_code, scanner.head(path).status_code) == (200, 200)
        assert signed_in_as(scanner) is None
    assert browser().post(path).status_code == 302


def test_a_link_works_once_and_the_others_of_the_address_not_at_all(directory: World) -> None:
    first, second = get_link(OSAKA), get_link(OSAKA)
    assert browser().get(first).status_code == 200
    assert browser().post(second).status_code == 302
    assert [browser().post(one).status_code for one in (first, second)] == [410, 410]
    assert SignIn.objects.filter(result="link_over", way="mail_link").exists()


def test_a_link_works_for_a_quarter_of_an_hour(directory: World) -> None:
    token = get_link(OSAKA).split("/")[2]
    assert mail_links.find(token, now() + timedelta(minutes=14)) is not None
    assert mail_links.find(token, now() + timedelta(minutes=16)) is None


def test_who_reads_the_database_cannot_use_a_link(directory: World) -> None:
    assert get_link(OSAKA).split("/")[2] not in str(list(MailLink.objects.values()))


def test_a_wrong_link_opens_nothing(directory: World) -> None:
    assert browser().post("/mail-link/wrong/").status_code == 410


def test_a_link_that_is_over_offers_another_to_the_same_page(directory: World) -> None:
    page = directory.url("failures/")
    path = get_link(OSAKA, next=page)
    browser().post(path)
    assert f"/sign-in/mail/?for=sign_in&amp;next={page.replace('/', '%2F')}" in browser().get(path).content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_give_one_session(directory: World) -> None:
    path = get_link(OSAKA)
    together, answers = Barrier(4), []

    def click() -> None:
        visitor = browser()
        together.wait()
        answers.append(visitor.post(path).status_code)
        connections.close_all()

    threads = [Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 410, 410, 410]
    assert len(roles(OSAKA)) == 1


# To the exact page


def test_the_link_of_a_failure_mail_leads_through_sign_in_to_its_page(directory: World) -> None:
    page = directory.url("failures/failed/bucket_forbidden/")
    visitor = browser()
    entrance = visitor.get(page)
    assert entrance["Location"] == f"/sign-in/?next={page}"
    form = visitor.get(entrance["Location"]).content.decode()
    assert 'formaction="/sign-in/mail/"' in form and f'value="{page}"' in form
    visitor, answer = enter(OSAKA, next=page)
    assert answer["Location"] == page
    assert visitor.get(page, follow=True).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "x"])
def test_a_link_leads_to_our_own_pages_only(directory: World, elsewhere: str) -> None:
    assert "evil" not in request(OSAKA, next=elsewhere)["Location"]
    assert deliver() == 1
    MailLink.objects.update(next=elsewhere)
    assert browser().post(link_of(mail.outbox[-1]))["Location"] == "/account/password/"


def test_a_page_that_is_too_long_to_keep_is_left_out(directory: World) -> None:
    _visitor, answer = enter(OSAKA, next="/" + "x" * 3000)
    assert answer["Location"] == "/account/password/"


# Forgot password


def test_who_forgot_the_password_chooses_a_new_one_by_a_link(world: World) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    Person.objects.filter(pk=person.pk).update(proven_at=timezone.now(), proven_by="mail")
    person.refresh_from_db()
    person.set_password("a forgotten password")
    person.save()
    assert "Forgot password" in browser().get("/sign-in/").content.decode()
    visitor, answer = enter(person.email, **{"for": "password", "next": world.url()})
    assert answer["Location"].startswith("/account/password/?next=")
    assert visitor.post(answer["Location"], {"password": PASSWORD, "next": world.url()})["Location"] == world.url()
    assert sign_in(browser(), person.email, "a forgotten password").status_code == 422
    assert sign_in(browser(), person.email).status_code == 302


def test_a_link_does_not_bypass_the_second_factor(world: World) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    Person.objects.filter(pk=person.pk).update(proven_at=timezone.now(), proven_by="mail")
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    for purpose in ("sign_in", "password"):
        visitor, answer = enter(person.email, **{"for": purpose})
        assert answer["Location"].startswith("/sign-in/code/")
        assert signed_in_as(visitor) is None
        assert visitor.get("/account/password/").status_code == 302


def test_a_company_that_requires_a_second_factor_asks_for_it_behind_the_link(directory: World) -> None:
    Company.objects.filter(pk=directory.company.pk).update(second_factor_required=True)
    visitor, _answer = enter(OSAKA)
    assert visitor.get(directory.url()).status_code != 200


def test_a_new_password_voids_links_that_are_under_way(world: World) -> None:
    person = world.person(Role.VIEWER)
    path = get_link(person.email)
    signed_in = browser()
    signed_in.force_login(person)
    session = signed_in.session
    session["proved_at"] = now().timestamp()
    session.save()
    assert signed_in.post("/account/password/", {"password": PASSWORD}).status_code == 303
    assert browser().post(path).status_code == 410


# Proof of the address


def test_what_was_set_before_the_address_was_proven_does_not_outlive_the_link(directory: World) -> None:
    intruder = browser()
    person = Person.objects.create(email=OSAKA)
    Membership.objects.create(person=person, company=directory.other, role=Role.VIEWER)
    person.set_password(PASSWORD)
    person.save()
    intruder.force_login(person)
    enter(OSAKA)
    assert signed_in_as(intruder) is None
    assert sign_in(browser(), OSAKA).status_code == 422
    assert roles(OSAKA) == {("viewer", None, "person"), ("office_admin", directory.osaka.pk, "directory")}


def test_an_invitation_link_of_another_company_does_not_open_what_the_directory_gave(directory: World) -> None:
    person = people.invite(COMMAND_LINE, directory.other.pk, OSAKA, "", Role.VIEWER, None, "en", now())
    Person.objects.filter(pk=person.pk).update(proven_at=timezone.now(), proven_by="mail")
    token = people.invitation(COMMAND_LINE, person, directory.other.pk, Link.Handed.SCREEN, now())
    enter(OSAKA)
    assert browser().post(f"/link/{token}/").status_code == 410


def test_a_reset_voids_links_that_are_under_way(world: World) -> None:
    person = world.person(Role.VIEWER)
    path = get_link(person.email)
    proof.reset_by_operator(COMMAND_LINE, person, now())
    assert browser().post(path).status_code == 410


# The mail server


def test_without_a_mail_server_the_page_says_what_to_do_instead(world: World) -> None:
    with WITHOUT_MAIL:
        for path in ("/sign-in/", "/sign-in/mail/", "/sign-in/mail/?for=password"):
            page = browser().get(path).content.decode()
            assert "rokuon admin-link --email" in page and "Send" not in page
        assert request(NOBODY).status_code == 422
    assert not MailLink.objects.exists()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_arrives_whole_in_the_language_of_the_page(directory: World, smtp: MailServer, language: str) -> None:
    stored(OSAKA, language)
    assert deliver() == 1
    (message,) = smtp.mails
    assert (smtp.readers, message["Content-Language"], message["Auto-Submitted"]) == ([OSAKA], language, "auto-generated")
    for kind in ("plain", "html"):
        assert "/mail-link/" in message.get_body((kind,)).get_content()  # type: ignore[union-attr]


def test_a_mail_that_the_server_does_not_take_is_sent_a_minute_later_with_another_link(directory: World, smtp: MailServer) -> None:
    stored(OSAKA)
    smtp.says = "451 4.3.0 try again"
    at = now() + timedelta(seconds=1)
    assert deliver(at) == 0
    assert (deliver(at), MailLink.objects.get().tries) == (0, 1)
    smtp.says = ""
    assert deliver(at + timedelta(minutes=2)) == 1
    assert len(smtp.mails) == 1


def test_an_address_that_the_server_refuses_is_not_tried_again(directory: World, smtp: MailServer) -> None:
    smtp.refuses[OSAKA] = "550 5.1.1 nobody"
    stored(OSAKA)
    assert (deliver(), deliver(now() + timedelta(minutes=5))) == (0, 0)
    assert MailLink.objects.get().tries == 1


def test_a_request_that_nobody_handled_for_a_quarter_of_an_hour_is_dropped(directory: World) -> None:
    request(OSAKA)
    assert deliver(now() + timedelta(minutes=16)) == 0
    assert not mail_links.waits(now() + timedelta(hours=1))


def test_old_requests_are_forgotten(directory: World) -> None:
    request(OSAKA)
    mail_links.prune(now() + timedelta(hours=23))
    assert MailLink.objects.count() == 1
    mail_links.prune(now() + timedelta(hours=25))
    assert MailLink.objects.count() == 0


def test_limits_do_not_depend_on_accounts(world: World) -> None:
    assert throttle.address_key("192.0.2.1") in "".join(mail_links.limits(NOBODY, "192.0.2.1"))
