"""The settings tree: what is set at each level, and which bucket that gives a target (rules: `domain.settings`)."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from rokuon.domain import placement
from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import CompanySettings, Effective, LevelSettings, effective

from .models import Company, Office, Target


@dataclass(frozen=True, slots=True)
class TargetSettings:
    target: Target
    effective: Effective


def company_effective(company: Company, office: Office | None = None) -> Effective:
    """What a target gets that is not customized itself: of the office, or of an office that is not customized either."""
    below = LevelSettings(ScopeKind.OFFICE, office.customized, office.bucket_id) if office is not None else None
    return effective(_top(company), below)


def _top(company: Company) -> CompanySettings:
    return CompanySettings(company.enabled, company.bucket_id, company.restricted)


def target_settings(company: Company) -> list[TargetSettings]:
    """Every contact center and coaching team with its effective bucket, by office, kind and name."""
    top = _top(company)
    targets = company.targets.select_related("office").order_by("office__name", "office_id", "kind", "name", "dialpad_id")
    return [TargetSettings(target, _effective(top, target)) for target in targets]


def _effective(top: CompanySettings, target: Target) -> Effective:
    office = LevelSettings(ScopeKind.OFFICE, target.office.customized, target.office.bucket_id)
    own = LevelSettings(ScopeKind(target.kind), target.customized, target.bucket_id)
    return effective(top, office, own)


def zone_of(target: Target) -> str:
    """The zone whose calendar dates the target's folders: its own, else its office's, else "" (UTC)."""
    return target.timezone or target.office.timezone


def company_zone(company: Company, otherwise: str) -> str:
    """A company has no zone of its own: the one that all its offices share, else the one given."""
    zones = set(company.offices.exclude(state="deleted").values_list("timezone", flat=True))
    return zones.pop() if len(zones) == 1 else otherwise


def assign_folder(target: Target) -> str:
    """The target's folder, assigned now if it has none. It stays through renames, and no two targets of a company share one (M10)."""
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
