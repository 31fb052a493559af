"""Views that close and re-open unreadable entries of Dialpad's list. The failure page shows these entries."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import draft_pages
from rokuon.accounts.permissions import Action
from rokuon.actions import unread_entries as unread_actions
from rokuon.console.web.guards import CHANGE, CompanyRequest, page

from . import closings
from .closings import ClosingText

WORDS = ClosingText(
    choose=lambda: _("Select at least one entry."),
    choose_closed=lambda: _("Select at least one entry that is closed."),
    closed=lambda count: ngettext("%(count)d entry was closed.", "%(count)d entries were closed.", count) % {"count": count},
    opened=lambda count: ngettext("%(count)d entry is open again.", "%(count)d entries are open again.", count) % {"count": count},
)


@page(Action.BACK_UP, CHANGE, keeps=("entry", "note"))
def close(request: CompanyRequest) -> HttpResponse:
    done = closings.close(request, "entry", unread_actions, WORDS)
    return _back(request) if done else draft_pages.back(request)


@page(Action.BACK_UP, CHANGE, keeps=("entry", "note"))
def reopen(request: CompanyRequest) -> HttpResponse:
    done = closings.reopen(request, "entry", unread_actions, WORDS)
    return _back(request) if done else draft_pages.back(request)


def _back(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:failures", args=[request.company.public_id]) + "#not-known", status=303)
