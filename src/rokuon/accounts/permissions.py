"""Authorization: which role may perform which action, in which offices. What is not listed here is refused (ASVS 8.2, 16.5.3).

Nothing is cached: a role that was removed ends with the next request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .models import Membership

Role = Membership.Role


class Action(StrEnum):
    """VIEW: counts, names, settings, lists. BACK_UP: start, pause, cancel, retry. SET_BUCKETS: choose among the registered buckets for an
    office or a target. SET_NOTICES: the recipients of notifications. SET_COMPANY: key, directory, registering buckets, the company's
    bucket, restriction, limits. SYSTEM: see the state of the installation itself."""

    VIEW = "view"
    LISTEN = "listen"
    DOWNLOAD = "download"
    BACK_UP = "back_up"
    SET_BUCKETS = "set_buckets"
    SET_RULES = "set_rules"
    SET_NOTICES = "set_notices"
    SET_COMPANY = "set_company"
    SYSTEM = "system"
    PEOPLE = "people"
    AUDIT = "audit"


ALLOWED: Mapping[str, frozenset[Action]] = {
    Role.COMPANY_ADMIN: frozenset(Action),
    Role.OFFICE_ADMIN: frozenset(
        {Action.VIEW, Action.LISTEN, Action.DOWNLOAD, Action.BACK_UP, Action.SET_BUCKETS, Action.SET_RULES, Action.SET_NOTICES},
    ),
    Role.VIEWER: frozenset({Action.VIEW, Action.LISTEN}),
}
"""A role that is not in the table allows nothing."""


@dataclass(frozen=True, slots=True)
class AccessReach:
    """The part of a company in which an action is allowed: some offices (ledger ids), or all of it if `offices` is None."""

    company_id: int
    offices: frozenset[int] | None = None

    @property
    def whole(self) -> bool:
        return self.offices is None

    def covers(self, office_id: int | None) -> bool:
        """Whether an object of this office is in reach; an object of the whole company (None) only if all of it is in reach."""
        return self.offices is None or office_id in self.offices


def reach(person_id: int, company_id: int, action: Action) -> AccessReach | None:
    """Return the person's reach for this action in the company; None if it is not allowed."""
    return reaches(person_id, company_id).get(action)


def reaches(person_id: int, company_id: int) -> Mapping[Action, AccessReach]:
    """Return all actions that the person may perform in the company, with one query. An operator with a role there also gets SYSTEM."""
    known = Membership.objects.filter(person_id=person_id, company_id=company_id, person__is_active=True)
    roles = list(known.values_list("role", "office_id", "person__is_operator"))
    found: dict[Action, list[int | None]] = {
        action: [office for role, office, _operator in roles if action in ALLOWED.get(role, ())] for action in Action
    }
    if any(operator and Action.VIEW in ALLOWED.get(role, ()) for role, _office, operator in roles):
        found[Action.SYSTEM].append(None)
    return {action: _reach(company_id, offices) for action, offices in found.items() if offices}


def _reach(company_id: int, offices: Sequence[int | None]) -> AccessReach:
    return AccessReach(company_id, None if None in offices else frozenset(office for office in offices if office is not None))


def company_ids(person_id: int) -> list[int]:
    """Return the companies that the person may view."""
    roles = Membership.objects.filter(person_id=person_id, person__is_active=True).values_list("company_id", "role")
    return sorted({company for company, role in roles if Action.VIEW in ALLOWED.get(role, ())})
