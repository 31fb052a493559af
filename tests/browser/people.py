"""A program: makes people with roles and signs each of them in. JSON in (a list of arguments of `make`), JSON out (cookies by e-mail).

Tests run it as a process: Playwright's loop in the test process keeps Django's database code out.
"""

import json
import sys
import time

from rokuon.runtime.django_start import start_django

start_django()

from django.conf import settings  # noqa: E402
from django.contrib.auth import login  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from rokuon.accounts import recent_auth  # noqa: E402
from rokuon.accounts.models import Membership, Person  # noqa: E402
from rokuon.org.models import Company  # noqa: E402


def make(email: str, role: str = "", company: int = 0, office: int | None = None, language: str = "", operator: bool = False) -> str:
    """The person's session cookie. `company` and `office` are numbers in order of their creation."""
    person, _new = Person.objects.get_or_create(email=email, defaults={"name": email.split("@")[0]})
    Person.objects.filter(pk=person.pk).update(language=language, is_operator=operator)
    if role:
        found = Company.objects.order_by("pk")[company]
        place = None if office is None else found.offices.order_by("pk")[office]
        Membership.objects.get_or_create(person=person, company=found, office=place, defaults={"role": role})
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost")
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")()
    login(request, Person.objects.get(pk=person.pk), settings.AUTHENTICATION_BACKENDS[0])
    request.session[recent_auth.PROVED_AT] = time.time()
    request.session.save()
    return str(request.session.session_key)


if __name__ == "__main__":
    print(json.dumps({asked["email"]: make(**asked) for asked in json.load(sys.stdin)} | {"": settings.SESSION_COOKIE_NAME}))
