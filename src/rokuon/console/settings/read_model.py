"""Read model of the settings pages: the tree within a person's reach, and one level's effective bucket with the reasons.

Only `domain.settings` decides which bucket is effective; this module adds names, links and entries of the audit log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q
from django.urls import reverse

from rokuon.accounts.models import AuditEntry, Membership
from rokuon.accounts.permissions import AccessReach
from rokuon.actions import settings
from rokuon.console.web import guards
from rokuon.domain.placement import folder_key, folder_name
from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import Effective, EffectReason, Ignored, Overruled
from rokuon.org.models import Bucket, Company, Office, Target
from rokuon.org.services import Node
from rokuon.org.tree import company_effective, target_effective, zone_of


@dataclass(slots=True)
class Branch:
    """A line of the tree."""

    node: Node
    kind: str
    url: str
    here: bool
    leaves: list["Branch"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Overruling:
    """A customized level that has no effect here, the reason, and the change that caused it."""

    name: str
    kind: str
    url: str
    bucket: Bucket | None
    why: Overruled
    by: AuditEntry | None


@dataclass(frozen=True, slots=True)
class SettingLevel:
    """One level with its effective settings. `won` is the level that decided, `set_by` the audit entry of that change, if there is one."""

    node: Node
    kind: str
    effective: Effective
    bucket: Bucket | None
    won: Node | None
    won_url: str
    set_by: AuditEntry | None
    locked_by: AuditEntry | None
    overrulings: tuple[Overruling, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A level below that is customized, with or without effect."""

    node: Node
    kind: str
    url: str
    effective: Effective
    bucket: Bucket | None
    ignored: Ignored | None


def kind_of(node: Node) -> str:
    return settings.subject(node)[0]


def url_of(company: Company, node: Node, name: str = "", *rest: str) -> str:
    """Return the address of a level's page; with `name`, another address of that level."""
    if isinstance(node, Company):
        return reverse(f"console:settings{name}", args=[company.public_id, *rest])
    level = "office" if isinstance(node, Office) else "target"
    return reverse(f"console:settings-{level}{name}", args=[company.public_id, node.pk, *rest])


def tree(reach: AccessReach, company: Company, here: Node, wanted: str = "") -> list[Branch]:
    """Return the offices within reach with their contact centers and coaching teams; only those with `wanted` in their name, in the name
    of their folder, which may be an earlier name (C4), or in their office's name."""
    offices = {
        office.pk: Branch(office, "office", url_of(company, office), office == here)
        for office in guards.offices(reach).order_by("name", "pk")
    }
    base = reverse("console:settings-target", args=[company.public_id, 0]).removesuffix("0/")
    targets = guards.targets(reach)
    if wanted:
        named = Q(name__icontains=wanted) | Q(folder_key__contains=folder_key(folder_name(wanted)))
        targets = targets.filter(named | Q(office__name__icontains=wanted))
    shown = targets.select_related(None).only("company_id", "office_id", "kind", "name", "state", "customized")
    for target in shown.order_by("kind", "name", "pk"):
        offices[target.office_id].leaves.append(Branch(target, target.kind, f"{base}{target.pk}/", target == here))
    return [branch for branch in offices.values() if branch.leaves or not wanted or wanted.lower() in branch.node.name.lower()]


def buckets(company: Company) -> dict[int, Bucket]:
    return {bucket.pk: bucket for bucket in company.buckets.defer("credential")}


def answer(company: Company, node: Node) -> Effective:
    if isinstance(node, Target):
        return target_effective(company, node)
    return company_effective(company, node if isinstance(node, Office) else None)


def level(company: Company, node: Node) -> SettingLevel:
    """Return one level, with everything that affects it."""
    effective, known = answer(company, node), buckets(company)
    path: dict[str, Node] = {"company": company}
    if isinstance(node, Target):
        path |= {"office": node.office, node.kind: node}
    elif isinstance(node, Office):
        path["office"] = node
    won = path[effective.won.value] if effective.won is not None else None
    restriction = effective.why in (EffectReason.RESTRICTED, EffectReason.RESTRICTED_WITHOUT_BUCKET)
    locked = None
    if restriction or effective.why is EffectReason.DISABLED:
        locked = settings.last_change(company, "restricted" if restriction else "enabled")
    set_by = settings.last_change(won, "bucket", "customized") if won is not None else None
    overrulings = tuple(
        Overruling(
            path[one.kind.value].name,
            one.kind.value,
            url_of(company, path[one.kind.value]),
            _bucket(known, path[one.kind.value].bucket_id),
            one.why,
            set_by if one.why is Overruled.NEARER else locked,
        )
        for one in effective.ignored
    )
    won_url = url_of(company, won) if won is not None else ""
    return SettingLevel(node, kind_of(node), effective, _bucket(known, effective.bucket), won, won_url, set_by, locked, overrulings)


def _bucket(known: dict[int, Bucket], bucket_id: int | None) -> Bucket | None:
    return known[bucket_id] if bucket_id is not None else None


def deviations(company: Company, offices: Iterable[Office], targets: Iterable[Target]) -> list[Deviation]:
    """Return the effective settings of customized offices and targets below a level."""
    known = buckets(company)
    below: list[Node] = [*offices, *targets]
    found = []
    for one in below:
        effective, kind = answer(company, one), kind_of(one)
        ignored = next((other for other in effective.ignored if other.kind is ScopeKind(kind)), None)
        found.append(Deviation(one, kind, url_of(company, one), effective, _bucket(known, effective.bucket), ignored))
    return found


def zone(reach: AccessReach, node: Node) -> str:
    """Return the zone for a level's times: its own; for the company the zone that all its offices share, else "" (UTC)."""
    if isinstance(node, Target):
        return zone_of(node)
    if isinstance(node, Office):
        return node.timezone
    zones = set(guards.offices(reach).exclude(state="deleted").values_list("timezone", flat=True))
    return zones.pop() if len(zones) == 1 else ""


def company_admins(company: Company) -> list[str]:
    """Return the addresses of the active company admins."""
    return list(
        Membership.objects.filter(company=company, role=Membership.Role.COMPANY_ADMIN, person__is_active=True)
        .order_by("person__email")
        .values_list("person__email", flat=True)
    )
