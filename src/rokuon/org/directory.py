"""Directory sync: enter the source's offices, targets and people in one transaction.

Entries that the source no longer names are marked "deleted" and keep their settings, folder and recordings (C8).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rokuon.domain.recording import Directory, TargetKind

from .models import Company, Member, Office, Target, User


@dataclass(frozen=True, slots=True)
class Change:
    """A changed office, contact center or coaching team (`kind` is "office" or the target's kind), with its current name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The numbers, and the differences from the previous sync: none if there was none.

    `joined` are the coaching teams (our ids) with a new trainee: their past listings did not include the trainee's calls. `left` are those
    that a trainee left: past listings took the trainee's calls for the team's."""

    offices: int
    contact_centers: int
    coaching_teams: int
    users: int
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    appeared: tuple[Change, ...] = ()
    vanished: tuple[Change, ...] = ()
    renamed: tuple[Change, ...] = ()


Known = dict[tuple[str, str], str]
"""Names by kind and id of the source."""


@transaction.atomic
def apply(company_id: int, directory: Directory, now: datetime) -> SyncResult:
    """Enter a directory. May run twice and concurrently: every row is written by its own id of the source."""
    company = Company.objects.get(pk=company_id)
    before = _known(company)
    Office.objects.bulk_create(
        [
            Office(
                company=company,
                dialpad_id=office.id,
                name=office.name,
                timezone=office.timezone,
                unknown_timezone=office.unknown_timezone,
                state=office.state,
            )
            for office in directory.offices
        ],
        update_conflicts=True,
        unique_fields=["company", "dialpad_id"],
        update_fields=["name", "timezone", "unknown_timezone", "state"],
    )
    listed_offices = {office.id for office in directory.offices}
    strays = {target.office_id for target in directory.targets} - listed_offices
    Office.objects.bulk_create(
        [Office(company=company, dialpad_id=stray, name=stray, state="unlisted") for stray in sorted(strays)], ignore_conflicts=True
    )
    offices = dict(Office.objects.filter(company=company).values_list("dialpad_id", "pk"))

    Target.objects.bulk_create(
        [
            Target(
                company=company,
                office_id=offices[target.office_id],
                kind=target.kind,
                dialpad_id=target.id,
                name=target.name,
                timezone=target.timezone,
                unknown_timezone=target.unknown_timezone,
                state=target.state,
            )
            for target in directory.targets
        ],
        update_conflicts=True,
        unique_fields=["company", "kind", "dialpad_id"],
        update_fields=["name", "timezone", "unknown_timezone", "state", "office"],
    )
    User.objects.bulk_create(
        [
            User(
                company=company,
                dialpad_id=user.id,
                name=user.name,
                emails=list(user.emails),
                state=user.state,
                is_super_admin=user.is_super_admin,
                admin_office_ids=list(user.admin_office_ids),
            )
            for user in directory.users
        ],
        update_conflicts=True,
        unique_fields=["company", "dialpad_id"],
        update_fields=["name", "emails", "state", "is_super_admin", "admin_office_ids"],
        batch_size=1000,
    )
    _mark_deleted(company, directory)
    joined, left = _replace_members(company, directory)
    Company.objects.filter(pk=company.pk).update(dialpad_id=directory.company.id, name=directory.company.name, synced_at=now)
    kinds = [target.kind for target in directory.targets]
    return SyncResult(
        offices=len(directory.offices),
        contact_centers=sum(kind is TargetKind.CONTACT_CENTER for kind in kinds),
        coaching_teams=sum(kind is TargetKind.COACHING_TEAM for kind in kinds),
        users=len(directory.users),
        joined=joined,
        left=left,
        **_differences(before, directory),
    )


def _known(company: Company) -> Known:
    """Return the entries of the last sync."""
    known: Known = {
        ("office", office): name
        for office, name in Office.objects.filter(company=company)
        .exclude(state__in=["deleted", "unlisted"])
        .values_list("dialpad_id", "name")
    }
    for kind, target, name in Target.objects.filter(company=company).exclude(state="deleted").values_list("kind", "dialpad_id", "name"):
        known[kind, target] = name
    return known


def _differences(before: Known, directory: Directory) -> dict[str, tuple[Change, ...]]:
    if not before:
        return {}
    now: Known = {("office", office.id): office.name for office in directory.offices}
    now |= {(target.kind.value, target.id): target.name for target in directory.targets}

    def changes(names: Known, keys: Iterable[tuple[str, str]]) -> tuple[Change, ...]:
        return tuple(sorted((Change(kind, names[kind, ident]) for kind, ident in keys), key=lambda one: (one.kind, one.name)))

    return {
        "appeared": changes(now, now.keys() - before.keys()),
        "vanished": changes(before, before.keys() - now.keys()),
        "renamed": changes(now, (key for key in now.keys() & before.keys() if now[key] != before[key])),
    }


def _mark_deleted(company: Company, directory: Directory) -> None:
    offices = [office.id for office in directory.offices]
    Office.objects.filter(company=company).exclude(dialpad_id__in=offices).exclude(state="unlisted").update(state="deleted")
    for kind in TargetKind:
        ids = [target.id for target in directory.targets if target.kind is kind]
        Target.objects.filter(company=company, kind=kind).exclude(dialpad_id__in=ids).update(state="deleted")
    users = [user.id for user in directory.users]
    User.objects.filter(company=company).exclude(dialpad_id__in=users).update(state="deleted")


def _replace_members(company: Company, directory: Directory) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Replace the memberships with the source's current ones. Return the teams that a trainee joined, and those that one left, who stays in
    the ledger through past calls only."""
    teams = dict(Target.objects.filter(company=company, kind=Target.Kind.COACHING_TEAM).values_list("dialpad_id", "pk"))
    wanted = {(teams[team], user) for team, users in directory.members.items() if team in teams for user in users}
    present = set(Member.objects.filter(team__company=company).values_list("team_id", "user_id"))
    for team, user in present - wanted:
        Member.objects.filter(team_id=team, user_id=user).delete()
    Member.objects.bulk_create([Member(team_id=team, user_id=user) for team, user in sorted(wanted - present)], ignore_conflicts=True)
    return tuple(sorted({team for team, _ in wanted - present})), tuple(sorted({team for team, _ in present - wanted}))
