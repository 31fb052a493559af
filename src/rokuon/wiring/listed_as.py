"""The way in which a window is listed, for each of its targets and for the calls outside every rule (`Window.listed_as`).

A window may take several jobs, with other options, trainees or versions of Rokuon. What not all of them did in the same way is not entered
as listed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rokuon.backup.discover import Targets
from rokuon.domain import windows
from rokuon.domain.recording import ScopeKind
from rokuon.org.models import Company

OUTSIDE = "outside"
"""The key of the calls outside every rule. An earlier version, which did not count them, does not enter it."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The targets (ids) for which all jobs of a window listed in the same way, and whether they did for the calls outside every rule."""

    targets: Collection[int]
    outside: bool


def how_listed(company: Company, targets: Targets, options: str, scope_kind: str) -> dict[str, str]:
    """Return, by target and for a company listing also for `OUTSIDE`, a fingerprint of how the listing is sorted: another option or
    trainee of a team gives another fingerprint. With a key that lists no recordings nothing is known of calls outside every rule."""
    how = {
        str(plan.id): windows.fingerprint(
            [options, *(user for user, teams in targets.trainees.items() if scope.kind is ScopeKind.COACHING_TEAM and scope.id in teams)],
            [],
            0,
        )
        for scope, plan in targets.plans.items()
    }
    counts = scope_kind == ScopeKind.COMPANY and company.exports is not False
    return how | ({OUTSIDE: options} if counts else {})


def agreed(listed_as: Mapping[str, str] | None, *others: Mapping[str, str]) -> Agreed:
    """Return what is the same in `listed_as`, which all jobs have in common, and in all `others`."""
    same = {key for key, how in (listed_as or {}).items() if all(other.get(key) == how for other in others)}
    return Agreed({int(key) for key in same if key != OUTSIDE}, OUTSIDE in same)
