"""One's own sign-ins, right and wrong: a stranger's are seen here first."""

from django.http import HttpResponse
from django.shortcuts import render

from rokuon.accounts import sign_ins
from rokuon.accounts.guards import SignedInRequest, signed_in
from rokuon.accounts.sign_in_text import in_words

NEWEST = 100


@signed_in()
def own(request: SignedInRequest) -> HttpResponse:
    """The newest hundred, whatever account was given at the time."""
    rows = [in_words(one) for one in sign_ins.of_person(request.user)[:NEWEST]]
    return render(request, "account/sign_ins.html", {"rows": rows, "newest": NEWEST})
