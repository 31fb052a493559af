"""The inventory of a bucket in words: its last pass, what was found, and single findings with their evidence.

The figures and whatever concerns the bucket as a whole are for people who see the whole company; others read of findings about recordings
of their targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from rokuon.base import dates
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.ledger import inventory_findings, inventory_passes, inventory_schedule
from rokuon.ledger.inventory_findings import KindCount
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass, InventorySchedule
from rokuon.org.models import Bucket
from rokuon.wiring import inventory_text


@dataclass(frozen=True, slots=True)
class InventorySaid:
    """The section of a bucket's page. `figures` is empty for people who do not see the whole company. `next_at` is None before the first
    pass; `trouble` is why the last attempt ended early, "" if it did not."""

    last: InventoryPass | None
    state: str
    words: str
    figures: list[tuple[str, str]]
    kinds: list[tuple[str, KindCount]]
    next_at: datetime | None
    rhythm: str
    rule: str
    trouble: str

    @property
    def finished(self) -> bool:
        """Whether the last pass came round: only then nothing found means that nothing differs."""
        return self.last is not None and self.last.state == InventoryPass.State.FINISHED

    @property
    def open(self) -> int:
        return sum(one.open for _title, one in self.kinds)


def of_bucket(request: CompanyRequest, bucket: Bucket) -> InventorySaid:
    mine = guards.target_ids(guards.seen(request))
    passes = inventory_passes.of_bucket(bucket.pk, 1)
    last, schedule = passes[0] if passes else None, inventory_schedule.of_bucket(bucket.pk)
    counts = {one.kind: one for one in inventory_findings.counts(bucket.pk, mine)}
    return InventorySaid(
        last=last,
        state=_state(last),
        words=inventory_text.state(last) if last is not None else "",
        figures=inventory_text.figures(last) if last is not None and mine is None else [],
        kinds=[(inventory_text.title(kind), counts[kind]) for kind in inventory_text.TITLES if kind in counts],
        next_at=schedule.due_at if schedule is not None else None,
        rhythm=inventory_text.rhythm(last) if last is not None else "",
        rule=inventory_text.rule(schedule),
        trouble=_trouble(schedule),
    )


def _state(last: InventoryPass | None) -> str:
    if last is None or last.state in inventory_passes.OPEN:
        return "pending"
    return "verified" if last.state == InventoryPass.State.FINISHED else "held"


def _trouble(schedule: InventorySchedule | None) -> str:
    return schedule.reason if schedule is not None else ""


@dataclass(frozen=True, slots=True)
class FindingSaid:
    """A finding with its evidence. `state` and `words` are its icon, colour and word ("": the state's own). `closable`: it is closed here,
    by people who may; a recording is closed among the failures. `restorable_until` is None if there is no command, or if that is not
    known."""

    finding: InventoryFinding
    title: str
    state: str
    words: str
    meaning: str
    evidence: list[tuple[str, str]]
    command: str
    restorable_until: datetime | None
    closable: bool


def said(findings: Sequence[InventoryFinding], zone: str) -> list[FindingSaid]:
    still_open = inventory_findings.open_among([one.pk for one in findings])
    return [_said(one, one.pk in still_open, zone) for one in findings]


def _said(finding: InventoryFinding, is_open: bool, zone: str) -> FindingSaid:
    state, words = _finding_state(finding, is_open)
    return FindingSaid(
        finding=finding,
        title=inventory_text.title(finding.kind),
        state=state,
        words=words,
        meaning=inventory_text.meaning(finding),
        evidence=inventory_text.evidence(finding, lambda when: dates.moment(when, zone) if when is not None else "–"),
        command=inventory_text.restore_command(finding),
        restorable_until=inventory_text.restorable_until(finding),
        closable=finding.copy_id is None,
    )


def _finding_state(finding: InventoryFinding, is_open: bool) -> tuple[str, str]:
    if is_open:
        return "failed", _("Open")
    copy, reason = finding.copy, inventory_findings.REASON_OF.get(inventory_findings.Kind(finding.kind))
    if reason and copy is not None and (copy.reason, copy.attempt) != (reason, (finding.attempt or 0) + 1):
        return copy.state, ""  # what became of the recording since, in the words of that state
    if reason or finding.closed_at is not None:
        return "closed", _("Closed")
    return "verified", _("Explained")
