"""The page of a link that works once: one button, which signs in."""

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from rokuon.accounts import audit, links, mail, proof, recent_auth, sign_ins
from rokuon.accounts.guards import FORM, everyone
from rokuon.accounts.models import Link, hashed
from rokuon.accounts.sign_in_steps import sign_in
from rokuon.accounts.signals import after_sign_in, say_reset


@everyone(FORM)
@never_cache
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET shows the link's person; POST uses the link. The page for an unusable link is the same for every reason."""
    now = timezone.now()
    was_reset = False
    if request.method == "POST":
        with transaction.atomic():
            found = links.use(token, now)
            was_reset = found is not None and proof.by_link(audit.acting(found.person, request), found, now)
    else:
        found = links.find(token, now)
    if found is None:
        if request.method == "POST":
            _refused(request, token)
        return render(request, "account/link_over.html", {"sends_mail": mail.configured()}, status=410)
    if request.method != "POST":
        return render(request, "account/link.html", {"link": found, "person": found.person})
    page = recent_auth.awaited_by(request, found.person) or after_sign_in(found.person)
    answer = sign_in(request, found.person, sign_ins.SignInWay(found.kind), page)
    if was_reset:
        say_reset(request)
    return answer


def _refused(request: HttpRequest, token: str) -> None:
    """Log the refused link. Its person is known if the link was used or is too old."""
    once = Link.objects.filter(token=hashed(token)).select_related("person").first()
    way = sign_ins.SignInWay(once.kind) if once is not None else sign_ins.SignInWay.LINK
    sign_ins.refused(request, way, sign_ins.Result.LINK_OVER, person=once.person if once is not None else None)
