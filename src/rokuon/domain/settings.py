"""Which bucket a target's recordings go to, which level decided it, and which customizations it overrules.

The rules are the article's (points M1 to M3): without the company's consent nothing is backed up anywhere; with access restriction on,
everything goes to the company's bucket; otherwise contact center or coaching team > office > company.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from .failures import N_
from .recording import ScopeKind

LEAST_RATE, MOST_RATE = Decimal("0.1"), Decimal(10_000)
"""Between these a company's share of requests per second may be set."""

KIND_NOT_CHOSEN = "kind_not_chosen"
"""Why a copy is excluded whose kind of recording the company does not back up."""

BucketRef = int
"""A bucket's key in the ledger. These rules only hand it through."""


class MediaCharge(StrEnum):
    """What of an audio download takes a send slot. Whether Dialpad counts media is not known (docs/design/dialpad.md 8.6)."""

    NONE = "none"
    ONE = "one"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """`restricted` is the article's access restriction: no level below may choose a bucket."""

    enabled: bool
    bucket: BucketRef | None
    restricted: bool


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """An office, a contact center or a coaching team. `bucket` counts only while the level is customized."""

    kind: ScopeKind
    customized: bool
    bucket: BucketRef | None


class EffectReason(Enum):
    """Why the answer is what it is. The value is a sentence to translate."""

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
    """`bucket` is None where nothing is backed up; `won` is the level that decided, also where it decided for nothing.

    `won` is None only while the company is not enabled. `ignored` names customized levels without effect, nearest first.
    """

    bucket: BucketRef | None
    won: ScopeKind | None
    why: EffectReason
    ignored: tuple[Ignored, ...] = ()


def _why(base: str, bucket: BucketRef | None) -> EffectReason:
    return EffectReason[base if bucket is not None else f"{base}_WITHOUT_BUCKET"]


def effective(company: CompanySettings, office: LevelSettings | None = None, target: LevelSettings | None = None) -> Effective:
    """The answer for a target; for an office where `target` is None; for the company where both are.

    A level that is customized without a bucket stops the backup below it and says so: falling through to the level above would
    send recordings to a bucket that somebody has just moved away from.
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
