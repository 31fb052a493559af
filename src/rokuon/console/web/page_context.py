"""Template context of every page: the reader's language, the navigation, and the banner about problems of Rokuon itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rokuon.accounts import draft_pages, permissions
from rokuon.accounts.our_pages import page_above
from rokuon.accounts.permissions import AccessReach, Action
from rokuon.base import i18n
from rokuon.console.setup.next_step import trail
from rokuon.org.models import Company

from . import guards, print_header, status_banner

LANGUAGE_COOKIE = "rokuon_language"


class LanguageMiddleware:
    """Sets the language of a request: the person's choice, else the cookie's, else the browser's, else the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = getattr(request.user, "language", "") or request.COOKIES.get(LANGUAGE_COOKIE, "")
        language = chosen if chosen in i18n.LANGUAGES else translation.get_language_from_request(request)
        with translation.override(language), i18n.speaking(language):
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


@dataclass(frozen=True, slots=True)
class NavEntry:
    """An entry of the navigation. `key` opens it after `g`; `here` is whether the current page belongs to it."""

    name: str
    url: str
    icon: str
    key: str
    here: bool


# name of the address, words, icon, key of its shortcut, permission needed to see it
NAVIGATION: tuple[tuple[str, str, str, str, Action], ...] = (
    ("overview", gettext_noop("Overview"), "overview", "o", Action.VIEW),
    ("failures", gettext_noop("Failures"), "failed", "f", Action.VIEW),
    ("recordings", gettext_noop("Recordings"), "recording", "r", Action.VIEW),
    ("backup_now", gettext_noop("Back up now"), "backup", "b", Action.VIEW),
    ("rules", gettext_noop("Backup rules"), "rules", "u", Action.VIEW),
    ("settings", gettext_noop("Settings"), "settings", "s", Action.VIEW),
    ("set_up", gettext_noop("Set-up"), "setup", "t", Action.SET_COMPANY),
    ("people", gettext_noop("People"), "people", "p", Action.PEOPLE),
    ("audit", gettext_noop("Audit log"), "audit", "a", Action.AUDIT),
    ("notices", gettext_noop("Notices"), "notices", "n", Action.VIEW),
    ("system", gettext_noop("System"), "system", "y", Action.SYSTEM),
)


def context(request: HttpRequest) -> dict[str, Any]:
    """Return the variables for every template: `places`, `companies`, `strip`, `trail`, `theme`, `shortcuts`, `languages`, `here`,
    `draft_state`, `print_head`, `print_now`."""
    languages: dict[str, Any] = {"languages": i18n.LANGUAGES, "here": request.get_full_path()}
    try:
        if request.method == "POST":
            languages["here"] = _after_refusal(request)
        person = getattr(request, "user", None)
        if person is None or not person.is_authenticated:
            return languages
        if request.headers.get("HX-Request") == "true":
            # A part of a page, requested every few seconds: the browser already shows the rest of the page.
            return languages | {"company": getattr(request, "company", None)}
        companies = list(Company.objects.filter(pk__in=permissions.company_ids(person.pk)).order_by("name", "pk"))
        company: Company | None = getattr(request, "company", None)
        reaches: Mapping[Action, AccessReach] = getattr(request, "reaches", {})
        here: dict[str, Any] = {
            "theme": person.theme,
            "shortcuts": person.shortcuts,
            "companies": companies,
            "draft_state": draft_pages.state(request),
        }
        here |= {"print_head": print_header.of(request, company, reaches), "print_now": guards.now(request)}
        if company is not None:
            zone = guards.reader_zone(request)
            here |= {"company": company, "places": _places(request, reaches, company), "strip": status_banner.said(company, reaches, zone)}
            if _page_name(request) != "set_up":
                here["trail"] = trail(company, reaches)
        return languages | here
    except (OperationalError, InterfaceError):
        # The page that reports a lost database must work without one.
        return languages | {"strip": [status_banner.without_database()]}


def _after_refusal(request: HttpRequest) -> str:
    """Return where the choices of language and colours lead from a page that answers a sent form: to the form, with what was typed."""
    page = page_above(request.path)
    return draft_pages.page_with_typed(request, request.get_full_path() if page == request.path else page)


def _page_name(request: HttpRequest) -> str:
    """Return the page that an address belongs to: `settings` for `settings-office`."""
    match = request.resolver_match
    return match.url_name.split("-")[0] if match is not None and match.url_name else ""


def _places(request: HttpRequest, reaches: Mapping[Action, AccessReach], company: Company) -> list[NavEntry]:
    here = _page_name(request)
    return [
        NavEntry(_(words), reverse(f"console:{name}", args=[company.public_id]), icon, key, here == name)
        for name, words, icon, key, action in NAVIGATION
        if action in reaches
    ]
