"""Audited changes of settings and backup rules, each in one transaction with its audit log entry.

Both the command line and the console use these functions. `now` is the time of the change; `actor` is the person who makes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.accounts.models import AuditEntry
from rokuon.domain.ports import Jobs
from rokuon.ledger import coverage, exclude, outside_void
from rokuon.org import budget, services
from rokuon.org.models import Bucket, Company, Office, Target
from rokuon.org.services import Node

CHANGE = "settings.change"
ENABLE, DISABLE = "rule.enable", "rule.disable"


@transaction.atomic
def change(
    node: Node, wanted: Mapping[str, Any], actor: Actor, now: datetime, *, revision: int | None = None, above_limit: bool = False
) -> bool:
    """Set fields of one level, as `services.change`; return whether anything differed. Raises SettingsMoved, Restricted, AboveLimit,
    ConfigError. A changed request budget ends a pause that Dialpad asked for. `above_limit`: the person confirms that Dialpad has granted
    more than it usually allows; the audit log says so."""
    rate = wanted.get("requests_per_second")
    exceeds = rate is not None and services.above_limit(node, rate)
    if exceeds and not above_limit:
        raise services.AboveLimit
    before, after = services.change(node, wanted, revision)
    if "requests_per_second" in after:
        budget.end_pause(node.pk)
    if after:
        audit.record(
            actor,
            CHANGE,
            now=now,
            company_id=company_id_of(node),
            office_id=_office_id(node),
            subject=subject(node),
            before={name: told(value) for name, value in before.items()},
            after={name: told(value) for name, value in after.items()} | ({"above_limit": True} if exceeds else {}),
        )
    return bool(after)


def subject(node: Node) -> tuple[str, object, str]:
    """Return how the audit log identifies a level: the company, an office, a contact center or a coaching team."""
    kind = node.kind if isinstance(node, Target) else "office" if isinstance(node, Office) else "company"
    return kind, node.pk, node.name


def told(value: Any) -> Any:
    """Return a setting in the form that the audit log stores."""
    if isinstance(value, Bucket):
        return value.url
    return value if value is None or isinstance(value, bool | str) else str(value)


def company_id_of(node: Node) -> int:
    return node.pk if isinstance(node, Company) else node.company_id


def _office_id(node: Node) -> int | None:
    return node.office_id if isinstance(node, Target) else node.pk if isinstance(node, Office) else None


def last_change(node: Node, *fields: str) -> AuditEntry | None:
    """Return the last change of this level, or of one of these fields of it."""
    kind, ident, _name = subject(node)
    entries = AuditEntry.objects.filter(company_id=company_id_of(node), action=CHANGE, subject_kind=kind, subject_id=str(ident))
    if fields:
        entries = entries.filter(after__has_any_keys=list(fields))
    return entries.order_by("-at", "-pk").first()


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """Targets whose rule changed. `excluded` pending recordings were excluded by that; `included` earlier ones are due again."""

    enabled: tuple[Target, ...]
    disabled: tuple[Target, ...]
    included: int
    excluded: int


@transaction.atomic
def change_rules(
    company: Company, enable: Sequence[Target], disable: Sequence[Target], jobs: Jobs, actor: Actor, now: datetime
) -> RulesChanged:
    """Switch backup rules on and off. Targets that already have that rule stay untouched. Recordings that switching off had excluded become
    due again."""
    enabled = services.set_rule(enable, True, now)
    disabled = services.set_rule(disable, False, now)
    for target in disabled:
        outside_void.left_out(company.pk, target.pk, target.backed_up_at)
    # A listing made while the rule was off has skipped the target.
    coverage.void([target.pk for target in enabled])
    included = exclude.include_again([target.pk for target in enabled], now)
    if included:
        jobs.enqueue_due(company.pk)
    excluded = exclude.exclude_pending([target.pk for target in disabled], now)
    for action, targets in ((ENABLE, enabled), (DISABLE, disabled)):
        for target in targets:
            audit.record(
                actor,
                action,
                now=now,
                company_id=company.pk,
                office_id=target.office_id,
                subject=subject(target),
                before={"backed_up": action == DISABLE},
                after={"backed_up": action == ENABLE},
            )
    return RulesChanged(tuple(enabled), tuple(disabled), included, excluded)
