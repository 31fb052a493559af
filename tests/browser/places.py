"""A program: what stands for each argument of the console's addresses, as JSON. Reads which company: its number in order of creation."""

import json
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from rokuon.runtime.django_start import start_django

start_django()

from allauth.socialaccount.models import SocialAccount  # noqa: E402
from django.utils import timezone  # noqa: E402

from rokuon.accounts import links, mail_links  # noqa: E402
from rokuon.accounts.audit import COMMAND_LINE  # noqa: E402
from rokuon.accounts.models import AuditEntry, Link, Membership, Person  # noqa: E402
from rokuon.domain.inventory import PassSums  # noqa: E402
from rokuon.ledger import drills, inventory_passes  # noqa: E402
from rokuon.ledger.drills import Lot, ReadResult  # noqa: E402
from rokuon.ledger.inventory_models import InventoryFinding  # noqa: E402
from rokuon.ledger.inventory_passes import ComparedPage  # noqa: E402
from rokuon.ledger.models import Copy, Retry, Run  # noqa: E402
from rokuon.notify.models import Mail, Notice, NoticeKind, Occasion, Recipient  # noqa: E402
from rokuon.org.models import Company, Target  # noqa: E402


def places(number: int) -> dict[str, Any]:
    """Those of things that do not exist are None."""
    company = Company.objects.order_by("pk")[number]
    # What is tried again in an hour would have no page of its cause yet.
    Copy.objects.filter(company=company, state="pending").exclude(reason="").update(state="failed", due_at=None, changed_at=timezone.now())
    copy = Copy.objects.filter(company=company, state="verified").order_by("pk").first()
    target = copy.target if copy else Target.objects.filter(company=company).order_by("pk").first()
    membership = Membership.objects.filter(company=company).order_by("pk").last()
    bad = Copy.objects.filter(company=company, state__in=["failed", "pending"]).exclude(reason="").order_by("state").first()
    _drill(company)
    _findings(company)
    invited, _new = Person.objects.get_or_create(email="invited@people.example")
    return {
        "token": links.make(invited, Link.Kind.INVITATION, Link.Handed.MAIL, timezone.now()),
        "mailed": mailed("clerk@people.example"),
        "draft": "no-such-draft",
        "company": company.public_id,
        "office": target and target.office_id,
        "target": target and target.pk,
        "bucket": company.bucket_id,
        "copy": copy and copy.pk,
        "recording": copy and copy.recording_id,
        "run": Run.objects.filter(company=company, purpose="backup_now").order_by("pk").values_list("pk", flat=True).first(),
        "membership": membership and membership.pk,
        "person": membership and membership.person_id,
        "join": membership and _join(membership.person),
        "retry": copy and Retry.objects.create(company=company, by="someone", copies=[copy.pk]).pk,
        "state": bad.state if bad else "failed",
        "reason": bad.reason if bad else "recording_not_audio",
        "recipient": _recipient(company),
        "notice": _notice(company, target),
        "entry": AuditEntry.objects.filter(company=company).order_by("pk").values_list("pk", flat=True).first(),
    }


def _drill(company: Company) -> None:
    """An open drill of the company's bucket that has found a recording missing, if the bucket holds any."""
    bucket = company.bucket_id
    if bucket and drills.unfinished(bucket) is None:
        drill = drills.begin(company.pk, bucket, Lot("seed", 950_000, 1_000), COMMAND_LINE.name, timezone.now() + timedelta(seconds=1))
        drills.record(drill.pk, [ReadResult(1, "object_missing")])


def _findings(company: Company) -> None:
    """What an inventory of the company's bucket found: a deleted recording, if it holds any, and an object of nobody."""
    bucket, now = company.bucket_id, timezone.now()
    copy = Copy.objects.filter(bucket_id=bucket, state="verified").order_by("pk").last()
    if bucket is None or InventoryFinding.objects.filter(bucket_id=bucket).exists():
        return
    one = inventory_passes.begin(company.pk, bucket, "", now - timedelta(hours=1))
    sums = PassSums(objects=412, bytes=29_000_000, sights=Counter({"in_order": 398, "own": 12}), classes=Counter({"STANDARD": 412}))
    inventory_passes.enter_page(one.pk, ComparedPage("", "call-recordings/x", True, [], now), sums, now)
    former = {"version": "1764374400000000", "size": 240_000, "restorable_until": (now + timedelta(days=6)).isoformat()}
    facts = {"size": 240_000, "crc32c": 1234567890, "version": "1764374400000000"}
    deleted = {"ledger": facts, "found": None, "soft_deleted": [former], "looked_at": now.isoformat()}
    rows = [("deleted", copy, copy.key, deleted)] if copy is not None else []
    rows.append(("stray", None, "call-recordings/notes of Ann.txt", {"listed": {"size": 12}, "listed_at": now.isoformat()}))
    for kind, about, key, evidence in rows:
        InventoryFinding.objects.create(
            company=company,
            bucket_id=bucket,
            found_by=one,
            seen_by=one,
            kind=kind,
            suspected=False,
            key=key,
            copy=about,
            attempt=about and about.attempt,
            evidence=evidence,
            at=now,
        )
    if copy is not None:
        Copy.objects.filter(pk=copy.pk).update(state="failed", reason="inventory_deleted", attempt=copy.attempt + 1, changed_at=now)
    inventory_passes.finish(one.pk, now)


def mailed(email: str) -> str:
    """The secret of a link that was mailed to the address."""
    now = timezone.now()
    mail_links.ask(email, mail_links.Purpose.SIGN_IN, "/", "en", now)
    claimed = mail_links.claim(now)
    assert claimed is not None and claimed.email == email
    mail_links.sent(claimed)
    return claimed.token


def _join(person: Person) -> int:
    """An account of the identity provider with another address than the person's."""
    claims = {"email": "someone.else@people.example", "iss": "https://id.example"}
    joined, _new = SocialAccount.objects.get_or_create(
        provider="oidc", uid=str(person.pk), defaults={"user": person, "extra_data": {"id_token": claims}}
    )
    return int(joined.pk)


def _recipient(company: Company) -> int:
    added, _new = Recipient.objects.get_or_create(
        company=company, office=None, email="security@people.example", defaults={"language": "en"}
    )
    return added.pk


def _notice(company: Company, target: Target | None) -> int:
    """What is open in every state that the page shows, and a mail in each that a mail has."""
    office, now = target and target.office, timezone.now()
    rows: list[dict[str, Any]] = [
        {
            "kind": NoticeKind.FAILED,
            "cause": "recording_not_audio",
            "count": 3,
            "office": office,
            "told_at": now - timedelta(hours=3),
            "times_told": 2,
        },
        {"kind": NoticeKind.HOLD, "cause": "bucket_forbidden", "ref": f"bucket:{company.bucket_id}", "count": 7},
        {
            "kind": NoticeKind.NO_EVENT,
            "acknowledged_at": now,
            "acknowledged_by": "admin@people.example",
            "told_at": now - timedelta(days=1),
        },
    ]
    mails: list[dict[str, Any]] = [
        {"occasion": Occasion.OPENED, "sent_at": now},
        {"occasion": Occasion.REMINDER, "due_at": now + timedelta(minutes=5), "tries": 1, "error": "address:450"},
        {"occasion": Occasion.OPENED, "refused_at": now, "error": "address:550", "to": "gone@people.example"},
    ]
    known = Notice.objects.filter(company=company, kind=NoticeKind.FAILED).first()
    if known is not None:
        return known.pk
    for one in mails:
        Mail.objects.create(company=company, office=office, language="en", letter={}, **{"to": "admin@people.example", **one})
    since = now - timedelta(hours=4)
    made = [Notice.objects.create(company=company, since=since, most=one.get("count", 0), **one) for one in rows]
    return made[0].pk


if __name__ == "__main__":
    print(json.dumps(places(json.load(sys.stdin))))
