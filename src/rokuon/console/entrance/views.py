"""Views of sign-in by mail: request a link, and use it. The answer to a request is the same for every address."""

import logging

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from rokuon.accounts import mail, mail_links, sign_ins
from rokuon.accounts.addresses import NotAnAddress, sign_in_address
from rokuon.accounts.audit import client_address
from rokuon.accounts.mail_link_models import MailLink
from rokuon.accounts.mail_links import Purpose
from rokuon.accounts.recent_auth import ours
from rokuon.accounts.sign_in_steps import sign_in
from rokuon.accounts.signals import after_sign_in, say_reset
from rokuon.accounts.throttle import Throttled
from rokuon.console.web.guards import FORM, READ, everyone, now
from rokuon.jobs import queue
from rokuon.wiring import directory_admins

log = logging.getLogger(__name__)

GONE, REFUSED, TOO_EARLY, AWAY = 410, 422, 429, 503


@everyone(FORM)
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Show the form; POST stores a request. A worker decides whether a mail is sent, so that nobody learns here who has an account."""
    given = request.POST if request.method == "POST" else request.GET
    purpose = Purpose.PASSWORD if given.get("for") == Purpose.PASSWORD else Purpose.SIGN_IN
    after = ours(given.get("next", ""))
    if request.method != "POST":
        return _form(request, purpose, after)
    if not mail.configured():
        return _form(request, purpose, after, status=REFUSED)
    try:
        email = sign_in_address(given.get("login", "").replace("\0", ""))
        mail_links.count(email, client_address(request), now(request))
        with transaction.atomic():
            mail_links.ask(email, purpose, after, get_language() or "", now(request))
            queue.enqueue_sign_in_mail()
    except NotAnAddress:
        return _form(request, purpose, after, _("Enter the e-mail address to which the link is to be sent."), REFUSED)
    except Throttled as early:
        return _form(request, purpose, after, _wait(early), TOO_EARLY)
    except mail_links.TooManyWait:
        log.warning("sign_in_links_wait", extra={"limit": mail_links.MOST_WAITING})
        return _form(request, purpose, after, _("Very many links wait to be sent. Try again in a quarter of an hour."), AWAY)
    query = urlencode({"for": purpose.value, "next": after})
    return HttpResponseRedirect(f"{reverse('console:mail_link_sent')}?{query}", status=303)


@everyone(READ)
@never_cache
def sent(request: HttpRequest) -> HttpResponse:
    """Say what happens next, for every address the same."""
    context = {"purpose": request.GET.get("for", ""), "next": ours(request.GET.get("next", ""))}
    return render(request, "console/entrance/sent.html", context)


@everyone(FORM)
@never_cache
def use(request: HttpRequest, mailed: str) -> HttpResponse:
    """GET shows whom the link signs in and changes nothing, because mail scanners open links; POST uses it."""
    if request.method != "POST":
        found = mail_links.find(mailed, now(request))
        if found is None:
            return _over(request, mail_links.known(mailed))
        return render(request, "console/entrance/link.html", {"link": found, "password": found.purpose == Purpose.PASSWORD})
    arrived = directory_admins.arrive(mailed, client_address(request), now(request))
    if arrived is None:
        link = mail_links.known(mailed)
        person = sign_ins.by_address(link.email) if link is not None else None
        sign_ins.refused(request, sign_ins.SignInWay.MAIL_LINK, sign_ins.Result.LINK_OVER, person=person)
        return _over(request, link)
    answer = sign_in(request, arrived.person, sign_ins.SignInWay.MAIL_LINK, _page(arrived))
    if arrived.was_reset:
        say_reset(request)
    return answer


def _page(arrived: directory_admins.Arrived) -> str:
    """Return the first page: to choose a password if that was asked for, the requested page, or the usual one."""
    after = ours(arrived.link.next)
    if arrived.link.purpose == Purpose.PASSWORD:
        return f"{reverse('account_set_password')}?{urlencode({'next': after})}"
    return after if after != "/" else after_sign_in(arrived.person)


def _form(request: HttpRequest, purpose: Purpose, after: str, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "password": purpose == Purpose.PASSWORD,
        "purpose": purpose.value,
        "next": after,
        "email": request.POST.get("login", ""),
        "error": error,
        "sends_mail": mail.configured(),
    }
    return render(request, "console/entrance/ask.html", context, status=status)


def _over(request: HttpRequest, link: MailLink | None) -> HttpResponse:
    """Offer another link that leads to the same page."""
    query = urlencode({"for": link.purpose, "next": ours(link.next)}) if link is not None else ""
    return render(request, "console/entrance/over.html", {"sends_mail": mail.configured(), "query": query}, status=GONE)


def _wait(early: Throttled) -> str:
    minutes = int(early.wait.total_seconds() // 60) + 1
    return ngettext(
        "Links were requested too often. Look for the mail that has already been sent, or wait %(count)d minute.",
        "Links were requested too often. Look for the mail that has already been sent, or wait %(count)d minutes.",
        minutes,
    ) % {"count": minutes}
