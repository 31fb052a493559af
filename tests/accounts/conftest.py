"""People who sign in with a password of their own, and whose address is proven."""

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import Person

PASSWORD = "seven green kettles"


@pytest.fixture
def person(db: None) -> Person:
    made = Person(email="hanako@example.com", name="花子", proven_at=timezone.now(), proven_by="mail")
    made.set_password(PASSWORD)
    made.save()
    return made


def sign_in(browser: Client, email: str = "hanako@example.com", password: str = PASSWORD):
    return browser.post("/sign-in/", {"login": email, "password": password})


def signed_in_as(browser: Client) -> int | None:
    """Whose session the browser holds, as the server sees it."""
    key = browser.session.get("_auth_user_id")
    return int(key) if key else None
