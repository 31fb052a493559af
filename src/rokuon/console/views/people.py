"""People and roles (M13): who may do what where, and whom Dialpad's directory suggests."""

import logging

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from rokuon.accounts import fresh, links, mail, people, second_factor
from rokuon.accounts.audit import record
from rokuon.accounts.may import Action, Role
from rokuon.accounts.models import Link, Membership, Person
from rokuon.console import roster
from rokuon.console.gate import CHANGE, CompanyRequest, actor, now, page
from rokuon.org.models import Company

log = logging.getLogger(__name__)


@page(Action.PEOPLE)
def overview(request: CompanyRequest) -> HttpResponse:
    """The list, with forms where the person proved a moment ago who they are."""
    return _show(request)


@page(Action.PEOPLE, CHANGE, fresh=True)
def invite(request: CompanyRequest) -> HttpResponse:
    place = roster.place_of(request.company, request.POST.get("place", ""))
    email = request.POST.get("email", "")
    if place is None:
        return _show(request, error=_("Choose a role."), email=email, status=422)
    try:
        person = people.invite(
            actor(request),
            request.company.pk,
            email,
            request.POST.get("name", ""),
            place.role,
            place.office_id,
            get_language() or "",
            now(request),
        )
    except people.NotAnAddress:
        return _show(request, error=_("This is not an e-mail address."), email=email, status=422)
    except people.LastAdmin:
        return _last_admin(request)
    if person.last_login is not None:
        messages.success(request, _("%(person)s has the role from now on.") % {"person": person.called})
        return _back(request)
    return _send(request, person)


@page(Action.PEOPLE, CHANGE, fresh=True)
def role(request: CompanyRequest, membership: int) -> HttpResponse:
    found = _membership(request, membership)
    place = roster.place_of(request.company, request.POST.get("place", ""))
    if place is None:
        return _show(request, error=_("Choose a role."), status=422)
    try:
        people.set_role(actor(request), found, place.role, place.office_id, now(request))
    except people.LastAdmin:
        return _last_admin(request)
    messages.success(request, _("%(person)s has the role from now on.") % {"person": found.person.called})
    return _back(request)


@page(Action.PEOPLE, CHANGE, fresh=True)
def remove(request: CompanyRequest, membership: int) -> HttpResponse:
    found = _membership(request, membership)
    try:
        people.remove(actor(request), found, now(request))
    except people.LastAdmin:
        return _last_admin(request)
    messages.success(request, _("The role of %(person)s is taken away.") % {"person": found.person.called})
    return _back(request)


@page(Action.PEOPLE, CHANGE, fresh=True)
def invitation(request: CompanyRequest, person: int) -> HttpResponse:
    """Send an invitation that was not followed again, or withdraw it."""
    found = Person.objects.filter(pk=person, memberships__company=request.company, last_login=None).distinct().first()
    if found is None:
        raise Http404
    if request.POST.get("do") == "withdraw":
        people.withdraw(actor(request), found, request.company.pk, now(request))
        messages.success(request, _("The invitation of %(person)s no longer works.") % {"person": found.called})
        return _back(request)
    return _send(request, found)


@page(Action.PEOPLE, CHANGE, fresh=True)
def require_second_factor(request: CompanyRequest) -> HttpResponse:
    """For everybody who opens the company, from the next page on. Who asks it of others has one."""
    wanted = request.POST.get("required") == "on"
    if wanted and not second_factor.satisfied(request):
        return _show(request, error=_("Set up your own second factor first."), status=422)
    with transaction.atomic():
        changed = Company.objects.filter(pk=request.company.pk, second_factor_required=not wanted).update(second_factor_required=wanted)
        if changed:
            record(
                actor(request),
                "company.second_factor",
                now=now(request),
                company_id=request.company.pk,
                subject=("company", request.company.pk, request.company.name),
                before={"required": not wanted},
                after={"required": wanted},
            )
    messages.success(request, _("A second factor is required from now on.") if wanted else _("A second factor is no longer required."))
    return _back(request)


def _send(request: CompanyRequest, person: Person) -> HttpResponse:
    """By mail; where none can be sent, the link stands on the screen, this once."""
    if not mail.configured() and not people.only_here(person, request.company.pk):
        messages.warning(request, _link_of_the_operator(person))
        return _back(request)
    token = people.invitation(actor(request), person, request.company.pk, now(request))
    address = settings.ROKUON_PUBLIC_URL.origin + links.path(token)
    days = links.LIFE[Link.Kind.INVITATION].days
    unsent = False
    if mail.configured():
        try:
            mail.send_invitation(person, address, request.company.name, request.user.called, days)
        except OSError as error:
            log.warning("invitation_not_sent", extra={"person": person.pk, "error": type(error).__name__})
            if not people.only_here(person, request.company.pk):
                messages.error(request, _("The mail server did not take the mail to %(email)s. Try again later.") % {"email": person.email})
                return _back(request)
            unsent = True
        else:
            messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": person.email})
            return _back(request)
    return render(request, "console/people_link.html", {"person": person, "address": address, "days": days, "unsent": unsent})


def _link_of_the_operator(person: Person) -> str:
    return _(
        "%(person)s has the role from now on, and is known to this installation already. This installation sends no mail: whoever runs it "
        "can make a sign-in link."
    ) % {"person": person.called}


def _show(request: CompanyRequest, *, error: str = "", email: str = "", status: int = 200) -> HttpResponse:
    rows = roster.rows(request.company, now(request))
    context = {
        "rows": rows,
        "admins": people.admins(request.company.pk),
        "choices": roster.places(request.company),
        "suggestions": roster.suggestions(request.company),
        "fresh": fresh.is_fresh(request),
        "error": error,
        "email": email,
        "roles": Role,
        "sends_mail": mail.configured(),
    }
    return render(request, "console/people.html", context, status=status)


def _last_admin(request: CompanyRequest) -> HttpResponse:
    return _show(request, error=_("A company keeps at least one company admin. Make somebody else one first."), status=422)


def _membership(request: CompanyRequest, membership: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("person", "office"), pk=membership, company=request.company)


def _back(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:people", args=[request.company.public_id]), status=303)
