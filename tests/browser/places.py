"""A program: what stands for each argument of the console's addresses, as JSON. Reads which company: its number in order of creation."""

import json
import sys
from typing import Any

from rokuon.ops.django_start import start_django

start_django()

from django.utils import timezone  # noqa: E402

from rokuon.accounts import links  # noqa: E402
from rokuon.accounts.models import AuditEntry, Link, Membership, Person  # noqa: E402
from rokuon.ledger.models import Copy, Retry, Run  # noqa: E402
from rokuon.org.models import Company, Target  # noqa: E402


def places(number: int) -> dict[str, Any]:
    """Those of things that do not exist are None."""
    company = Company.objects.order_by("pk")[number]
    copy = Copy.objects.filter(company=company, state="verified").order_by("pk").first()
    target = copy.target if copy else Target.objects.filter(company=company).order_by("pk").first()
    membership = Membership.objects.filter(company=company).order_by("pk").last()
    bad = Copy.objects.filter(company=company, state__in=["failed", "pending"]).exclude(reason="").order_by("state").first()
    invited, _new = Person.objects.get_or_create(email="invited@people.example")
    return {
        "token": links.make(invited, Link.Kind.INVITATION, timezone.now()),
        "company": company.public_id,
        "office": target and target.office_id,
        "target": target and target.pk,
        "bucket": company.bucket_id,
        "copy": copy and copy.pk,
        "recording": copy and copy.recording_id,
        "run": Run.objects.filter(company=company, purpose="backup_now").order_by("pk").values_list("pk", flat=True).first(),
        "membership": membership and membership.pk,
        "person": membership and membership.person_id,
        "retry": copy and Retry.objects.create(company=company, by="somebody", copies=[copy.pk]).pk,
        "state": bad.state if bad else "failed",
        "reason": bad.reason if bad else "recording_not_audio",
        "entry": AuditEntry.objects.filter(company=company).order_by("pk").values_list("pk", flat=True).first(),
    }


if __name__ == "__main__":
    print(json.dumps(places(json.load(sys.stdin))))
