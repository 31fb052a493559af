"""Nobody sees or does what is not theirs, at any address: each route × method × person, from the router (Q23, Q24, Q32)."""

import html
import logging
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

from .routes import Route, routes
from .sample_data import Part, Town, build
from .tenancy import PAGE, TABLE, WHO, markdown

METHODS = ("GET", "HEAD", "PUT", "DELETE", "POST")
CHANGES_BY_THEMSELVES = {"accounts_session", "procrastinate_workers", "django_migrations", "accounts_signin"}

OF_EVERYBODY = {"console:installation-sign_ins"}
"""Pages for operators alone, of all companies' people."""


@pytest.fixture(autouse=True)
def without_a_line_for_each_refusal(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("django.request", "django.security.csrf"):
        caplog.set_level(logging.ERROR, name)


@pytest.fixture(autouse=True)
def without_a_mail_server(settings: Any) -> None:
    """So that nobody is waited for, and nothing leaves."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"


@pytest.fixture
def town(db: None) -> Town:
    return build()


@pytest.fixture
def small_town(db: None) -> Town:
    return build(20)


def test_the_table_names_every_address_and_no_other() -> None:
    assert set(TABLE) == {route.name for route in routes()}


def test_the_page_of_the_docs_shows_this_table() -> None:
    assert PAGE.read_text() == markdown(), "run: python -m tests.console.tenancy"


def test_every_person_gets_from_every_address_what_the_table_says(town: Town) -> None:
    wrong = [problem for route in routes() for problem in _of_route(town, route)]
    assert not wrong, "\n".join([f"{len(wrong)} problems", *wrong[:40]])


def _of_route(town: Town, route: Route) -> Iterator[str]:
    url, row = route.url(town.a.values), TABLE[route.name]
    before = _digest()
    for method in METHODS:
        for who, expected in row.expected(method).items():
            with transaction.atomic():
                answer = _ask(town.browser(who), method, url)
                transaction.set_rollback(method == "POST" and expected == "ok")
            if (got := _outcome(answer, method)) != expected:
                yield f"{method} {route.name} as {who}: {got}, not {expected}"
            told = () if route.name in OF_EVERYBODY else _leaks(town, who, answer)
            yield from (f"{method} {route.name} as {who} tells: {said}" for said in told)
        after = _digest()
        yield from (f"{method} {route.name} changed {table}" for table in before if after[table] != before[table])
        before = after


WORDS = {"state", "reason", "draft"}
"""Arguments that name no thing of anyone's. Somebody else's draft leads back to the form as one that never was: `test_drafts`."""


def test_an_address_with_somebody_elses_id_is_not_there(small_town: Town) -> None:
    """For each id in each address: that of the other company, and for office A that of office B."""
    town, found = small_town, []
    for route in routes():
        for argument in set(route.arguments) - {"company"} - WORDS:
            for who, foreign in (("company admin", town.other), ("admin A", town.other), ("admin A", town.b)):
                if TABLE[route.name].expected("GET")[who] == TABLE[route.name].expected("POST")[who] == "403":
                    continue
                url = route.url(town.a.values | {argument: foreign.values[argument]})
                for method in ("GET", "POST"):
                    before, answer = _digest(), _ask(town.browser(who), method, url)
                    if TABLE[route.name].expected(method)[who] == "ok" and answer.status_code != 404 and argument != "bucket":
                        found.append(f"{method} {route.name} as {who} with the {argument} of {foreign.office.name}: {answer.status_code}")
                    if _digest() != before:
                        found.append(f"{method} {route.name} as {who} with the {argument} of {foreign.office.name} changed something")
    assert not found, "\n".join(found)


WITHOUT_FORM = {"console:hooks-dialpad"}
"""No browser posts there, and no cookie counts."""


def test_no_change_is_made_without_the_token_of_our_own_form(small_town: Town) -> None:
    before, accepted = _digest(), []
    for route in routes():
        url = route.url(small_town.a.values)
        for who in ("anonymous", "company admin"):
            for method in ("POST", "PUT", "DELETE"):
                status = _ask(small_town.browser(who, checks_forms=True), method, url).status_code
                if status != (403 if route.name not in WITHOUT_FORM else 401 if method == "POST" else 405):
                    accepted.append(f"{method} {route.name} as {who}: {status}")
    assert accepted == []
    assert _digest() == before


def _ask(browser: Client, method: str, url: str) -> HttpResponse:
    """A browser stays as it was: what the answer does to its cookies (signing out) would change who asks next."""
    cookies = deepcopy(browser.cookies)
    answer = browser.generic(method, url)
    browser.cookies = cookies
    return answer  # type: ignore[return-value]


def _outcome(answer: HttpResponse, method: str) -> str:
    if answer.status_code == 302 and answer["Location"].startswith("/sign-in/?"):
        return "in"
    if method in ("GET", "HEAD") and answer.status_code == 302 and answer.wsgi_request.path.startswith(answer["Location"]):
        guard = getattr(answer.resolver_match.func, "guard", None)
        if guard is not None and "GET" not in guard.methods:
            return "up"
    if answer.status_code < 400 or (method == "POST" and answer.status_code in (400, 422)):
        return "ok"
    return str(answer.status_code)


def _leaks(town: Town, who: str, answer: HttpResponse) -> list[str]:
    """What of other people's an answer holds: in its text, its headers, its links."""
    if who in ("viewer A", "admin A"):
        foreign = [town.b, town.other]
    elif who in ("other company",):
        foreign = [town.a, town.b]
    elif who in ("anonymous", "operator"):
        foreign = [town.a, town.b, town.other]
    else:
        foreign = [town.other]
    body = "" if answer.streaming else html.unescape(answer.content.decode(errors="replace"))
    whole = "\n".join([*(f"{name}: {value}" for name, value in answer.items()), body])
    # Random letters may spell anything: those of the request's name, of the form's token, of the company's address.
    whole = re.sub(r'value="[A-Za-z0-9]{64}"', "", whole).replace(answer.get("X-Request-Id", "-"), "")
    whole = whole.replace(town.a.company.public_id, "")
    shown = re.sub(r"<[^>]*>", " ", body)
    found = [word for part in foreign for word in part.words if word in whole]
    found += [str(count) for part in foreign for count in part.counts if re.search(rf"(?<![\d,]){_written(count)}(?![\d,])", shown)]
    return found + [link for part in foreign for link in _links_to(part, town, body)]


def _written(count: int) -> str:
    return rf"(?:{count}|{count:,})"


def _links_to(part: Part, town: Town, whole: str) -> Iterator[str]:
    """Links whose address names a thing of that part."""
    for link in set(re.findall(r'(?:href|src|action|hx-get|hx-post)="(/[^"?#]*)', whole)):
        try:
            named = resolve(link).kwargs
        except Resolver404:
            continue
        for name, value in named.items():
            mine = str(part.values.get(name)) == str(value) and part.values.get(name) != town.a.values.get(name)
            if mine and not (name == "bucket" and part.company == town.a.company):
                yield link


def _digest() -> dict[str, str]:
    """One value for the whole content of each table."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - CHANGES_BY_THEMSELVES)
        parts = [f"SELECT '{table}', md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM \"{table}\" t" for table in tables]
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def test_the_people_of_the_town_are_those_of_the_table(small_town: Town) -> None:
    assert set(WHO) == {"anonymous", *small_town.people}
