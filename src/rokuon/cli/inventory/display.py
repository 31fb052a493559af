"""What `rokuon inventory` prints: the last pass, what was found, and the same as JSON."""

from dataclasses import dataclass
from typing import Any

from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.domain.failures import RokuonError
from rokuon.ledger import inventory_findings, inventory_schedule
from rokuon.ledger.inventory_findings import KindCount
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass, InventorySchedule
from rokuon.org.models import Bucket
from rokuon.wiring import inventory_text

LISTED, IN_JSON = 50, 1000


@dataclass(frozen=True, slots=True)
class InventoryResult:
    """The last pass of a bucket, None before the first, and the findings: their numbers by kind, and the open ones."""

    bucket: Bucket
    last: InventoryPass | None
    counts: list[KindCount]
    findings: list[InventoryFinding]
    schedule: InventorySchedule | None
    zone: str

    @classmethod
    def of(cls, bucket: Bucket, last: InventoryPass | None, zone: str) -> "InventoryResult":
        counts = inventory_findings.counts(bucket.pk)
        findings = inventory_findings.open_findings(bucket.pk, IN_JSON)
        return cls(bucket, last, counts, findings, inventory_schedule.of_bucket(bucket.pk), zone)

    @property
    def open(self) -> int:
        return sum(one.open for one in self.counts)

    def show(self) -> None:
        if self.last is None:
            output.say(_("There has been no inventory of %(url)s yet.") % {"url": self.bucket.url})
        else:
            self._show_pass(self.last)
        for one in self.findings[:LISTED]:
            if command := inventory_text.restore_command(one):
                output.say(f"{one.key}\n  {command}")
        if self.open > LISTED:
            output.say(_("The first %(listed)s are listed; --json lists up to 1,000.") % {"listed": output.number(LISTED)})
        if self.open:
            output.say(
                _(
                    "Open: %(count)s. Recordings are retried or closed like any failure (`rokuon failures`); the page of the bucket shows "
                    "the evidence and closes the others."
                )
                % {"count": output.number(self.open)}
            )

    def _show_pass(self, one: InventoryPass) -> None:
        rows = [
            [_("Bucket"), self.bucket.url],
            [_("Begun"), output.moment(one.started_at, self.zone)],
            [_("Result"), inventory_text.state(one)],
            *([label, text] for label, text in inventory_text.figures(one)),
            [_("The bucket's own rule"), inventory_text.rule(self.schedule)],
        ]
        if self.schedule is not None:
            rows.append([_("Next pass"), output.moment(self.schedule.due_at, self.zone)])
            if self.schedule.reason:
                rows.append([_("The last attempt ended early"), f"{self.schedule.reason} {self.schedule.detail}".strip()])
        output.table([_("Inventory"), ""], rows)
        if self.counts:
            numbers = [[inventory_text.title(one.kind), output.number(one.found), output.number(one.open)] for one in self.counts]
            output.table([_("Found"), _("Number"), _("Open")], numbers, right=(1, 2))
        if self.findings:
            output.table(
                [_("Open"), _("Target"), _("Call id"), _("Path")], [self._row(one) for one in self.findings[:LISTED]], title=_("Findings")
            )

    def _row(self, one: InventoryFinding) -> list[str]:
        copy = one.copy
        return [
            inventory_text.title(one.kind),
            copy.target.name if copy is not None else "",
            copy.recording.call_id if copy is not None else "",
            one.key,
        ]

    def as_json(self, stopped: RokuonError | None) -> dict[str, Any]:
        return {
            "bucket": self.bucket.url,
            "pass": _pass_json(self.last) if self.last is not None else None,
            "next_at": self.schedule.due_at if self.schedule is not None else None,
            "deletes_after_days": self.schedule.deletes_after_days if self.schedule is not None else None,
            "open": self.open,
            "kinds": [{"kind": one.kind, "found": one.found, "open": one.open} for one in self.counts],
            "open_findings": [self._finding_json(one) for one in self.findings],
            "stopped": {"reason": stopped.reason, "detail": stopped.detail} if stopped is not None else None,
        }

    def _finding_json(self, one: InventoryFinding) -> dict[str, Any]:
        copy = one.copy
        return {
            "id": one.pk,
            "kind": one.kind,
            "path": one.key,
            "at": one.at,
            "recording": (
                {
                    "id": copy.pk,
                    "target": copy.target.name,
                    "call_id": copy.recording.call_id,
                    "recording_id": copy.recording.recording_id,
                }
                if copy is not None
                else None
            ),
            "restore_command": inventory_text.restore_command(one),
            "evidence": one.evidence,
        }


def _pass_json(one: InventoryPass) -> dict[str, Any]:
    return {
        "id": one.pk,
        "state": one.state,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "verified": one.verified,
        "objects": one.objects_seen,
        "bytes": one.bytes,
        "pages": one.pages,
        "held": one.held,
        "retained": one.retained,
        "altered": one.altered,
        "seen": one.sights,
        "classes": one.classes,
        "reason": one.reason,
        "detail": one.detail,
    }
