"""Inventories in words: the kinds of findings, what they mean, their evidence, and the command that restores a recording."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.base.i18n import _
from rokuon.base.measures import amount, number
from rokuon.domain.failures import N_, by_reason
from rokuon.ledger import inventory_schedule
from rokuon.ledger.inventory_findings import REASON_OF, Kind
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass, InventorySchedule
from rokuon.stores.registry import kind_of

TITLES = {
    Kind.BUCKET: N_("Bucket in doubt"),
    Kind.MISSING: N_("Missing"),
    Kind.DELETED: N_("Deleted, can be restored"),
    Kind.HIDDEN: N_("Only an earlier version"),
    Kind.CHANGED: N_("Changed"),
    Kind.DOUBLE: N_("Recording under another name"),
    Kind.FOREIGN: N_("Unknown recording"),
    Kind.STRAY: N_("Other file"),
    Kind.REWRITTEN: N_("Rewritten"),
    Kind.RETURNED: N_("Back in the bucket"),
    Kind.EXPIRED: N_("Expired by the bucket's rule"),
}
"""In the order in which people read them."""

_MEANINGS = {
    Kind.DOUBLE: N_("A recording that the ledger knows lies in the bucket under another name as well. Rokuon neither uses nor deletes it."),
    Kind.FOREIGN: N_("It has a name like a recording's, and the ledger does not know its ID. Rokuon neither uses nor deletes it."),
    Kind.STRAY: N_("Someone else put it into Rokuon's folder. Rokuon neither uses nor deletes it."),
    Kind.REWRITTEN: N_("Someone copied the recording over itself, for example to change its class. Its bytes are the same."),
    Kind.RETURNED: N_(
        "An earlier inventory missed the recording. It is there again with the bytes that were verified, and counts as verified."
    ),
    Kind.EXPIRED: N_("The bucket's own rule deleted the recording at its age. It is not copied again."),
}


def title(kind: str) -> str:
    return _(TITLES[Kind(kind)])


def meaning(finding: InventoryFinding) -> str:
    """Return what a finding of this kind means and what to do about it."""
    kind = Kind(finding.kind)
    if kind is Kind.BUCKET:
        return _(by_reason(str(finding.evidence.get("reason", ""))).advice)
    return _(by_reason(REASON_OF[kind]).advice if kind in REASON_OF else _MEANINGS[kind])


def restore_command(finding: InventoryFinding) -> str:
    """Return the shell command with which a person restores the recording; "" if there is none."""
    noncurrent = finding.kind == Kind.HIDDEN
    former = finding.evidence.get("noncurrent" if noncurrent else "soft_deleted")
    if finding.kind not in (Kind.HIDDEN, Kind.DELETED) or not isinstance(former, list) or not former:
        return ""
    return kind_of(finding.bucket.url).restore_command(finding.bucket.url, finding.key, str(former[0]["version"]), noncurrent=noncurrent)


def restorable_until(finding: InventoryFinding) -> datetime | None:
    """Return until when a deleted recording can be restored; None if that is not known."""
    former = finding.evidence.get("soft_deleted")
    until = former[0].get("restorable_until") if isinstance(former, list) and former else None
    return datetime.fromisoformat(until) if until else None


def evidence(finding: InventoryFinding, moment: Callable[[datetime | None], str]) -> list[tuple[str, str]]:
    """Return the evidence of a finding as pairs of a label and a text, for people."""
    told = finding.evidence
    found = list(_facts(_("Ledger"), told.get("ledger"))) + list(_facts(_("Listed"), told.get("listed")))
    if "found" in told:
        found += list(_facts(_("Looked at again"), told["found"])) if told["found"] else [(_("Looked at again"), _("not there"))]
    if "read" in told:
        found.append((_("Bytes read"), _pairs(told["read"]) if isinstance(told["read"], dict) else str(told["read"])))
    for name, label in (("soft_deleted", _("Soft-deleted")), ("noncurrent", _("Earlier versions"))):
        if name in told:
            found.append((label, _former(told[name], moment)))
    for name, label in (("listed_at", _("Listed at")), ("looked_at", _("Looked at again at"))):
        if name in told:
            found.append((label, moment(datetime.fromisoformat(told[name]))))
    if told.get("detail"):
        found.append((_("Found"), str(told["detail"])))
    return found


def _facts(label: str, facts: Any) -> Iterator[tuple[str, str]]:
    if isinstance(facts, dict) and facts:
        yield label, _pairs(facts)


def _pairs(facts: dict[str, Any]) -> str:
    return " · ".join(f"{name} {value}" for name, value in facts.items())


def _former(answer: Any, moment: Callable[[datetime | None], str]) -> str:
    if not isinstance(answer, list):
        return _("not known")
    if not answer:
        return _("none")
    one = answer[0]
    until = one.get("restorable_until")
    if until:
        facts = {"version": one["version"], "until": moment(datetime.fromisoformat(until))}
        return _("version %(version)s, can be restored until %(until)s") % facts
    return _("version %(version)s") % {"version": one["version"]}


def state(one: InventoryPass) -> str:
    """Return how a pass ended, or that it is not at its end."""
    if one.state == InventoryPass.State.FINISHED:
        return _("Whole bucket compared")
    if one.state == InventoryPass.State.STOPPED:
        return _("Stopped: the bucket is in doubt [%(reason)s]") % {"reason": one.reason}
    return _("Not finished: it continues")


def figures(one: InventoryPass) -> list[tuple[str, str]]:
    """Return the figures of a pass as pairs of a label and a text."""
    rows = [
        (_("Objects"), number(one.objects_seen)),
        (_("Size"), amount(one.bytes)),
        (_("In order"), number(one.sights.get("in_order", 0))),
        (_("Rokuon's own files"), number(one.sights.get("own", 0))),
    ]
    rare = [
        (_("Belong to no recording"), one.sights.get("named", 0) + one.sights.get("stray", 0)),
        (_("Not verified by the ledger"), one.sights.get("unproven", 0)),
        (_("Changed since the pass began"), one.sights.get("later", 0)),
        (_("Folder placeholders"), one.sights.get("placeholder", 0)),
        (_("On hold in the store"), one.held),
        (_("Under retention"), one.retained),
        (_("Metadata changed since"), one.altered),
    ]
    rows += [(label, number(value)) for label, value in rare if value]
    classes = {name: value for name, value in one.classes.items() if name}
    if classes:
        rows.append((_("Storage classes"), _(", ").join(f"{name} {number(value)}" for name, value in sorted(classes.items()))))
    return rows


def rule(schedule: InventorySchedule | None) -> str:
    """Return the bucket's own rule as far as it is known."""
    if schedule is None or schedule.deletes_after_days is None:
        return _("not known")
    by = _("the command line") if schedule.declared_by == COMMAND_LINE.name else schedule.declared_by
    return _("deletes after %(days)s days, as declared by %(by)s") % {"days": number(schedule.deletes_after_days), "by": by}


def rhythm(one: InventoryPass) -> str:
    if inventory_schedule.every(max(one.objects_seen, one.verified)) == timedelta(days=1):
        return _("Once a day. How long the store keeps deleted objects is not known.")
    return _(
        "Once a week, because of the number of objects. How long the store keeps deleted objects is not known: 14 days or more are needed "
        "for what is found to be restored."
    )
