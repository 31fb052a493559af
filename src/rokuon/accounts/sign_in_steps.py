"""Sign a person in whose first step is done, whatever it was; the second factor is asked for if the person has one."""

from allauth.account.utils import perform_login
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from . import sign_ins, throttle
from .models import Person
from .sign_ins import SignInWay


def sign_in(request: HttpRequest, person: Person, way: SignInWay, page: str) -> HttpResponse:
    """End the session that this browser had, begin one of this person, and redirect to `page`, one of ours. The browser counts as
    known for the account from now on."""
    logout(request)
    sign_ins.begin(request, way)
    answer: HttpResponse = perform_login(request, person, redirect_url=page)
    throttle.remember(request, answer, person.email)
    return answer
