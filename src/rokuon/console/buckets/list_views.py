"""Views that keep the list of buckets in order: remove a bucket that nothing uses, give a bucket a name of its own."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts import draft_pages
from rokuon.accounts.permissions import Action
from rokuon.actions import bucket_list
from rokuon.actions.bucket_list import BucketInUse
from rokuon.base import i18n
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, FORM, CompanyRequest, page
from rokuon.domain.failures import ConfigError
from rokuon.org.models import Bucket


@page(Action.SET_COMPANY, FORM, fresh=True)
def remove_page(request: CompanyRequest, bucket: int) -> HttpResponse:
    """Show what removing means, or what uses the bucket; POST removes it from the list."""
    found = _bucket(request, bucket)
    if request.method == "POST":
        try:
            bucket_list.remove_bucket(found, guards.actor(request), guards.now(request))
        except BucketInUse as used:
            messages.error(request, str(used))
            return HttpResponseRedirect(request.path, status=303)
        messages.success(request, _("%(bucket)s is no longer registered.") % {"bucket": found.title})
        return HttpResponseRedirect(reverse("console:settings-buckets", args=[request.company.public_id]), status=303)
    context = {
        "bucket": found,
        "use": bucket_list.use_of(found).sentences(),
        "buckets_url": reverse("console:settings-buckets", args=[request.company.public_id]),
        "bucket_url": reverse("console:settings-bucket", args=[request.company.public_id, found.pk]),
    }
    return render(request, "console/buckets/remove.html", context)


@page(Action.SET_COMPANY, CHANGE, fresh=True, keeps=("name",))
def rename(request: CompanyRequest, bucket: int) -> HttpResponse:
    found = _bucket(request, bucket)
    try:
        if bucket_list.rename_bucket(found, request.POST.get("name", ""), guards.actor(request), guards.now(request)):
            messages.success(request, _("The name is saved."))
        else:
            messages.info(request, _("Nothing differs from what was set, so nothing was changed."))
    except ConfigError as error:
        messages.error(request, i18n._(str(error)))
        return draft_pages.back(request, reverse("console:settings-bucket", args=[request.company.public_id, found.pk]))
    return HttpResponseRedirect(reverse("console:settings-bucket", args=[request.company.public_id, found.pk]), status=303)


def _bucket(request: CompanyRequest, bucket: int) -> Bucket:
    return get_object_or_404(Bucket.objects.select_related("company"), pk=bucket, company=request.company)
