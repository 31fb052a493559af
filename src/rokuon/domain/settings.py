"""Resolve the effective bucket of a target, the level that decided it, and the customizations that have no effect.

The rules are those of the article (points M1 to M3): unless the company enables backup, nothing is backed up; with access restriction on,
everything goes to the company's bucket; otherwise contact center or coaching team > office > company.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from .failures import N_
from .recording import ScopeKind

LEAST_RATE, MOST_RATE = Decimal("0.1"), Decimal(10_000)
"""Limits for a company's share of requests per second."""

DIALPAD_RATE = Decimal(20)
"""What Dialpad allows a company over all its integrations (its docs, "Rate limits"). More needs a confirmed exception."""

KIND_NOT_CHOSEN = "kind_not_chosen"
"""Reason of an excluded copy whose kind of recording the company does not back up."""

BucketRef = int
"""A bucket's id in the database. These rules only pass it on."""


class MediaCharge(StrEnum):
    """Which requests of an audio download take a send slot. It is not known whether Dialpad counts media (docs/design/dialpad.md 8.6)."""

    NONE = "none"
    ONE = "one"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """The company's settings. `restricted` is the article's access restriction: no level below may choose a bucket."""

    enabled: bool
    bucket: BucketRef | None
    restricted: bool


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """Settings of an office, a contact center or a coaching team. `bucket` has an effect only while the level is customized."""

    kind: ScopeKind
    customized: bool
    bucket: BucketRef | None


class EffectReason(Enum):
    """Why a setting is effective. The value is a sentence to translate."""

    DISABLED = N_("Backup is not enabled for the company, so nothing is backed up.")
    RESTRICTED = N_("The company restricts access: recordings of every office are stored in the company's bucket.")
    RESTRICTED_WITHOUT_BUCKET = N_("The company restricts access to its own bucket but has not chosen one, so nothing is backed up.")
    CONTACT_CENTER = N_("This contact center is customized: its own bucket is used.")
    CONTACT_CENTER_WITHOUT_BUCKET = N_("This contact center is customized but has no bucket chosen, so it is not backed up.")
    COACHING_TEAM = N_("This coaching team is customized: its own bucket is used.")
    COACHING_TEAM_WITHOUT_BUCKET = N_("This coaching team is customized but has no bucket chosen, so it is not backed up.")
    OFFICE = N_("The office is customized: its bucket is used.")
    OFFICE_WITHOUT_BUCKET = N_("The office is customized but has no bucket chosen, so nothing that inherits from it is backed up.")
    COMPANY = N_("No level below the company is customized: the company's bucket is used.")
    COMPANY_WITHOUT_BUCKET = N_("The company has not chosen a bucket and no level below is customized, so nothing is backed up.")


class Overruled(Enum):
    """Why a level's customization has no effect. The value is a sentence to translate."""

    DISABLED = N_("Has no effect because backup is not enabled for the company.")
    RESTRICTED = N_("Has no effect while the company restricts access to its own bucket.")
    NEARER = N_("Has no effect here because a nearer level is customized.")


@dataclass(frozen=True, slots=True)
class Ignored:
    kind: ScopeKind
    why: Overruled


@dataclass(frozen=True, slots=True)
class Effective:
    """The effective setting. `bucket` is None if nothing is backed up; `won` is the level that decided, also if it has no bucket.

    `won` is None only while the company is not enabled. `ignored` lists customized levels without effect, nearest first.
    """

    bucket: BucketRef | None
    won: ScopeKind | None
    why: EffectReason
    ignored: tuple[Ignored, ...] = ()


def _why(base: str, bucket: BucketRef | None) -> EffectReason:
    return EffectReason[base if bucket is not None else f"{base}_WITHOUT_BUCKET"]


def effective(company: CompanySettings, office: LevelSettings | None = None, target: LevelSettings | None = None) -> Effective:
    """Return the effective setting of a target; of an office if `target` is None; of the company if both are None.

    A level that is customized without a bucket stops the backup below it and reports so: falling back to the level above would send
    recordings to a bucket that an admin has just moved away from.
    """
    customized = [level for level in (target, office) if level is not None and level.customized]

    def overruled(levels: list[LevelSettings], why: Overruled) -> tuple[Ignored, ...]:
        return tuple(Ignored(level.kind, why) for level in levels)

    if not company.enabled:
        return Effective(None, None, EffectReason.DISABLED, overruled(customized, Overruled.DISABLED))
    if company.restricted:
        ignored = overruled(customized, Overruled.RESTRICTED)
        return Effective(company.bucket, ScopeKind.COMPANY, _why("RESTRICTED", company.bucket), ignored)
    if not customized:
        return Effective(company.bucket, ScopeKind.COMPANY, _why("COMPANY", company.bucket))
    nearest = customized[0]
    return Effective(nearest.bucket, nearest.kind, _why(nearest.kind.name, nearest.bucket), overruled(customized[1:], Overruled.NEARER))
