"""Views of people and roles (M13): invitations, role changes, second factor, and suggestions from Dialpad's directory."""

import logging

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from rokuon.accounts import joins, links, mail, people, recent_auth, second_factor
from rokuon.accounts.addresses import CannotSignIn, NotAnAddress
from rokuon.accounts.audit import record
from rokuon.accounts.models import Link, Membership, Person
from rokuon.accounts.permissions import Action, Role
from rokuon.actions.directory_sign_in import allow as allow_directory_sign_in
from rokuon.console.web.guards import CHANGE, CompanyRequest, actor, now, page
from rokuon.org.models import Company
from rokuon.wiring import directory_admins

from . import read_model

log = logging.getLogger(__name__)


@page(Action.PEOPLE)
def overview(request: CompanyRequest) -> HttpResponse:
    """Show the list, with forms if the person has authenticated recently."""
    return _show(request)


@page(Action.PEOPLE, CHANGE, fresh=True, keeps=("email", "name", "place"))
def invite(request: CompanyRequest) -> HttpResponse:
    place = read_model.place_of(request.company, request.POST.get("place", ""))
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
    except CannotSignIn:
        error = _("This address has letters beyond ASCII before the @: nobody can sign in with it.")
        return _show(request, error=error, email=email, status=422)
    except NotAnAddress:
        return _show(request, error=_("This is not an e-mail address."), email=email, status=422)
    except people.PersonDisabled:
        error = _("The operator of this installation has disabled this account. Only an operator can enable it again.")
        return _show(request, error=error, email=email, status=422)
    except people.LastAdmin:
        return _last_admin(request)
    if person.last_login is not None:
        messages.success(request, _("%(person)s has the role from now on.") % {"person": person.called})
        return _back(request)
    return _send(request, person)


@page(Action.PEOPLE, CHANGE, fresh=True, keeps=("place",))
def role(request: CompanyRequest, membership: int) -> HttpResponse:
    found = _membership(request, membership)
    place = read_model.place_of(request.company, request.POST.get("place", ""))
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
    messages.success(request, _("The role of %(person)s is removed.") % {"person": found.person.called})
    if directory_admins.names(request.company.pk, found.person.email):
        rest = _(
            "%(person)s is still an admin in Dialpad's directory and gets the role from there when they sign in by mail. To prevent that, "
            "change the role in Dialpad, or switch this off below."
        )
        messages.warning(request, rest % {"person": found.person.called})
    return _back(request)


@page(Action.PEOPLE, CHANGE, fresh=True)
def invitation(request: CompanyRequest, person: int) -> HttpResponse:
    """Resend an invitation that was not accepted, or withdraw it."""
    found = Person.objects.filter(pk=person, memberships__company=request.company, last_login=None, is_active=True).distinct().first()
    if found is None:
        raise Http404
    if request.POST.get("do") == "withdraw":
        people.withdraw(actor(request), found, request.company.pk, now(request))
        messages.success(request, _("The invitation of %(person)s no longer works.") % {"person": found.called})
        return _back(request)
    return _send(request, found)


@page(Action.PEOPLE)
def person(request: CompanyRequest, person: int) -> HttpResponse:
    """Show one person: roles here, ways to sign in, age of the account and how its address was proven."""
    row = next((row for row in read_model.rows(request.company, now(request)) if row.person.pk == person), None)
    if row is None:
        raise Http404
    context = {"row": row, "joins": joins.of(row.person), "fresh": recent_auth.is_fresh(request)}
    return render(request, "console/people/person.html", context)


@page(Action.PEOPLE, CHANGE, fresh=True)
def disconnect(request: CompanyRequest, person: int, join: int) -> HttpResponse:
    """Disconnect an account of the identity provider from the person, and sign the person out everywhere."""
    found = Person.objects.filter(pk=person, memberships__company=request.company).distinct().first()
    if found is None or not joins.disconnect(actor(request), found, join, request.company.pk, now(request)):
        raise Http404
    messages.success(request, _("That account no longer signs in as %(person)s.") % {"person": found.called})
    return HttpResponseRedirect(reverse("console:people-person", args=[request.company.public_id, found.pk]), status=303)


@page(Action.PEOPLE, CHANGE, fresh=True)
def require_second_factor(request: CompanyRequest) -> HttpResponse:
    """Require a second factor, or no longer, of everybody who opens the company, from the next page on. Only a person who has one may
    require it."""
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


@page(Action.PEOPLE, CHANGE, fresh=True)
def directory_sign_in(request: CompanyRequest) -> HttpResponse:
    """Allow the admins of Dialpad's directory to sign in by a mailed link, or no longer: then the roles from there end."""
    wanted = request.POST.get("allowed") == "on"
    if not wanted and not _keeps_admin(request.company):
        error = _("No company admin would be left. First give yourself, or someone else, the role here on this page.")
        return _show(request, error=error, status=422)
    _changed, ended = allow_directory_sign_in(request.company, wanted, actor(request), now(request))
    if wanted:
        messages.success(request, _("Admins in Dialpad's directory may sign in by mail from now on."))
    else:
        said = ngettext(
            "Admins in Dialpad's directory no longer get a role by signing in. %(count)d role from there has ended.",
            "Admins in Dialpad's directory no longer get a role by signing in. %(count)d roles from there have ended.",
            ended,
        )
        messages.success(request, said % {"count": ended})
    return _back(request)


def _keeps_admin(company: Company) -> bool:
    """Whether a company admin is left without the roles from the directory."""
    given = Membership.objects.filter(company=company, role=Role.COMPANY_ADMIN, person__is_active=True)
    return given.exclude(source=Membership.Source.DIRECTORY).exists()


def _send(request: CompanyRequest, person: Person) -> HttpResponse:
    """Send the invitation by mail. If no mail can be sent, show the link once on the screen, unless it could give access to another
    person's account."""
    unsent = False
    if mail.configured():
        if _mailed(request, person):
            messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": person.email})
            return _back(request)
        unsent = True
    if not _may_be_shown(request.company, person):
        messages.warning(request, _not_shown(person, unsent))
        return _back(request)
    token = people.invitation(actor(request), person, request.company.pk, Link.Handed.SCREEN, now(request))
    context = {"person": person, "address": _address(token), "days": links.LIFE[Link.Kind.INVITATION].days, "unsent": unsent}
    return render(request, "console/people/link.html", context)


def _mailed(request: CompanyRequest, person: Person) -> bool:
    """Send the mail and return whether the mail server accepted it. If it did not, the link is made void."""
    token = people.invitation(actor(request), person, request.company.pk, Link.Handed.MAIL, now(request))
    days = links.LIFE[Link.Kind.INVITATION].days
    try:
        mail.send_invitation(person, _address(token), request.company.name, request.user, days)
    except OSError as error:
        log.warning("invitation_not_sent", extra={"person": person.pk, "error": type(error).__name__})
        links.void(person, now(request), Link.Kind.INVITATION)
        return False
    return True


def _address(token: str) -> str:
    return f"{settings.ROKUON_PUBLIC_URL.origin}{links.path(token)}"


def _may_be_shown(company: Company, person: Person) -> bool:
    """Whether the link may be shown on the screen. Anyone who sees the link can sign in as that person. So it is shown only if it gives no
    access to another company, now or later: the person is known in no other company, and either is in this company's own directory or this
    company is the only one."""
    return people.only_here(person, company.pk) and (_is_alone(company) or read_model.knows(company, person.email))


def _is_alone(company: Company) -> bool:
    """Whether no other company uses this installation."""
    return not Company.objects.exclude(pk=company.pk).exists()


def _not_shown(person: Person, unsent: bool) -> str:
    why = _("The mail server did not take the mail.") if unsent else _("This installation sends no mail.")
    rest = _(
        "%(email)s has the role, but no link is shown here: other companies use this installation, and the account is known there, "
        "or its address is not in your Dialpad directory. Invite again when mail can be sent, or ask the operator of the installation for "
        "a link (`rokuon admin-link --email %(email)s`)."
    )
    return f"{why} {rest % {'email': person.email}}"


def _show(request: CompanyRequest, *, error: str = "", email: str = "", status: int = 200) -> HttpResponse:
    rows = read_model.rows(request.company, now(request))
    context = {
        "rows": rows,
        "admins": people.admins(request.company.pk),
        "choices": read_model.places(request.company),
        "suggestions": read_model.suggestions(request.company),
        "fresh": recent_auth.is_fresh(request),
        "error": error,
        "email": email,
        "roles": Role,
        "from_directory": sum(held.from_directory for row in rows for held in row.held),
        "sends_mail": mail.configured(),
        "alone": _is_alone(request.company),
    }
    return render(request, "console/people/people.html", context, status=status)


def _last_admin(request: CompanyRequest) -> HttpResponse:
    return _show(request, error=_("A company keeps at least one company admin. Make someone else one first."), status=422)


def _membership(request: CompanyRequest, membership: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("person", "office"), pk=membership, company=request.company)


def _back(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:people", args=[request.company.public_id]), status=303)
