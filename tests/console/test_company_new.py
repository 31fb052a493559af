"""Adding a company in the console, against the simulated Dialpad over HTTP: what a key opens, what refuses it, and that it stays secret."""

import html
import logging

import pytest
from django.db import connection
from django.test import Client

from rokuon.accounts.models import AuditEntry, Membership
from rokuon.org.models import Company, Target

from .conftest import World
from .dialpad import CANARY, Dialpad, add, operator
from .dialpad import dialpad as dialpad
from .dialpad import installed as installed

pytestmark = pytest.mark.usefixtures("db", "installed")
NEW = "/companies/new/"


def post(browser: Client, address: str, key: str) -> tuple[int, str]:
    answer = browser.post(NEW, {"address": address, "key": key})
    return answer.status_code, html.unescape(answer.content.decode())


def test_a_good_key_adds_the_company_and_makes_the_operator_its_admin(dialpad: Dialpad) -> None:
    browser = operator()
    company = add(browser, dialpad, dialpad.key("a-good-key-1234567"))
    assert (company.name, company.enabled, company.exports, company.key_ending) == (dialpad.first.name, False, True, "4567")
    assert Target.objects.filter(company=company).count() == 8
    role = Membership.objects.get()
    assert (role.person.email, role.company_id, role.role) == ("operator@example.com", company.pk, "company_admin")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.company_id, entry.after["key"]) == (
        "operator@example.com",
        "company.add",
        company.pk,
        "…4567",
    )
    page = browser.get(f"/c/{company.public_id}/set-up/").content.decode()
    for words in ("Next: Bucket", "answers (scope calls:list)", "was provided when requested", "You are its company admin"):
        assert words in page
    assert browser.get("/")["Location"] == f"/c/{company.public_id}/"


def test_the_first_page_of_an_empty_installation_is_adding_a_company() -> None:
    assert operator().get("/")["Location"] == NEW


def test_who_is_no_operator_adds_nothing(world: World, dialpad: Dialpad) -> None:
    browser = world.admin
    assert browser.get(NEW).status_code == 403
    assert browser.post(NEW, {"address": dialpad.sim.base_url, "key": dialpad.sim.key}).status_code == 403
    assert Company.objects.count() == 2


def test_a_refused_key_says_where_to_get_a_new_one(dialpad: Dialpad) -> None:
    browser = operator()
    status, said = post(browser, dialpad.sim.base_url, "no-such-key-1234567")
    assert status == 422
    assert "Dialpad refused the key (401)" in said
    assert "Admin Settings › My Company › Authentication › API Keys" in said
    assert not Company.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("status", ["403", "401"])
def test_a_missing_scope_is_named_also_where_dialpad_answers_401(dialpad: Dialpad, status: str) -> None:
    dialpad.sim.switches.set("scope_error", status)
    code, said = post(operator(), dialpad.sim.base_url, dialpad.key("key-without-list-1", scopes=frozenset({"recordings_export"})))
    assert (code, "The key lacks the scope calls:list." in said) == (422, True)
    assert "refused: the key lacks the scope calls:list" in said
    assert not Company.objects.exists()


def test_a_key_that_is_no_company_admins_is_told_apart(dialpad: Dialpad) -> None:
    code, said = post(operator(), dialpad.sim.base_url, dialpad.key("key-of-an-agent-12", admin=False))
    assert (code, "Make the key as a company admin" in said) == (422, True)
    assert "refused: the key is not that of a company admin" in said


def test_a_key_that_names_no_recording_is_kept_and_the_step_stays_wrong(dialpad: Dialpad) -> None:
    browser = operator()
    company = add(browser, dialpad, dialpad.key("key-without-export", scopes=frozenset({"calls:list"})))
    page = browser.get(f"/c/{company.public_id}/set-up/").content.decode()
    assert "Dialpad API key: something is wrong" in page
    assert "the key lacks the scope recordings_export" in page


def test_what_is_not_dialpad_is_told(dialpad: Dialpad) -> None:
    browser = operator()
    for action in ({"kind": "html"}, {"kind": "status", "status": 404}, {"kind": "body", "text": "{}"}):
        dialpad.sim.faults.load([{"action": action}])
        code, said = post(browser, dialpad.sim.base_url, dialpad.sim.key)
        assert (code, "answers, but not as Dialpad does" in said) == (422, True), action
    dialpad.sim.faults.clear()
    code, said = post(browser, "http://127.0.0.1:9", dialpad.sim.key)
    assert (code, "127.0.0.1:9 does not answer" in said) == (422, True)
    assert not Company.objects.exists()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://dialpad.com", "must start with https://"),
        ("dialpad.com", "must look like https://dialpad.com"),
        ("https://dialpad.com/api", "must look like https://dialpad.com"),
        ("https://10.0.0.1", "must name a host such as dialpad.com"),
        ("", "must look like https://dialpad.com"),
    ],
)
def test_an_address_that_cannot_be_dialpads_is_refused_before_the_key_is_sent(address: str, why: str) -> None:
    code, said = post(operator(), address, "some-key-1234567890")
    assert (code, why in said) == (422, True)


def test_no_key_at_all_is_a_sentence() -> None:
    for key in ("", "two words", "line\nbreak"):
        code, said = post(operator(f"o{len(key)}@example.com"), "http://127.0.0.1:9", key)
        assert (code, "The Dialpad API key is empty or holds a space" in said) == (422, True)


def test_a_company_that_is_here_already_is_not_named(dialpad: Dialpad) -> None:
    add(operator("first@example.com"), dialpad, dialpad.key("key-number-one-1234"))
    code, said = post(operator("second@example.com"), dialpad.sim.base_url, dialpad.key("key-number-two-1234"))
    assert (code, "is registered in this installation already" in said) == (422, True)
    assert dialpad.first.name not in said
    assert "first@example.com" not in said
    assert (Company.objects.count(), Membership.objects.count()) == (1, 1)


def test_two_companies_live_side_by_side_and_their_admins_see_one_each(dialpad: Dialpad) -> None:
    first, second = operator("first@example.com"), operator("second@example.com")
    one = add(first, dialpad, dialpad.sim.key)
    two = add(second, dialpad, dialpad.key("key-of-the-second-1", dialpad.second))
    assert {one.dialpad_id, two.dialpad_id} == {str(dialpad.first.id), str(dialpad.second.id)}
    assert first.get(f"/c/{one.public_id}/set-up/").status_code == 200
    assert first.get(f"/c/{two.public_id}/set-up/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_key_is_in_no_page_no_log_no_audit_entry_and_no_table(dialpad: Dialpad, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = operator()
    shown = [post(browser, address, CANARY)[1] for address in (dialpad.sim.base_url, "http://dialpad.com", "http://127.0.0.1:9")]
    company = add(browser, dialpad, dialpad.key(CANARY))
    shown += [browser.get(f"/c/{company.public_id}/{page}").content.decode() for page in ("set-up/", "audit/", "settings/", "")]
    dialpad.sim.keys.revoke(CANARY)
    for form in ("check/", "sync/", "key/"):
        answer = browser.post(f"/c/{company.public_id}/set-up/{form}", {"key": CANARY})
        assert answer.status_code == 422, form
        shown.append(answer.content.decode())
    whole = "\n".join([*shown, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert CANARY not in whole
    assert CANARY[-4:] in whole
    assert CANARY not in all_rows()


def all_rows() -> str:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(" UNION ALL ".join(f'SELECT t::text FROM "{table}" t' for table in tables))
        return "\n".join(row[0] for row in cursor.fetchall())
