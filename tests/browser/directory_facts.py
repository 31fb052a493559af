"""A program: an office admin whom the directory names, and the page of a cause of failures in that office. JSON in: the reader's language;
each language gets another person."""

import json
import sys

from rokuon.runtime.django_start import start_django

start_django()

from django.utils import timezone  # noqa: E402

from rokuon.accounts.models import Membership  # noqa: E402
from rokuon.ledger.models import Copy  # noqa: E402
from rokuon.notify import paths  # noqa: E402
from rokuon.notify.models import Notice, NoticeKind  # noqa: E402
from rokuon.org.models import User  # noqa: E402


def facts(language: str) -> dict[str, str]:
    # What is tried again in an hour would have no page of its cause yet.
    Copy.objects.filter(state="pending").exclude(reason="").update(state="failed", due_at=None, changed_at=timezone.now())
    bad = Copy.objects.filter(state="failed").select_related("company", "target__office").order_by("pk")[0]
    office, email = bad.target.office, f"door-{language}@people.example"
    User.objects.update_or_create(
        company=bad.company, dialpad_id=f"door-{language}", defaults={"emails": [email], "admin_office_ids": [office.dialpad_id]}
    )
    assert not Membership.objects.filter(person__email=email).exists()
    notice = Notice(kind=NoticeKind.FAILED, cause=bad.reason)
    return {"email": email, "office": office.name, "page": paths.of_notice(bad.company.public_id, notice)}


if __name__ == "__main__":
    print(json.dumps(facts(json.load(sys.stdin))))
