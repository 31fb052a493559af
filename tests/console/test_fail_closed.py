"""When the question "may they?" cannot be answered, the answer is no; and nothing of the fault is told (Q42, Q43)."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from rokuon.accounts.models import Membership, Person, Session

from .routes import Route, routes
from .sample_data import Town, build
from .tenancy import TABLE
from .test_tenancy import _ask, _digest, _outcome
from .test_tenancy import without_a_line_for_each_refusal as without_a_line_for_each_refusal

METHODS = ("GET", "POST")
TOLD = ("Traceback", "ProgrammingError", "psycopg", "accounts_", "gone_for_a_while", "site-packages", ".py")


@pytest.fixture
def town(db: None) -> Town:
    return build(5)


def of_companies(town: Town) -> list[tuple[Route, str]]:
    """The addresses that ask for a role."""
    found = [(route, route.url(town.a.values)) for route in routes() if "company" in route.arguments]
    assert len(found) > 5
    return found


def answers(town: Town, who: Client) -> Iterator[tuple[str, str, HttpResponse]]:
    for route, url in of_companies(town):
        for method in METHODS:
            with transaction.atomic():
                answer = _ask(who, method, url)
                transaction.set_rollback(answer.status_code >= 500)
            # "up" leads to a page that is asked here itself.
            if answer.status_code != 405 and (outcome := _outcome(answer, method)) != "up":
                yield f"{method} {route.name}", outcome, answer


@pytest.mark.parametrize("role", ["emperor", "", "COMPANY_ADMIN", "viewer,admin"])
def test_a_role_that_nobody_knows_opens_no_page(town: Town, role: str) -> None:
    person = Person.objects.create(email="emperor@town.example")
    Membership.objects.create(person=person, company=town.a.company, role=role)
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    before = _digest()
    assert [(what, outcome) for what, outcome, _answer in answers(town, browser) if outcome != "404"] == []
    assert _digest() == before


@pytest.mark.parametrize("table", ["accounts_membership", "accounts_session", "accounts_person", "org_company"])
def test_a_check_that_fails_refuses_and_tells_nothing(town: Town, table: str) -> None:
    """The table that the check reads is away."""
    browser = town.browser("company admin")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone_for_a_while")
        wrong = []
        for what, _got, answer in answers(town, browser):
            body = answer.content.decode()
            told = [word for word in TOLD if word in body]
            if answer.status_code not in (500, 503) or told:
                wrong.append((what, answer.status_code, told))
        cursor.execute(f"ALTER TABLE gone_for_a_while RENAME TO {table}")
    assert wrong == []


@pytest.mark.parametrize("what", [{"session_data": "garbage"}, {"session_data": ""}, {"person": None, "session_data": "e30:1:x"}])
def test_a_damaged_session_is_nobodys(town: Town, what: dict[str, str | None]) -> None:
    browser = town.browser("company admin")
    Session.objects.update(**what)
    assert [(page, outcome) for page, outcome, _answer in answers(town, browser) if outcome != "in"] == []


def test_a_role_that_was_taken_away_ends_with_the_next_request(town: Town) -> None:
    browser = town.browser("company admin")
    assert _ask(browser, "GET", f"/c/{town.a.company.public_id}/").status_code == 200
    Membership.objects.filter(person=town.people["company admin"]).delete()
    assert [(page, outcome) for page, outcome, _answer in answers(town, browser) if outcome != "404"] == []


def test_a_page_of_every_company_asks_for_a_role(town: Town) -> None:
    """No address below /c/ stands behind a guard that lets everybody in."""
    assert [route.name for route, _url in of_companies(town) if route.guard is None or route.guard.action is None] == []
    assert [route.name for route, _url in of_companies(town) if TABLE[route.name].expected("GET")["operator"] == "ok"] == []
