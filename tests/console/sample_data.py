"""Two companies full of names and numbers that must not be seen where they do not belong.

Whatever belongs to office B of the first company says ベルリン or the like (`Part.words`), has ids of its own (`Part.ids`), and is
counted in numbers that occur nowhere else (`Part.counts`); the second company likewise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry, Membership, Person
from rokuon.domain import placement
from rokuon.ledger import drills, inventory_passes
from rokuon.ledger.drills import Lot, ReadResult
from rokuon.ledger.inventory_models import InventoryFinding
from rokuon.ledger.models import Call, Copy, Coverage, Hold, Recording, Retry, Run, Window
from rokuon.notify.models import Mail, Notice, Recipient
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target, User

NOWHERE = "http://127.0.0.1:9"
"""Where no Dialpad answers: what asks it is refused at once."""


@dataclass
class Part:
    """An office with all that is in it. `values` are what stands for it in an address."""

    company: Company
    office: Office
    bucket: Bucket
    values: dict[str, object] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


@dataclass
class Town:
    a: Part
    b: Part
    other: Part
    people: dict[str, Person]
    _browsers: dict[tuple[str, bool], Client] = field(default_factory=dict)

    def browser(self, who: str, *, checks_forms: bool = False) -> Client:
        """Of one of `people`, or of "anonymous"; the same one each time. `checks_forms`: with the check of where a form comes from."""
        key = who, checks_forms
        if key not in self._browsers:
            self._browsers[key] = Client(checks_forms, raise_request_exception=False, headers={"accept-language": "en"})
            if who != "anonymous":
                self._browsers[key].force_login(self.people[who])
        return self._browsers[key]


def build(many: int = 1131) -> Town:
    """`many` recordings in office B and in the other company; five in office A."""
    now = timezone.now()
    company = services.create_company("Acme", NOWHERE, "800100001")
    other = services.create_company("Zenith Zeppelin", NOWHERE + "/other", "800200002")
    a = _part(company, "Akita", 5, now, first=910_000_000)
    b = _part(company, "Bergen", many, now, first=920_000_000)
    z = _part(other, "Zadar", many + 1000, now, first=930_000_000)
    b.counts += [many, many + 5, many - 2]
    z.counts += [many + 1000]
    z.words += ["Zenith", other.public_id, "800200002"]
    for one, part in ((company, a), (other, z)):
        services.change(one, services.choice(one, part.bucket))
        Company.objects.filter(pk=one.pk).update(enabled=True, requests_per_second=1000, synced_at=now)
        one.refresh_from_db()
    town = Town(a, b, z, _people(a, b, z))
    for who in ("anonymous", *town.people):
        for checks in (False, True):
            town.browser(who, checks_forms=checks)  # signing in notes when it was
    return town


def _people(a: Part, b: Part, other: Part) -> dict[str, Person]:
    role = Membership.Role
    wanted = {
        "viewer A": (a.company, a.office, role.VIEWER),
        "admin A": (a.company, a.office, role.OFFICE_ADMIN),
        "admin B": (b.company, b.office, role.OFFICE_ADMIN),
        "viewer": (a.company, None, role.VIEWER),
        "company admin": (a.company, None, role.COMPANY_ADMIN),
        "other company": (other.company, None, role.COMPANY_ADMIN),
    }
    people = {}
    for name, (company, office, what) in wanted.items():
        people[name] = Person.objects.create(email=f"{name.replace(' ', '-').lower()}@town.example", name=name)
        Membership.objects.create(person=people[name], company=company, office=office, role=what)
    people["operator"] = Person.objects.create(email="operator@town.example", is_operator=True)
    b.words.append(people["admin B"].email)
    other.words.append(people["other company"].email)
    for part, name in ((a, "viewer A"), (b, "admin B"), (other, "other company")):
        membership = Membership.objects.get(person=people[name])
        join = SocialAccount.objects.create(user=people[name], provider="oidc", uid=name, extra_data={"id_token": {"email": f"{name}@idp"}})
        part.values |= {"membership": membership.pk, "person": people[name].pk, "join": join.pk}
    return people


def _part(company: Company, name: str, many: int, now: datetime, *, first: int) -> Part:
    bucket = services.register_bucket(company, f"gs://bucket-of-{company.name.split()[0].lower()}-{name.lower()}")
    office = Office.objects.create(company=company, dialpad_id=str(first + 1), name=f"{name} office", timezone="Asia/Tokyo")
    User.objects.create(
        company=company,
        dialpad_id=str(first + 2),
        name=f"{name} Person",
        emails=[f"{name.lower()}@people.example"],
        admin_office_ids=[str(first + 1)],
    )
    targets = [_target(company, office, kind, f"{name} {kind}", str(first + 3 + number)) for number, kind in enumerate(Target.Kind.values)]
    center = targets[0]
    copies = _recordings(company, center, bucket, name, many, now, first + 1000)
    run = _run(company, office, targets, now, many)
    Hold.objects.create(company=company, on="bucket", ref=str(bucket.pk), reason="bucket_forbidden", detail=f"{name} hold", probe_at=now)
    _drill(company, bucket)
    _findings(company, bucket, copies[0])
    entry = AuditEntry.objects.create(
        company=company, office=office, actor=f"{name.lower()}-actor@people.example", action="rule.change", subject=f"{name} center"
    )
    part = Part(company, office, bucket)
    part.values = {
        "path": "A" * 22,
        "company": company.public_id,
        "office": office.pk,
        "target": center.pk,
        "bucket": bucket.pk,
        "copy": copies[0].pk,
        "recording": copies[0].recording_id,
        "run": run.pk,
        "retry": Retry.objects.create(company=company, by=f"{name} person", copies=[copies[0].pk]).pk,
        "state": "failed",
        "reason": "recording_not_audio",
        "entry": entry.pk,
        "recipient": _told(company, office, name, now),
        "notice": Notice.objects.get(office=office).pk,
        "token": "no-such-link",
        "mailed": "no-such-link",
        "draft": "no-such-draft",
    }
    # The company's own buckets may be chosen by each of its offices, so their names are no secret among these.
    part.words = [name, name.lower() + "@", name.lower() + "-actor", str(first)[:5]]
    return part


def _drill(company: Company, bucket: Bucket) -> None:
    """An open drill of the bucket, which has found a recording missing."""
    drill = drills.begin(company.pk, bucket.pk, Lot("seed", 950_000, 1_000), "command line", timezone.now() + timedelta(seconds=1))
    drills.record(drill.pk, [ReadResult(1, "object_missing"), ReadResult(2, "whole")])


def _findings(company: Company, bucket: Bucket, copy: Copy) -> None:
    """What an inventory of the bucket found: a recording of the office, and an object of nobody."""
    now = timezone.now()
    one = inventory_passes.begin(company.pk, bucket.pk, "", now)
    for kind, about, key in (("changed", copy, copy.key), ("stray", None, f"call-recordings/{bucket.url.rpartition('-')[2]}.txt")):
        InventoryFinding.objects.create(
            company=company, bucket=bucket, found_by=one, seen_by=one, kind=kind, suspected=False, key=key, copy=about, at=now
        )


def _told(company: Company, office: Office, name: str, now: datetime) -> int:
    """An open notice, a mail about it, and an address that gets it; the id of the last."""
    Notice.objects.create(company=company, office=office, kind="failed", cause="recording_not_audio", count=1, most=1, since=now)
    email = f"{name.lower()}@people.example"
    Mail.objects.create(company=company, office=office, occasion="opened", to=email, language="en", letter={}, sent_at=now)
    return Recipient.objects.create(company=company, office=office, email=email, language="en", added_by=f"{name} adder").pk


def _target(company: Company, office: Office, kind: str, name: str, dialpad_id: str) -> Target:
    folder = placement.folder_name(name)
    return Target.objects.create(
        company=company,
        office=office,
        kind=kind,
        dialpad_id=dialpad_id,
        name=name,
        backed_up=True,
        folder=folder,
        folder_key=placement.folder_key(folder),
    )


def _recordings(company: Company, target: Target, bucket: Bucket, name: str, many: int, now: datetime, first: int) -> list[Copy]:
    starts = [now - timedelta(hours=1 + number % 2000) for number in range(many)]
    recordings = Recording.objects.bulk_create(
        Recording(
            company=company,
            kind="callrecording",
            recording_id=str(first + number),
            call_id=str(first + number),
            call_started_at=start,
            duration_ms=60_000,
            url=f"{NOWHERE}/{first + number}.mp3",
        )
        for number, start in enumerate(starts)
    )
    Call.objects.bulk_create(
        Call(target=target, call_id=str(first + number), started_at=start, was_recorded=True, recordings=1)
        for number, start in enumerate(starts)
    )
    unnamed = str(first + many)
    Call.objects.create(target=target, call_id=unnamed, started_at=now - timedelta(days=2), was_recorded=True, recordings=0)
    Coverage.objects.create(target=target, day=now.date() - timedelta(days=3), fingerprint="", listed_at=now)
    return Copy.objects.bulk_create(
        Copy(
            company=company,
            recording=recording,
            target=target,
            bucket=bucket,
            call_started_at=recording.call_started_at,
            key=f"call-recordings/{target.folder}/{recording.call_started_at:%Y-%m-%d}/{recording.recording_id}.mp3",
            agent=f"{name} Person",
            **_state(number, now),
        )
        for number, recording in enumerate(recordings)
    )


def _state(number: int, now: datetime) -> Mapping[str, object]:
    if number == 1:
        return {"state": "failed", "reason": "recording_not_audio"}
    if number == 2:
        return {"state": "pending", "due_at": now + timedelta(days=1)}
    return {"state": "verified", "size": 120_000, "sha256": "ab" * 32, "crc32c": 7, "version": "1", "proof": "length", "audio_ms": 60_000}


def _run(company: Company, office: Office, targets: list[Target], now: datetime, many: int) -> Run:
    since, until = now - timedelta(days=90), now
    ids = [target.pk for target in targets]
    run = Run.objects.create(company=company, scope_kind="office", scope_id=office.pk, targets=ids, since=since, until=until)
    Window.objects.create(
        run=run, scope_kind="company", targets=ids, after=since, before=until, listed_down_to=until - timedelta(days=1), calls=many
    )
    return run
