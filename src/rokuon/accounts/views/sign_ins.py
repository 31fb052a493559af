"""The page of one's own sign-ins, successful and refused: the owner sees a stranger's tries here first."""

from django.http import HttpResponse
from django.shortcuts import render

from rokuon.accounts import sign_ins
from rokuon.accounts.guards import SignedInRequest, signed_in
from rokuon.accounts.sign_in_text import in_words

NEWEST = 100


@signed_in()
def own(request: SignedInRequest) -> HttpResponse:
    """List the newest hundred, whatever address was given at the time."""
    rows = [in_words(one) for one in sign_ins.of_person(request.user)[:NEWEST]]
    return render(request, "account/sign_ins.html", {"rows": rows, "newest": NEWEST})
