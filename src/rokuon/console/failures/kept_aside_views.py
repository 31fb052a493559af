"""Views that accept or discard a file that was kept aside."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.actions import failures as failure_actions
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.jobs import queue


@page(Action.BACK_UP, CHANGE)
def accept(request: CompanyRequest) -> HttpResponse:
    """Have a worker store the kept-aside file as the recording."""
    copy = _copy(request)
    accepted = failure_actions.accept(
        request.company, guards.target_ids(request.reach), [copy], queue, guards.actor(request), guards.now(request)
    )
    if accepted:
        messages.success(request, _("The file is accepted. A worker stores it as the recording within a minute."))
    else:
        messages.info(request, _("Nothing is kept aside of this recording any more, or it has not failed."))
    return _back(request, copy)


@page(Action.BACK_UP, CHANGE, keeps=("note",))
def discard(request: CompanyRequest) -> HttpResponse:
    """Close the recording as explained, because the file is not wanted; the form gives the reason."""
    copy, note = _copy(request), failure_actions.note(request.POST.get("note", ""))
    if not note:
        messages.error(request, _("Write why the file is not wanted."))
        return _back(request, copy)
    if failure_actions.discard(request.company, guards.target_ids(request.reach), [copy], note, guards.actor(request), guards.now(request)):
        messages.success(request, _("The recording is closed as explained. The file stays in the bucket."))
    else:
        messages.info(request, _("Nothing is kept aside of this recording any more, or it has not failed."))
    return _back(request, copy)


def _copy(request: CompanyRequest) -> int:
    """Return the copy that the form names. Raises PermissionDenied for a value that none of our pages sends."""
    ids = guards.row_ids(request, "copy")
    if len(ids) != 1:
        raise PermissionDenied
    return ids[0]


def _back(request: CompanyRequest, copy: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:recordings-one", args=[request.company.public_id, copy]), status=303)
