"""Views of backup rules (M6, M7): which targets are backed up automatically, and a preview of a change before it is saved."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import draft_pages
from rokuon.accounts.our_pages import with_draft
from rokuon.accounts.permissions import Action
from rokuon.actions import settings
from rokuon.console.web import guards
from rokuon.console.web.counted_lists import recordings_of
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.domain.copies import State
from rokuon.domain.placement import folder_key, folder_name
from rokuon.domain.row_ids import row_id
from rokuon.domain.settings import Effective
from rokuon.jobs import queue
from rokuon.org.models import Bucket, Target
from rokuon.org.tree import target_effective

from . import plan

KINDS = (Target.Kind.CONTACT_CENTER.value, Target.Kind.COACHING_TEAM.value)


@dataclass(frozen=True, slots=True)
class RuleRow:
    target: Target
    url: str
    effective: Effective
    bucket: Bucket | None
    may_change: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Filters of the rules page: one kind, all offices or one, and a text that the name contains."""

    kind: str
    office: int | None
    text: str

    @property
    def query(self) -> str:
        return urlencode({"kind": self.kind, **({"office": self.office} if self.office else {}), **({"q": self.text} if self.text else {})})


def _choice(request: CompanyRequest, data: Any) -> Choice:
    kind, office = data.get("kind", ""), data.get("office", "")
    asked = row_id(office)
    known = asked is not None and guards.offices(guards.seen(request)).filter(pk=asked).exists()
    return Choice(kind if kind in KINDS else KINDS[0], asked if known else None, data.get("q", "").replace("\0", "").strip())


def _shown(request: CompanyRequest, choice: Choice) -> QuerySet[Target]:
    found = guards.targets(guards.seen(request)).filter(kind=choice.kind)
    if choice.office is not None:
        found = found.filter(office_id=choice.office)
    if choice.text:
        named = Q(name__icontains=choice.text) | Q(folder_key__contains=folder_key(folder_name(choice.text)))
        found = found.filter(named | Q(office__name__icontains=choice.text))
    return found.order_by("office__name", "office_id", "name", "pk")


@page(Action.VIEW)
def rules_page(request: CompanyRequest) -> HttpResponse:
    choice, company = _choice(request, request.GET), request.company
    setting = request.reaches.get(Action.SET_RULES)
    known = {bucket.pk: bucket for bucket in company.buckets.defer("credential")}
    rows, base = [], reverse("console:settings-target", args=[company.public_id, 0]).removesuffix("0/")
    for target in _shown(request, choice):
        effective = target_effective(company, target)
        bucket = known[effective.bucket] if effective.bucket is not None else None
        rows.append(RuleRow(target, f"{base}{target.pk}/", effective, bucket, setting is not None and setting.covers(target.office_id)))
    everything = list(guards.targets(guards.seen(request)).exclude(state="deleted").values_list("kind", "backed_up"))
    context = {
        "choice": choice,
        "rows": [row for row in rows if row.target.state != "deleted"],
        "deleted": [row for row in rows if row.target.state == "deleted"],
        "shown": plan.written(row.target for row in rows if row.may_change),
        "may_change": any(row.may_change for row in rows),
        "offices": guards.offices(guards.seen(request)).order_by("name", "pk"),
        "tabs": [(kind, *_counts(everything, kind)) for kind in KINDS],
        "on": sum(on for kind, on in everything if kind == choice.kind),
        "all": sum(1 for kind, _on in everything if kind == choice.kind),
        "stored_nowhere": sum(1 for row in rows if row.target.backed_up and row.bucket is None and row.target.state != "deleted"),
        **_urls(request, choice),
    }
    return render(request, "console/rules/rules.html", context)


def _counts(everything: list[tuple[str, bool]], kind: str) -> tuple[int, int]:
    of_kind = [on for one, on in everything if one == kind]
    return sum(of_kind), len(of_kind)


def _urls(request: CompanyRequest, choice: Choice) -> dict[str, str]:
    company = request.company
    base = reverse("console:rules", args=[company.public_id])
    return {
        "base_url": base,
        "here_url": f"{base}?{choice.query}",
        "save_url": reverse("console:rules-save", args=[company.public_id]),
        "settings_url": reverse("console:settings", args=[company.public_id]),
    }


@page(Action.SET_RULES, CHANGE, keeps=("shown", "on", "kind", "office", "q"))
def save(request: CompanyRequest) -> HttpResponse:
    """Lead to the page that shows in words what the checkboxes change; save it after the person confirmed it. Changes that others made
    meanwhile stay, and a message names them."""
    company = request.company
    wanted, found = _planned(request, request.POST)
    urls = _urls(request, _choice(request, request.POST))
    if (found.enable or found.disable) and request.POST.get("confirmed") != found.token:
        token = draft_pages.keep(request, on=[str(target) for target in sorted(wanted)])
        if not token:
            messages.error(request, _("These are too many targets at once. Choose an office, and change its rules alone."))
            return HttpResponseRedirect(urls["here_url"], status=303)
        return HttpResponseRedirect(reverse("console:rules-preview", args=[company.public_id, token]), status=303)
    done = settings.change_rules(company, found.enable, found.disable, queue, guards.actor(request), guards.now(request))
    _tell(request, done, found)
    return HttpResponseRedirect(urls["here_url"], status=303)


@page(Action.SET_RULES)
def preview(request: CompanyRequest, draft: str) -> HttpResponse:
    """Show in words what the checkboxes of a draft change, as things are now."""
    kept = draft_pages.find(request, draft)
    sent = draft_pages.as_sent(kept) if kept is not None else request.GET
    choice = _choice(request, sent)
    urls = _urls(request, choice)
    if kept is None or kept.path != urls["save_url"]:
        return HttpResponseRedirect(with_draft(urls["base_url"], draft))
    wanted, found = _planned(request, sent)
    if not (found.enable or found.disable):
        _tell_others(request, found)
        return HttpResponseRedirect(urls["here_url"])
    waiting_url = recordings_of(request.company, found.disable, state=State.PENDING)
    context = {
        "plan": found,
        "waiting_url": waiting_url,
        "choice": choice,
        "shown": sent.get("shown", ""),
        "ticked": " ".join(map(str, sorted(wanted))),
    }
    return render(
        request, "console/rules/preview.html", {**context, **urls, "draft": draft, "again_url": with_draft(urls["here_url"], draft)}
    )


def _planned(request: CompanyRequest, sent: QueryDict) -> tuple[set[int], plan.RulesPlan]:
    """Return the ticked boxes of a sent form, and what they change."""
    shown, wanted = plan.read_shown(sent.get("shown", "")), plan.ticked(sent)
    if sent.get("all") in ("on", "off"):
        wanted = set(shown) if sent["all"] == "on" else set()
    targets = list(guards.targets(request.reach).filter(pk__in=shown).order_by("office__name", "name", "pk"))
    return wanted, plan.plan(request.company, targets, shown, wanted)


def _tell(request: CompanyRequest, done: settings.RulesChanged, found: plan.RulesPlan) -> None:
    enabled, disabled = len(done.enabled), len(done.disabled)
    if enabled:
        words = ngettext("The backup rule of %(count)s target was enabled.", "The backup rules of %(count)s targets were enabled.", enabled)
        messages.success(request, words % {"count": enabled})
    if disabled:
        words = ngettext(
            "The backup rule of %(count)s target was disabled.", "The backup rules of %(count)s targets were disabled.", disabled
        )
        messages.success(request, words % {"count": disabled})
    if done.excluded:
        words = ngettext(
            "%(count)s waiting recording was set aside as excluded; enabling the rule takes it back.",
            "%(count)s waiting recordings were set aside as excluded; enabling the rule takes them back.",
            done.excluded,
        )
        messages.info(request, words % {"count": done.excluded})
    if not (enabled or disabled or found.already):
        messages.info(request, _("Nothing differs from what was set, so nothing was changed."))
    _tell_others(request, found)


def _tell_others(request: CompanyRequest, found: plan.RulesPlan) -> None:
    if found.already:
        words = _("Already set by someone else in the meantime: %(names)s.")
        messages.warning(request, words % {"names": _names(found.already)})
    if found.changed_by_others:
        words = _("Changed by someone else in the meantime, and left as they are: %(names)s.")
        messages.warning(request, words % {"names": _names(found.changed_by_others)})


def _names(targets: tuple[Target, ...], most: int = 5) -> str:
    names = _(", ").join(target.name for target in targets[:most])
    return names if len(targets) <= most else _("%(names)s and %(count)d more") % {"names": names, "count": len(targets) - most}
