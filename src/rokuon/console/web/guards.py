"""Guards of the views: who may open a page, and what is within that person's reach.

Every view has a guard: `console.urls` accepts only guarded views, and the tenancy test checks the guard of each.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from rokuon.accounts import draft_pages, permissions, recent_auth, removed_rows, second_factor
from rokuon.accounts.audit import Actor, acting
from rokuon.accounts.guards import CHANGE, FORM, READ, Guard, SignedInRequest, by_methods, everyone, signed_in, to_sign_in
from rokuon.accounts.permissions import AccessReach, Action
from rokuon.domain.row_ids import row_id
from rokuon.org import tree
from rokuon.org.models import Company, Office, Target
from rokuon.runtime.shared_clock import shared_now

__all__ = [
    "CHANGE",
    "FORM",
    "READ",
    "CompanyRequest",
    "Guard",
    "SignedInRequest",
    "actor",
    "allowed",
    "everyone",
    "now",
    "office_or_404",
    "offices",
    "page",
    "reader_zone",
    "seen",
    "signed_in",
    "target_ids",
    "target_or_404",
    "target_set",
    "targets",
]
P = ParamSpec("P")


class CompanyRequest(SignedInRequest):
    """A request about one company, by a person who may do the page's action within `reach`."""

    company: Company
    reach: AccessReach
    reaches: Mapping[Action, AccessReach]


def page(
    action: Action, methods: tuple[str, ...] = READ, *, fresh: bool = False, keeps: tuple[str, ...] = ()
) -> Callable[[Callable[Concatenate[CompanyRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard a page about one company, which the address names (`company`). 404 for strangers, 403 for members who may not do this.

    The guard sets `request.company` and `request.reach`. With `fresh`, the person must have authenticated within the last ten minutes and
    is asked to otherwise: for changes of a bucket, a key or a role. On a form's page this happens before the person fills in the form.
    `keeps` are the fields of its form that are kept as a draft while the person signs in or confirms their identity; none may be a secret.
    """

    def guarded(view: Callable[Concatenate[CompanyRequest, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def checked(request: CompanyRequest, company: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            found = Company.objects.filter(public_id=company).first()
            draft_pages.prepare(request, found.pk if found is not None else None, keeps)
            if not request.user.is_authenticated:
                return to_sign_in(request)
            reaches = permissions.reaches(request.user.pk, found.pk) if found is not None else {}
            if found is None or Action.VIEW not in reaches:
                raise Http404
            request.company, request.reaches = found, reaches
            reach = reaches.get(action)
            if reach is None:
                raise PermissionDenied
            request.reach = reach
            if found.second_factor_required and not second_factor.satisfied(request):
                return second_factor.ask(request)
            if fresh and not recent_auth.is_fresh(request):
                return recent_auth.ask(request)
            return draft_pages.finish(request, removed_rows.answered(request, lambda: view(request, *args, **kwargs)))

        whole = by_methods(checked, methods)
        whole.guard = Guard(action, methods, fresh=fresh, keeps=keeps)  # type: ignore[attr-defined]
        return whole

    return guarded


def allowed(request: CompanyRequest, action: Action, office_id: int | None = None) -> bool:
    """Whether this person may do another action than the page's: used to show or hide a button."""
    found = request.reaches.get(action)
    return found is not None and found.covers(office_id)


def seen(request: CompanyRequest) -> AccessReach:
    """Return what the person may view, also on a page that makes changes."""
    return request.reaches[Action.VIEW]


def offices(reach: AccessReach) -> QuerySet[Office]:
    """Return the offices within reach."""
    found = Office.objects.filter(company_id=reach.company_id)
    return found if reach.offices is None else found.filter(pk__in=reach.offices)


def targets(reach: AccessReach) -> QuerySet[Target]:
    """Return the contact centers and coaching teams within reach, with their offices."""
    found = Target.objects.filter(company_id=reach.company_id).select_related("office")
    return found if reach.offices is None else found.filter(office_id__in=reach.offices)


def target_ids(reach: AccessReach) -> list[int] | None:
    """Return the ids of the targets to count, for read models; None for all of the company's."""
    return None if reach.whole else list(targets(reach).values_list("pk", flat=True))


def target_set(reach: AccessReach) -> frozenset[int] | None:
    """Return the ids of `target_ids` as a set; None for all of the company's."""
    ids = target_ids(reach)
    return None if ids is None else frozenset(ids)


def office_or_404(reach: AccessReach, office_id: int) -> Office:
    return get_object_or_404(offices(reach), pk=office_id)


def target_or_404(reach: AccessReach, target_id: int) -> Target:
    return get_object_or_404(targets(reach), pk=target_id)


def row_ids(request: CompanyRequest, field: str) -> list[int]:
    """Return the ids in a form's field, which may occur more than once. Raises PermissionDenied for a value that none of our pages
    sends."""
    ids = [row_id(text) for text in request.POST.getlist(field)]
    if None in ids:
        raise PermissionDenied
    return [one for one in ids if one is not None]


def actor(request: SignedInRequest) -> Actor:
    """Return the acting person, for the audit log."""
    return acting(request.user, request)


def now(request: HttpRequest) -> datetime:
    """Return the time of this request by the database's clock; the same for everything that the request does."""
    if not hasattr(request, "began_at"):
        request.began_at = shared_now()  # type: ignore[attr-defined]
    began: datetime = request.began_at  # type: ignore[attr-defined]
    return began


def company_zone(company: Company) -> str:
    """Return the zone of the company's days and times (`tree.company_zone`)."""
    return tree.company_zone(company, settings.ROKUON_TIME_ZONE)


def reader_zone(request: HttpRequest) -> str:
    """Return the zone in which this reader sees every time: their own choice, else the company's (of a page without one: of the only
    company that they may see), else the installation's."""
    if not hasattr(request, "reads_in"):
        request.reads_in = _reader_zone(request)  # type: ignore[attr-defined]
    zone: str = request.reads_in  # type: ignore[attr-defined]
    return zone


def _reader_zone(request: HttpRequest) -> str:
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return str(settings.ROKUON_TIME_ZONE)
    if person.time_zone:
        return str(person.time_zone)
    company = getattr(request, "company", None)
    if company is None:
        mine = list(Company.objects.filter(pk__in=permissions.company_ids(person.pk))[:2])
        company = mine[0] if len(mine) == 1 else None
    return company_zone(company) if company is not None else str(settings.ROKUON_TIME_ZONE)
