"""Views to start Back up now (M11): choose a scope, see the plan, start. Open and past runs are listed below the form."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts import draft_pages
from rokuon.accounts.our_pages import with_draft
from rokuon.accounts.permissions import Action
from rokuon.actions import run_preparation, runs
from rokuon.backup.estimate import Estimate
from rokuon.base import i18n
from rokuon.console.web import guards
from rokuon.console.web.answer import answer_of
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain import windows
from rokuon.domain.failures import ConfigError, RokuonError
from rokuon.domain.recording import ScopeKind
from rokuon.domain.row_ids import row_id
from rokuon.jobs import queue
from rokuon.ledger.runs import OPEN
from rokuon.ledger.sql import ms
from rokuon.wiring.backup_now import NothingToBackUp, Obstacle
from rokuon.wiring.connections import KeyMissing

from . import read_model
from .forms import BackupForm

FIELDS = ("scope", "period", "since", "until", "relist")
PLANNED = {field.name for field in fields(Estimate)}
PATIENCE_S: Final = 20.0
"""How long a person waits for the plan. Rokuon asks Dialpad for the directory, if it is old, and for one page of each month."""


@dataclass(frozen=True, slots=True)
class StartProblem:
    """Why there is no plan or no start. `retry` offers to start without the plan."""

    sentence: str
    code: str = ""
    link: str = ""
    words: str = ""
    retry: bool = False


@page(Action.VIEW)
def backup_now(request: CompanyRequest) -> HttpResponse:
    return _page(request)


def _page(request: CompanyRequest, form: BackupForm | None = None, trouble: StartProblem | None = None, status: int = 200) -> HttpResponse:
    reach, now = request.reach, guards.now(request)
    may_start = request.reaches.get(Action.BACK_UP)
    if form is None and may_start is not None:
        form = BackupForm(None, request.company, may_start, ms(now), initial={"scope": request.GET.get("scope", "")})
    found = read_model.visible(reach)
    before = row_id(request.GET.get("before", ""))
    ended = found.exclude(state__in=OPEN)
    older = list((ended.filter(pk__lt=before) if before is not None else ended)[: read_model.PAGE + 1])
    history = read_model.past(request.company, older[: read_model.PAGE], reach)
    return render(
        request,
        "console/runs/backup_now.html",
        {
            "form": form,
            "answer": answer_of(request.company, reach, now),
            "trouble": trouble,
            "current": [read_model.load_run(request.company, run, reach, now) for run in found.filter(state__in=OPEN)],
            "history": history,
            "changed": any(one.changed for one in history),
            "next_page": older[read_model.PAGE - 1].pk if len(older) > read_model.PAGE else None,
            "paged": bool(before),
            "zone": guards.company_zone(request.company) or "UTC",
        },
        status=status,
    )


@page(Action.VIEW)
def current(request: CompanyRequest) -> HttpResponse:
    """Render the open runs, for the page's polling."""
    now = guards.now(request)
    looks = [
        read_model.load_run(request.company, run, request.reach, now) for run in read_model.visible(request.reach).filter(state__in=OPEN)
    ]
    answer = render(request, "console/runs/current.html", {"current": looks})
    if request.GET.get("shown") != ",".join(str(look.run.pk) for look in looks):
        answer["HX-Refresh"] = "true"
    return answer


@page(Action.BACK_UP, CHANGE, keeps=FIELDS)
def plan(request: CompanyRequest) -> HttpResponse:
    """Compute what a start would do, and lead to the page that shows it. Changes nothing except the directory, which is read again if it is
    old."""
    form = _asked(request, request.POST)
    if not form.is_valid() or form.asked_scope is None:
        return _page(request, form, status=422)
    try:
        found = run_preparation.preview(
            installation(),
            request.company,
            form.asked_scope.kind,
            form.asked_scope.id,
            form.asked_range,
            queue,
            guards.actor(request),
            guards.now(request),
            relist=form.cleaned_data["relist"],
            patience=PATIENCE_S,
        )
    except (RokuonError, TimeoutError) as error:
        return _page(request, form, _trouble(request, error), status=422)
    token = draft_pages.keep_for_page(request, asdict(found))
    return HttpResponseRedirect(reverse("console:backup_now-planned", args=[request.company.public_id, token]), status=303)


@page(Action.BACK_UP)
def planned(request: CompanyRequest, draft: str) -> HttpResponse:
    """Show a plan that was computed before; Dialpad is not asked again."""
    kept = draft_pages.find(request, draft)
    page_url = reverse("console:backup_now", args=[request.company.public_id])
    form = _asked(request, draft_pages.as_sent(kept)) if kept is not None else None
    if kept is None or form is None or form.asked_scope is None or not form.is_valid() or kept.shown.keys() != PLANNED:
        return HttpResponseRedirect(with_draft(page_url, draft))
    found = Estimate(**kept.shown)
    asked = {name: value for name, value in form.cleaned_data.items() if value not in ("", False)}
    wanted = form.asked_range
    shown: dict[str, Any] = {
        "plan": found,
        "planned_at": kept.created_at,
        "zone": guards.company_zone(request.company),
        "seconds": max(1.0, found.seconds),
        "scope": form.asked_scope,
        "asked": asked,
        "relist": form.cleaned_data["relist"],
        "draft": draft,
        "again_url": with_draft(page_url, draft),
        "whole": form.asked_scope.kind is ScopeKind.COMPANY,
    }
    if wanted is not None:
        zone = guards.company_zone(request.company)
        first, last = (windows.local_date(one, zone) for one in (wanted.after_ms, wanted.before_ms - 1))
        shown |= {"first": first, "last": last, "zone": zone or "UTC"}
    same = read_model.visible(request.reach).filter(scope_kind=form.asked_scope.kind, scope_id=form.asked_scope.id)
    going_on = same.filter(state__in=OPEN).first()
    return render(request, "console/runs/plan.html", {**shown, "going_on": going_on})


@page(Action.BACK_UP, CHANGE, keeps=FIELDS)
def start(request: CompanyRequest) -> HttpResponse:
    """Start a run, or join the running or paused run of this scope."""
    form, now = _asked(request, request.POST), guards.now(request)
    scope = form.asked_scope if form.is_valid() else None
    if scope is None:
        return _page(request, form, status=422)
    try:
        run_preparation.prepare(installation(), request.company, scope.kind, guards.actor(request), now, PATIENCE_S)
        started = runs.start(
            request.company,
            scope.kind,
            scope.id,
            form.asked_range,
            queue,
            guards.actor(request),
            now,
            relist=form.cleaned_data["relist"],
        )
    except (RokuonError, TimeoutError) as error:
        return _page(request, form, _trouble(request, error), status=422)
    if started.resumed:
        messages.info(request, _("This backup was paused. It is now resumed."))
    elif started.joined:
        messages.info(request, _("This backup is already running and is shown here; nothing was started twice."))
    else:
        messages.success(request, _("The backup has started. You may leave this page: the backup continues."))
    return HttpResponseRedirect(reverse("console:backup_now-run", args=[request.company.public_id, started.run_id]), status=303)


def _asked(request: CompanyRequest, sent: QueryDict) -> BackupForm:
    form = BackupForm(sent, request.company, request.reach, ms(guards.now(request)))
    form.is_valid()
    return form


def _trouble(request: CompanyRequest, error: Exception) -> StartProblem:
    """Return the problem in words, with a link to the page where it can be fixed, if the person may open it."""
    place, words = _remedy(request, error)
    link = reverse(place, args=[request.company.public_id]) if place else ""
    if isinstance(error, TimeoutError):
        return StartProblem(
            _("Dialpad has not answered within %(seconds)d seconds, so there is no plan yet. Try again, or start without it.")
            % {"seconds": PATIENCE_S},
            retry=True,
        )
    if isinstance(error, KeyMissing):
        return StartProblem(_("The company has no Dialpad API key yet."), link=link, words=words)
    if isinstance(error, NothingToBackUp):
        return StartProblem(error.detail, link=link, words=words)
    if isinstance(error, ConfigError):
        return StartProblem(_("The stored Dialpad API key cannot be read. Enter it again."), error.reason, link, words)
    if isinstance(error, RokuonError):
        return StartProblem(i18n._(error.advice), error.reason, link, words)
    raise error


def _remedy(request: CompanyRequest, error: Exception) -> tuple[str, str]:
    """Return the page where the problem can be fixed and the link's text, if the person may open it; else the person to ask."""
    if isinstance(error, NothingToBackUp):
        if error.obstacle is Obstacle.NO_RULE:
            return "console:rules", _("Backup rules")
        needed, place, words = Action.SET_COMPANY, "console:settings", _("Settings")
    elif isinstance(error, ConfigError) or getattr(error, "hold_on", None) is not None:
        needed, place, words = Action.SET_COMPANY, "console:set_up", _("Set-up")
    else:
        return "", ""
    return (place, words) if guards.allowed(request, needed) else ("", _("Ask a company admin."))
