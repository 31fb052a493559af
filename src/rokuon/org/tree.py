"""The settings tree: the settings of each level, and each target's effective bucket (rules: `domain.settings`)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from rokuon.domain import placement
from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import CompanySettings, Effective, LevelSettings, effective

from .models import Company, Office, Target


@dataclass(frozen=True, slots=True)
class TargetSettings:
    target: Target
    effective: Effective


@dataclass(frozen=True, slots=True)
class Redirected:
    """A target whose recordings go to another bucket after a change of settings."""

    target: Target
    before: Effective
    after: Effective


def company_effective(company: Company, office: Office | None = None) -> Effective:
    """Return the settings of a target that is not customized: in the given office, or in an office that is not customized either."""
    below = LevelSettings(ScopeKind.OFFICE, office.customized, office.bucket_id) if office is not None else None
    return effective(_top(company), below)


def _top(company: Company) -> CompanySettings:
    return CompanySettings(company.enabled, company.bucket_id, company.restricted)


def target_settings(company: Company) -> list[TargetSettings]:
    """Return every contact center and coaching team with its effective bucket, by office, kind and name."""
    top = _top(company)
    targets = company.targets.select_related("office").order_by("office__name", "office_id", "kind", "name", "dialpad_id")
    return [TargetSettings(target, _effective(top, target)) for target in targets]


def _effective(top: CompanySettings, target: Target) -> Effective:
    office = LevelSettings(ScopeKind.OFFICE, target.office.customized, target.office.bucket_id)
    own = LevelSettings(ScopeKind(target.kind), target.customized, target.bucket_id)
    return effective(top, office, own)


def target_effective(company: Company, target: Target) -> Effective:
    """Return one target's effective settings, from its own, its office's and the company's as these objects hold them."""
    return _effective(_top(company), target)


def redirected(company: Company, node: Company | Office | Target, wanted: Mapping[str, Any], targets: Iterable[Target]) -> list[Redirected]:
    """Return the targets that get another bucket if these fields of one level change. Changes nothing."""
    changed = copy(node)
    for name, value in wanted.items():
        setattr(changed, name, value)
    found = []
    for target in targets:
        before = target_effective(company, target)
        if isinstance(changed, Company):
            after = target_effective(changed, target)
        elif isinstance(changed, Target):
            after = target_effective(company, changed) if target.pk == changed.pk else before
        else:
            moved = copy(target)
            moved.office = changed if target.office_id == changed.pk else target.office
            after = target_effective(company, moved)
        if before.bucket != after.bucket:
            found.append(Redirected(target, before, after))
    return found


def zone_of(target: Target) -> str:
    """Return the zone of the dates in the target's folders: its own, else its office's, else "" (UTC)."""
    return target.timezone or target.office.timezone


def company_zone(company: Company, otherwise: str) -> str:
    """Return the zone of the company's times: the one that its offices share, else `otherwise` (the installation's), else, if that is UTC,
    the zone of most offices, and of the oldest among equals. A company has no zone of its own."""
    zones = Counter(company.offices.exclude(state="deleted").exclude(timezone="").order_by("pk").values_list("timezone", flat=True))
    if len(zones) > 1 and otherwise not in ("", "UTC"):
        return otherwise
    return max(zones, key=lambda zone: zones[zone], default=otherwise)


def assign_folder(target: Target) -> str:
    """Return the target's folder; assign one if it has none. It stays through renames, and no two targets of a company share one (M10)."""
    while not target.folder:
        taken = set(Target.objects.filter(company_id=target.company_id).exclude(folder_key="").values_list("folder_key", flat=True))
        folder = placement.free_folder(target.name, target.dialpad_id, taken)
        try:
            with transaction.atomic():
                Target.objects.filter(pk=target.pk, folder="").update(folder=folder, folder_key=placement.folder_key(folder))
        except IntegrityError:
            continue  # another target took this name meanwhile: the next round sees it among the taken
        target.refresh_from_db(fields=["folder", "folder_key"])
    return target.folder
