"""Close with a note, and re-open, calls with nothing to fetch and entries that could not be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.contrib import messages
from django.utils.translation import gettext as _

from rokuon.accounts.audit import Actor
from rokuon.actions import failures
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.org.models import Company


class ClosingActions(Protocol):
    """A module of `actions`, with its targets and ids (None: all). Each function returns how many it changed."""

    def close(
        self, company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, note: str, actor: Actor, now: datetime
    ) -> int: ...

    def reopen(self, company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, actor: Actor, now: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class ClosingText:
    """Sentences for the person, made at the time of use so that they are in the language of the request."""

    choose: Callable[[], str]
    choose_closed: Callable[[], str]
    closed: Callable[[int], str]
    opened: Callable[[int], str]


def close(request: CompanyRequest, field: str, actions: ClosingActions, words: ClosingText) -> bool:
    """Close what the form names in `field`, or everything that is open, with the form's note as the reason. Return whether the form was
    complete."""
    everything, ids = request.POST.get("what") == "all", guards.row_ids(request, field)
    note = failures.note(request.POST.get("note", ""))
    if not note or not (everything or ids):
        messages.error(request, words.choose() if note else _("Write why nothing is to be done."))
        return False
    targets = guards.target_ids(request.reach)
    closed = actions.close(request.company, targets, None if everything else ids, note, guards.actor(request), guards.now(request))
    messages.success(request, words.closed(closed))
    return True


def reopen(request: CompanyRequest, field: str, actions: ClosingActions, words: ClosingText) -> bool:
    """Re-open what the form names in `field`; return whether anything was re-opened."""
    ids, targets = guards.row_ids(request, field), guards.target_ids(request.reach)
    opened = actions.reopen(request.company, targets, ids, guards.actor(request), guards.now(request))
    if opened:
        messages.success(request, words.opened(opened))
    else:
        messages.error(request, words.choose_closed())
    return bool(opened)
