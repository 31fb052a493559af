"""View of a person's keyboard shortcuts: what each key does, and the switch that turns them off (WCAG 2.1.4)."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from rokuon.accounts.models import Person

from .guards import FORM, SignedInRequest, signed_in
from .home_view import page_before
from .page_context import NAVIGATION


@signed_in(FORM)
def shortcuts(request: SignedInRequest) -> HttpResponse:
    """Show the keys; a sent form switches them on or off for this person, in every browser."""
    before = page_before(request)
    if request.method == "POST":
        on = request.POST.get("shortcuts") == "on"
        Person.objects.filter(pk=request.user.pk).update(shortcuts=on)
        messages.success(request, _("Keyboard shortcuts are on.") if on else _("Keyboard shortcuts are off."))
        return HttpResponseRedirect(f"{reverse('console:shortcuts')}?{urlencode({'next': before})}", status=303)
    return render(request, "console/shortcuts.html", {"before": before, "pages": _pages()})


def _pages() -> list[tuple[str, str]]:
    """Return the key of each page of the navigation, and the page's name."""
    return [(key, _(words)) for _name, words, _icon, key, _action in NAVIGATION]
