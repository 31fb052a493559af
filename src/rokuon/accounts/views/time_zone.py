"""The page to choose the time zone in which one reads the times of all pages."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.guards import FORM, SignedInRequest, signed_in
from rokuon.accounts.models import Person
from rokuon.domain.time_zones import zones_by_area
from rokuon.runtime.shared_clock import shared_now


@signed_in(FORM, keeps=("time_zone",))
def time_zone(request: SignedInRequest) -> HttpResponse:
    """Choose a zone, or "" for the company's. 422 with the reason for a zone that is not in the list."""
    areas = zones_by_area()
    error = ""
    if request.method == "POST":
        chosen = request.POST.get("time_zone", "")
        if not chosen or any(chosen in names for names in areas.values()):
            Person.objects.filter(pk=request.user.pk).update(time_zone=chosen)
            messages.success(request, _("Your time zone is saved."))
            return HttpResponseRedirect(reverse("account_time_zone"), status=303)
        error = _("Choose a time zone of the list.")
    shown = {"areas": areas, "chosen": request.user.time_zone, "error": error, "now": shared_now()}
    return render(request, "account/time_zone.html", shown, status=422 if error else 200)
