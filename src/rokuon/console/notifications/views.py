"""Views of the notices page (M12): open notices, recipients, mail server, recent mails, and previews."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from rokuon.accounts import recent_auth
from rokuon.accounts.addresses import NotAnAddress
from rokuon.accounts.mail import configured
from rokuon.accounts.permissions import Action
from rokuon.actions import failures as failure_actions
from rokuon.actions import notifications
from rokuon.actions.notifications import KnownAlready, TooMany
from rokuon.base import i18n
from rokuon.console.buckets.held import resumed_lately
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.notify import outbox
from rokuon.notify.models import Notice, Recipient
from rokuon.org.models import Office
from rokuon.runtime.mail_words import Then
from rokuon.runtime.mail_words import in_words as mail_words

from . import mail_preview, read_model

REFUSED = 422
COMPANY = "company"
TRIED_AT = "mail_tried_at"
TRIAL_EVERY_S = 30.0


@page(Action.VIEW)
def overview(request: CompanyRequest) -> HttpResponse:
    return _show(request)


@page(Action.SET_NOTICES, CHANGE, fresh=True, keeps=("place", "email", "language"))
def add(request: CompanyRequest) -> HttpResponse:
    """Add a recipient by hand for an office or, for a person whose reach is the whole company, for the company."""
    given = {name: request.POST.get(name, "").replace("\0", "") for name in ("place", "email", "language")}
    office = _office(request, given["place"])
    if given["language"] not in i18n.LANGUAGES:
        return _show(request, error=_("Choose a language."), given=given, status=REFUSED)
    if office is None and not (given["place"] == COMPANY and request.reach.whole):
        return _show(request, error=_("Choose what the address receives notifications for."), given=given, status=REFUSED)
    try:
        added = notifications.add_recipient(
            request.company, office, given["email"], given["language"], guards.actor(request), guards.now(request)
        )
    except NotAnAddress:
        return _show(request, error=_("This is not an e-mail address."), given=given, status=REFUSED)
    except KnownAlready:
        return _show(request, error=_("This address already receives notifications there."), given=given, status=REFUSED)
    except TooMany:
        error = ngettext(
            "At most %(count)d address can be added there. Use a mailing list instead.",
            "At most %(count)d addresses can be added there. Use a mailing list instead.",
            notifications.MOST,
        )
        return _show(request, error=error % {"count": notifications.MOST}, given=given, status=REFUSED)
    messages.success(request, _("%(email)s will receive notifications.") % {"email": added.email})
    return _back(request)


@page(Action.SET_NOTICES, CHANGE, fresh=True)
def remove(request: CompanyRequest, recipient: int) -> HttpResponse:
    found = get_object_or_404(Recipient, pk=recipient, company=request.company)
    if not request.reach.covers(found.office_id):
        raise Http404
    if notifications.remove_recipient(found, guards.actor(request), guards.now(request)):
        messages.success(request, _("%(email)s no longer receives notifications through this entry.") % {"email": found.email})
    return _back(request)


@page(Action.SET_COMPANY, CHANGE, keeps=("directory_admins", "weekly", "language"))
def preferences(request: CompanyRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    if language not in ("", *i18n.LANGUAGES):
        return _show(request, error=_("Choose a language."), status=REFUSED)
    changed = notifications.change_notification_settings(
        request.company,
        guards.actor(request),
        guards.now(request),
        directory_admins=request.POST.get("directory_admins") == "on",
        weekly=request.POST.get("weekly") == "on",
        language=language,
    )
    if changed:
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("Nothing differs from what was set, so nothing was changed."))
    return _back(request)


@page(Action.BACK_UP, CHANGE)
def acknowledge(request: CompanyRequest, notice: int) -> HttpResponse:
    """Stop the reminders of one notice. It stays open, and red, until it is over."""
    found = get_object_or_404(read_model.within(request.reach), pk=notice)
    stop_reminders(request, [found])
    return _back(request)


def stop_reminders(request: CompanyRequest, wanted: Iterable[Notice]) -> None:
    """Stop the reminders of those notices that are within the page's reach, and show the result as a message."""
    if failure_actions.acknowledge(request.company, request.reach.offices, wanted, guards.actor(request), guards.now(request)):
        messages.success(request, _("No more reminders are sent. It stays here until it is fixed."))
    else:
        messages.info(request, _("Already done: its reminders are stopped, or it is over."))


@page(Action.SET_NOTICES, CHANGE)
def trial(request: CompanyRequest) -> HttpResponse:
    """Send a test mail to the person who asks, at once, and show the server's answer."""
    if not configured():
        messages.error(request, _("No mail server is set, so no mail can be sent."))
        return _back(request)
    if _tried_of_late(request):
        messages.info(request, _("A test mail went out a moment ago. Wait half a minute before the next one."))
        return _back(request)
    address, company = request.user.email, request.company
    origin = settings.ROKUON_PUBLIC_URL.origin
    trouble = outbox.trial(address, get_language() or "", company.name, guards.company_zone(company), origin)
    if trouble is None:
        messages.success(request, _("The mail server took a test mail to %(email)s. Look whether it arrives.") % {"email": address})
    else:
        messages.error(request, mail_words(trouble, Then.ONCE))
    return _back(request)


def _tried_of_late(request: CompanyRequest) -> bool:
    """Whether this session sent a test mail a moment ago; records that it sends one now. A slow mail server blocks a thread of ours."""
    now, before = guards.now(request).timestamp(), request.session.get(TRIED_AT)
    if isinstance(before, float) and 0 <= now - before < TRIAL_EVERY_S:
        return True
    request.session[TRIED_AT] = now
    return False


@page(Action.VIEW)
def preview(request: CompanyRequest) -> HttpResponse:
    """Show an example of each kind of mail, as HTML and as plain text."""
    name, language = _asked(request)
    sample = mail_preview.rendered(name, language)
    about = {
        "names": mail_preview.names(),
        "name": name,
        "language": language,
        "mail_languages": settings.LANGUAGES,
        "sample": sample,
        "frame_url": f"{reverse('console:notices-preview_mail', args=[request.company.public_id])}?mail={name}&language={language}",
    }
    return mail_preview.framing(render(request, "console/notifications/preview.html", about))


@page(Action.VIEW)
def preview_mail(request: CompanyRequest) -> HttpResponse:
    """Return only the mail, for the frame."""
    return mail_preview.alone(mail_preview.rendered(*_asked(request)))


def _asked(request: CompanyRequest) -> tuple[str, str]:
    """Return the requested mail and language. Raises Http404 if there is no such mail or language."""
    name = request.GET.get("mail", mail_preview.FIRST)
    language = request.GET.get("language", get_language() or "en")
    if name not in dict(mail_preview.names()) or language not in i18n.LANGUAGES:
        raise Http404
    return name, language


def _office(request: CompanyRequest, place: str) -> Office | None:
    """Return the office that a form names, if it is within reach."""
    known = {str(office.pk): office for office in read_model.places(request.reach)}
    return known.get(place)


def _show(request: CompanyRequest, *, error: str = "", given: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
    reaches, now = request.reaches, guards.now(request)
    zone = guards.company_zone(request.company)
    may_set = reaches.get(Action.SET_NOTICES)
    context: dict[str, Any] = {
        "look": read_model.load_notifications(request.company, reaches, zone, now),
        "zone": zone,
        "error": error,
        "given": given or {"place": "", "email": "", "language": get_language() or ""},
        "offices": read_model.places(may_set),
        "whole": may_set is not None and may_set.whole,
        "may_set": may_set is not None,
        "may_set_company": Action.SET_COMPANY in reaches,
        "fresh": recent_auth.is_fresh(request),
        "resumed": resumed_lately(request),
        "mail_languages": settings.LANGUAGES,
    }
    return render(request, "console/notifications/notices.html", context, status=status)


def _back(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:notices", args=[request.company.public_id]), status=303)
