"""Views of the set-up page: the checklist and the forms of its first steps. A key that is entered here is never shown again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts.permissions import Action
from rokuon.actions import companies
from rokuon.base import i18n
from rokuon.base.plain_text import bare
from rokuon.base.secrets import Secret
from rokuon.console.buckets.held import resumed_now
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, FORM, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError, RokuonError
from rokuon.jobs import queue
from rokuon.org.directory import Change, SyncResult
from rokuon.org.models import Company
from rokuon.org.odd_zones import odd_zones
from rokuon.org.odd_zones import todo as zones_todo
from rokuon.wiring import key_report_text
from rokuon.wiring.key_check import KeyReport

from . import checklist

REFUSED = 422
MOST_ZONES = 10
NAMED = 5
"""At most this many names of a sync's result are listed; the rest is a number."""


@page(Action.SET_COMPANY)
def set_up(request: CompanyRequest) -> HttpResponse:
    return _shown(request)


@page(Action.SET_COMPANY, FORM, fresh=True)
def replace_key(request: CompanyRequest) -> HttpResponse:
    """Enter a new key of the same company. A key with insufficient rights changes nothing."""
    if request.method != "POST":
        return _key_form(request)
    key, company, now = key_of(request), request.company, guards.now(request)
    report: KeyReport | None = None
    try:
        report = companies.examine_key(installation().config, company.base_url, key, now)
        companies.keep_key(installation(), company, key, report, queue, guards.actor(request), now)
    except RokuonError as error:
        return _key_form(request, _why(error, report, company.base_url), report)
    said = _("The new key works and is kept. What waited for it resumes automatically.")
    messages.success(request, i18n.join_sentences(said, resumed_now(request)))
    return _back(request, "key")


def _key_form(request: CompanyRequest, error: str = "", report: KeyReport | None = None) -> HttpResponse:
    context = {
        "key_error": error,
        "key_lines": key_report_text.lines(report.kept()) if report is not None else [],
        "keys_are": _(key_report_text.WHERE_KEYS_ARE),
        "zone": guards.company_zone(request.company),
    }
    return render(request, "console/setup/key_new.html", context, status=REFUSED if error else 200)


@page(Action.SET_COMPANY, CHANGE)
def check_key(request: CompanyRequest) -> HttpResponse:
    """Check again what the key may read: its scopes may have been changed in Dialpad."""
    try:
        report = companies.recheck_key(installation(), request.company, queue, guards.actor(request), guards.now(request))
        request.company.refresh_from_db()
        report.require()
    except ConfigError as error:
        return _shown(request, key_error=key_report_text.trouble(error))
    except RokuonError as error:
        return _shown(request, key_error=_why(error, report, request.company.base_url), report=report)
    messages.success(request, _("The key was checked again. The result is shown below."))
    return _back(request, "key")


@page(Action.SET_COMPANY, CHANGE)
def sync(request: CompanyRequest) -> HttpResponse:
    """Read the directory again and show the differences."""
    try:
        result = companies.sync(installation(), request.company, guards.actor(request), guards.now(request))
    except RokuonError as error:
        return _shown(request, sync_error=key_report_text.trouble(error), sync_code=error.reason)
    for sentence in [*told(result), *told_zones(request.company)]:
        messages.success(request, sentence)
    return _back(request, "directory")


def key_of(request: HttpRequest) -> Secret:
    """Return the pasted key without the whitespace that copying adds."""
    return Secret(bare(request.POST.get("key", "")))


def _why(error: RokuonError, report: KeyReport | None, address: str) -> str:
    if report is not None and error is report.failure:
        return key_report_text.refusal(report, host_of(address))
    return key_report_text.trouble(error)


def host_of(address: str) -> str:
    return address.partition("://")[2]


def _back(request: CompanyRequest, step: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:set_up", args=[request.company.public_id]) + f"#{step}", status=303)


def _shown(
    request: CompanyRequest, *, key_error: str = "", report: KeyReport | None = None, sync_error: str = "", sync_code: str = ""
) -> HttpResponse:
    company = request.company
    kept: Mapping[str, Any] = report.kept() if report is not None else company.key_report
    checked_at = None if report is not None or "at" not in company.key_report else datetime.fromisoformat(company.key_report["at"])
    context = {
        "checklist": checklist.read(company),
        "zone": guards.company_zone(company),
        "key_error": key_error,
        "key_lines": key_report_text.lines(kept),
        "key_checked_at": checked_at,
        "host": host_of(company.base_url),
        "sync_error": sync_error,
        "sync_code": sync_code,
        "opened": "key" if key_error else "directory" if sync_error else "",
    }
    return render(request, "console/setup/set_up.html", context, status=REFUSED if key_error or sync_error else 200)


def told_zones(company: Company) -> list[str]:
    odd = odd_zones(company)
    return [*(str(one) for one in odd[:MOST_ZONES]), *([zones_todo()] if odd else [])]


def told(result: SyncResult) -> list[str]:
    """Return a directory sync in sentences: the counts, then what is new, gone, renamed."""
    said = [
        _("Read from Dialpad: %(offices)s offices, %(centers)s contact centers, %(teams)s coaching teams, %(users)s people.")
        % {
            "offices": f"{result.offices:,}",
            "centers": f"{result.contact_centers:,}",
            "teams": f"{result.coaching_teams:,}",
            "users": f"{result.users:,}",
        }
    ]
    if result.appeared:
        said.append(_("New: %(names)s.") % {"names": _names(result.appeared)})
    if result.vanished:
        said.append(
            _("No longer in Dialpad: %(names)s. Their recordings, settings and folders stay as they are.")
            % {"names": _names(result.vanished)}
        )
    if result.renamed:
        said.append(_("Renamed: %(names)s. Their folders keep the old name.") % {"names": _names(result.renamed)})
    if not (result.appeared or result.vanished or result.renamed):
        said.append(_("Nothing has changed since the last time."))
    return said


def _names(changes: tuple[Change, ...]) -> str:
    """Return the names, each between Unicode marks that isolate its writing direction."""
    named = _(", ").join(f"\u2068{change.name}\u2069" for change in changes[:NAMED])
    more = len(changes) - NAMED
    if more <= 0:
        return named
    return ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more) % {"names": named, "count": f"{more:,}"}
