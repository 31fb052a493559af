"""Tables of the evidence bundle, from the database: what people did, who has which role, settings, holds, notices, mails, drills and
inventories."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import Q

from rokuon.accounts.models import AuditEntry, Membership
from rokuon.base import csv_text
from rokuon.base.i18n import _
from rokuon.ledger.drill_models import Drill
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass
from rokuon.ledger.models import Hold
from rokuon.notify.models import Mail, Notice
from rokuon.org import tree
from rokuon.org.models import Bucket, Company

Rows = Iterable[Sequence[object]]
Table = tuple[list[str], Rows]


def files(company: Company, since: datetime, until: datetime) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each table. What has a time is that of [since, until]; roles and settings are those of now."""
    for name, (headings, rows) in {
        "audit-log.csv": _audit(company, since, until),
        "roles.csv": _roles(company),
        "settings.csv": _settings(company),
        "buckets.csv": _buckets(company),
        "holds.csv": _holds(company, since, until),
        "notices.csv": _notices(company, since, until),
        "mails.csv": _mails(company, since, until),
        "drills.csv": _drills(company),
        "inventories.csv": _inventories(company, since),
        "inventory-findings.csv": _findings(company, since),
    }.items():
        yield name, "".join(csv_text.lines(headings, rows)).encode()


def _audit(company: Company, since: datetime, until: datetime) -> Table:
    found = AuditEntry.objects.filter(company=company, at__gte=since, at__lte=until).select_related("office").order_by("at", "id")
    headings = [_("When"), _("Office"), _("Who"), _("Address"), _("What"), _("About"), _("Before"), _("After")]
    rows = (
        (
            _time(one.at),
            one.office.name if one.office else "",
            one.actor,
            one.address,
            one.action,
            one.subject,
            _json(one.before),
            _json(one.after),
        )
        for one in found.iterator(chunk_size=500)
    )
    return headings, rows


def _roles(company: Company) -> Table:
    found = Membership.objects.filter(company=company).select_related("person", "office").order_by("person__email", "pk")
    rows = ((one.person.email, one.role, one.office.name if one.office else "", one.person.is_active) for one in found)
    return [_("E-mail address"), _("Role"), _("Office"), _("Active")], rows


def _settings(company: Company) -> Table:
    urls = dict(Bucket.objects.filter(company=company).values_list("pk", "url"))
    headings = [_("Office"), _("Target"), _("Target id"), _("Time zone"), _("Backup rule"), _("Since"), _("Bucket"), _("Folder")]
    rows = (
        (
            one.target.office.name,
            one.target.name,
            one.target.dialpad_id,
            tree.zone_of(one.target) or "UTC",
            one.target.backed_up,
            _time(one.target.backed_up_at),
            urls.get(one.effective.bucket or 0, ""),
            one.target.folder,
        )
        for one in tree.target_settings(company)
    )
    return headings, rows


def _buckets(company: Company) -> Table:
    rows = ((one.url, one.name, _time(one.verified_at), _json(one.verification)) for one in company.buckets.order_by("url"))
    return [_("Bucket"), _("Name"), _("Verified at"), _("Report of the verification")], rows


def _holds(company: Company, since: datetime, until: datetime) -> Table:
    found = Hold.objects.filter(Q(lifted_at=None) | Q(lifted_at__gte=since), company=company, since__lte=until).order_by("since")
    rows = ((_time(one.since), _time(one.lifted_at), one.on, one.ref, one.reason, one.detail) for one in found)
    return [_("Since"), _("Lifted at"), _("On"), _("Which"), _("Reason code"), _("Detail")], rows


def _notices(company: Company, since: datetime, until: datetime) -> Table:
    open_then = Q(ended_at=None) | Q(ended_at__gte=since)
    found = Notice.objects.filter(open_then, company=company, opened_at__lte=until).select_related("office").order_by("opened_at", "pk")
    headings = [_("Since"), _("Ended at"), _("Office"), _("Kind"), _("Reason code"), _("At most"), _("Mailed at"), _("Acknowledged by")]
    rows = (
        (
            _time(one.opened_at),
            _time(one.ended_at),
            one.office.name if one.office else "",
            one.kind,
            one.cause,
            one.most,
            _time(one.told_at),
            one.acknowledged_by,
        )
        for one in found
    )
    return headings, rows


def _mails(company: Company, since: datetime, until: datetime) -> Table:
    found = Mail.objects.filter(company=company, created_at__gte=since, created_at__lte=until).order_by("created_at", "pk")
    headings = [_("Queued at"), _("Sent at"), _("To"), _("Occasion"), _("Seals named")]
    rows = (
        (
            _time(one.created_at),
            _time(one.sent_at),
            one.to,
            one.occasion,
            " ".join(f"{seal['bucket']} {seal['number']}:{seal['sha256']}" for seal in one.letter.get("seals", ())),
        )
        for one in found.iterator(chunk_size=500)
    )
    return headings, rows


def _drills(company: Company) -> Table:
    found = Drill.objects.filter(company=company).select_related("bucket").order_by("started_at")
    headings = [
        _("Bucket"),
        _("Started"),
        _("Ended at"),
        _("State"),
        _("Seed"),
        _("Of"),
        _("Drawn"),
        _("Read"),
        _("Damaged or missing"),
        _("By"),
    ]
    rows = (
        (
            one.bucket.url,
            _time(one.started_at),
            _time(one.ended_at),
            one.state,
            one.seed,
            one.population,
            one.drawn,
            one.read,
            one.bad,
            one.by,
        )
        for one in found
    )
    return headings, rows


def _inventories(company: Company, since: datetime) -> Table:
    found = InventoryPass.objects.filter(company=company, started_at__gte=since).select_related("bucket").order_by("started_at", "pk")
    headings = [_("Bucket"), _("Started"), _("Ended at"), _("State"), _("Reason code"), _("Objects"), _("Bytes"), _("By")]
    rows = (
        (one.bucket.url, _time(one.started_at), _time(one.ended_at), one.state, one.reason, one.objects_seen, one.bytes, one.by)
        for one in found
    )
    return headings, rows


def _findings(company: Company, since: datetime) -> Table:
    """What any inventory of these days saw, and what is open still, whenever it was found."""
    wanted = Q(seen_by__started_at__gte=since) | Q(over_at=None, closed_at=None)
    found = InventoryFinding.objects.filter(wanted, company=company, suspected=False).select_related("bucket").order_by("at", "pk")
    headings = [
        *(_("Bucket"), _("Found at"), _("Kind"), _("Path"), _("Evidence")),
        *(_("No longer there at"), _("Note"), _("Closed by"), _("Closed at")),
    ]
    rows = (
        (
            one.bucket.url,
            _time(one.at),
            one.kind,
            one.key,
            _json(one.evidence),
            _time(one.over_at),
            one.note,
            one.closed_by,
            _time(one.closed_at),
        )
        for one in found.iterator(chunk_size=500)
    )
    return headings, rows


def _time(when: datetime | None) -> str:
    return when.isoformat() if when is not None else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
