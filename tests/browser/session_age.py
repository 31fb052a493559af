"""A program: makes the sessions of a person look old, and gives the person a password. JSON in: [address, "stale" or "expired"].

"stale": signed in more than ten minutes ago. "expired": nothing was done for longer than a session lasts.
"""

import json
import sys
from datetime import timedelta

from rokuon.runtime.django_start import start_django

start_django()

from django.utils import timezone  # noqa: E402

from rokuon.accounts import recent_auth, sessions  # noqa: E402
from rokuon.accounts.models import Person, Session  # noqa: E402

PASSWORD = "seven green kettles"


def age(email: str, how: str) -> str:
    person = Person.objects.get(email=email)
    store = sessions.SessionStore()
    for row in Session.objects.filter(person=person):
        data = store.decode(row.session_data) | {recent_auth.PROVED_AT: 0.0}
        row.session_data = store.encode(data)
        row.seen_at = timezone.now() - sessions.IDLE - timedelta(minutes=1) if how == "expired" else row.seen_at
        row.save()
    return PASSWORD


def give_password(email: str) -> str:
    person = Person.objects.get(email=email)
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    return PASSWORD


if __name__ == "__main__":
    asked, what = json.load(sys.stdin)
    print(json.dumps(give_password(asked) if what == "password" else age(asked, what)))
