"""An id that is none is an answer and never a fault of ours: at every address, in every parameter and every field that is read."""

import logging
import re
from collections.abc import Iterator
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, reverse

import rokuon
from rokuon.domain.row_ids import MOST_ID

from .odd_ids import ODD_IDS
from .routes import Route, routes
from .sample_data import Town, build

SEVERAL = tuple(text for text in ODD_IDS if text)
SOME = (SEVERAL[0], SEVERAL[1], "\uff11", "\u00b2", "1\0")
"""For what there is much of: one of each kind of fault."""

WORDS = {"company", "state", "reason", "path", "token", "uidb36", "key", "session"}
"""Arguments that are text."""

_READ = re.compile(r"""(GET|POST)(?:\.get|\.getlist)?[(\[]\s*"([a-z_]+)\"""")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    for name in ("django.request", "django.security.csrf", "rokuon"):
        caplog.set_level(logging.CRITICAL, name)


@pytest.fixture
def town(db: None) -> Town:
    return build(5)


class _Forms(HTMLParser):
    """The forms of a page: (method, address, name and value of each field)."""

    def __init__(self, page: str, at: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, list[tuple[str, str]]]] = []
        self._at, self._select = at, ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((has.get("method", "get").upper(), has.get("action") or self._at, []))
        elif self.found and tag in ("input", "textarea", "select", "button") and has.get("name"):
            self.found[-1][2].append((has["name"], has.get("value", "")))


def ask(browser: Client, method: str, url: str, data: list[tuple[str, str]] = []) -> HttpResponse:  # noqa: B006 - not changed
    """One request whose changes are taken back, those of the browser too: an answer may sign it out."""
    cookies = deepcopy(browser.cookies)
    with transaction.atomic():
        if method == "GET":
            answer = browser.get(url + ("&" if "?" in url else "?") + urlencode(data) if data else url)
        else:
            answer = browser.post(url, urlencode(data), content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    browser.cookies = cookies
    return answer  # type: ignore[return-value]


def names_read() -> dict[str, set[str]]:
    """Every parameter and field that the code asks a request for by name, by method."""
    found: dict[str, set[str]] = {"GET": set(), "POST": set()}
    for path in Path(rokuon.__file__).parent.rglob("*.py"):
        for method, name in _READ.findall(path.read_text()):
            found[method].add(name)
    return found


def test_an_address_whose_id_is_none_is_not_there(town: Town) -> None:
    wrong = []
    asked = 0
    for route in routes():
        for argument in set(route.arguments) - WORDS:
            for text in (*SOME, "9223372036854775808", "-1", "1_0", str(MOST_ID)):
                url = _with(route, town, argument, text)
                for method in ("GET", "POST"):
                    asked += 1
                    status = ask(town.browser("company admin"), method, url).status_code
                    if not 302 <= status < 500:  # also 400 for NUL, and 303 where another address begins alike
                        wrong.append(f"{method} {route.name} with the {argument} {text[:30]!r}: {status}")
    assert not wrong, "\n".join(wrong[:40])
    assert asked > 400


def _with(route: Route, town: Town, argument: str, text: str) -> str:
    marked = reverse(route.name, kwargs={name: town.a.values[name] for name in route.arguments} | {argument: 987_654_321})
    return marked.replace("987654321", quote(text, safe=""))


def test_a_parameter_or_a_field_that_is_no_id_is_an_answer_at_every_address(town: Town) -> None:
    """All that are read anywhere at once, with one odd id, at every address."""
    names, wrong = names_read(), []
    for _page, method, _url, fields in _forms(town):
        names[method].update(name for name, _value in fields)
    assert {"office", "before", "after", "page", "target"} <= names["GET"] and {"copy", "on", "place", "bucket"} <= names["POST"]
    for route in routes():
        url = route.url(town.a.values)
        for who in ("company admin", "admin A", "anonymous"):
            for text in SOME if who == "company admin" else SOME[:1]:
                for method in ("GET", "POST"):
                    status = ask(town.browser(who), method, url, [(name, text) for name in sorted(names[method])]).status_code
                    if status >= 500 and not route.name.startswith("console:recordings-"):
                        wrong.append(f"{method} {route.name} as {who} with {text[:30]!r}: {status}")
    assert not wrong, "\n".join(wrong[:40])


def test_each_field_of_each_form_may_hold_what_is_no_id(town: Town) -> None:
    """One field at a time, the others as the page shows them."""
    wrong, tried = [], set()
    for page, method, url, fields in _forms(town):
        for place, (name, _value) in enumerate(fields):
            if (url, name) in tried or name in ("csrfmiddlewaretoken", "key", "password"):
                continue
            tried.add((url, name))
            for text in SOME:
                given = [*fields[:place], (name, text), *fields[place + 1 :]]
                status = ask(town.browser("company admin"), method, url, given).status_code
                if status >= 500:
                    wrong.append(f"{method} {url} of {page}: {name}={text[:30]!r}: {status}")
    assert not wrong, "\n".join(wrong[:40])
    assert len(tried) > 60


def _forms(town: Town) -> Iterator[tuple[str, str, str, list[tuple[str, str]]]]:
    for route in routes():
        try:
            url = route.url(town.a.values)
        except (AssertionError, NoReverseMatch):
            continue
        answer = ask(town.browser("company admin"), "GET", url)
        if answer.status_code == 200 and not answer.streaming and "html" in answer["Content-Type"]:
            for method, action, fields in _Forms(answer.content.decode(), url).found:
                if action.startswith("/"):
                    yield route.name, method, action, fields
