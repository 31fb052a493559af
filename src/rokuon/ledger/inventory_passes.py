"""Passes of inventories: begin or resume one, enter each page with the new key in one transaction, and end it.

Every write names the key up to which the pass was when it was read, so a second worker, and the answer to a commit that was lost, change
nothing.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from rokuon.domain.bucket_listing import ListedObject
from rokuon.domain.copies import State
from rokuon.domain.inventory import Expected, PassSums, SeenKey, Sight, recording_of

from .inventory_models import InventoryFinding, InventoryPass
from .models import Copy, Recording
from .sql import columns, execute, fetch

Kind = InventoryFinding.Kind
ROWS = 1000
"""Rows of the ledger that are read at a time."""

MOST_KEPT = 1000
"""Open findings of one kind about objects without a row that a bucket has; all are counted. Those that a person closed make room."""

OPEN = [InventoryPass.State.LISTING, InventoryPass.State.LOOKING]
_STRANGERS = [Kind.DOUBLE, Kind.FOREIGN, Kind.STRAY]


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """What was seen of the keys after `after` up to `upto`. `last`: the bucket and the ledger have nothing behind it."""

    after: str
    upto: str
    last: bool
    seen: Sequence[SeenKey]
    listed_at: datetime


@transaction.atomic
def begin(company_id: int, bucket_id: int, by: str, now: datetime, *, accepts_missing: bool = False) -> InventoryPass:
    """Return the open pass of the bucket, or begin one. With `accepts_missing` an open pass begins again: it judged without that."""
    fetch("SELECT pg_advisory_xact_lock(hashtextextended('rokuon inventory ' || %s, 0))::text", [str(bucket_id)])
    found = unfinished(bucket_id)
    if found is not None and (found.accepts_missing or not accepts_missing):
        return found
    if found is not None:
        found.delete()
    verified = Copy.objects.filter(bucket_id=bucket_id, state=State.VERIFIED).count()
    return InventoryPass.objects.create(
        company_id=company_id, bucket_id=bucket_id, by=by, started_at=now, verified=verified, accepts_missing=accepts_missing
    )


def unfinished(bucket_id: int) -> InventoryPass | None:
    return InventoryPass.objects.filter(bucket_id=bucket_id, state__in=OPEN).first()


def of_bucket(bucket_id: int, limit: int) -> list[InventoryPass]:
    """Return the passes of a bucket, the latest first."""
    return list(InventoryPass.objects.filter(bucket_id=bucket_id).order_by("-started_at", "-pk")[:limit])


def expected(bucket_id: int, after: str, upto: str | None, limit: int = ROWS) -> list[Expected]:
    """Return copies of the bucket with keys after `after` up to `upto` (None: to the end), in byte order."""
    rows = fetch(
        """SELECT c.id, c.key, c.state = 'verified', c.changed_at, c.size, c.crc32c, c.md5, c.version,
                  c.state = 'failed' AND starts_with(c.reason, 'inventory_')
             FROM ledger_copy c
            WHERE c.bucket_id = %(bucket)s AND c.key > %(after)s AND (%(upto)s::text IS NULL OR c.key <= %(upto)s COLLATE "C")
            ORDER BY c.key LIMIT %(limit)s""",
        {"bucket": bucket_id, "after": after, "upto": upto, "limit": limit},
    )
    return [Expected(*row) for row in rows]


@transaction.atomic
def enter_page(pass_id: int, page: ComparedPage, sums: PassSums, now: datetime) -> bool:
    """Enter a page: its suspects, its objects without a row, and `sums`, those of the whole pass so far. Return False if another process
    has moved the pass."""
    one = InventoryPass.objects.select_for_update().filter(pk=pass_id).first()
    if one is None:
        return False
    entered = one.state == InventoryPass.State.LOOKING if page.last else one.state == InventoryPass.State.LISTING
    if entered and one.after_key == page.upto and page.upto != page.after:
        return True  # the answer to the commit was lost
    if one.state != InventoryPass.State.LISTING or one.after_key != page.after:
        return page.last and one.state == InventoryPass.State.LOOKING and one.after_key == page.upto
    _suspect(one, page, now)
    _strangers(one, page, now)
    one.objects_seen, one.bytes, one.held, one.retained = sums.objects, sums.bytes, sums.held, sums.retained
    one.altered, one.ruled, one.sights, one.classes = sums.altered, sums.ruled, dict(sums.sights), dict(sums.classes)
    one.after_key, one.pages = page.upto, one.pages + 1
    one.state = InventoryPass.State.LOOKING if page.last else InventoryPass.State.LISTING
    one.save()
    return True


def sums_of(one: InventoryPass) -> PassSums:
    """Return what the pass has seen so far."""
    return PassSums(
        objects=one.objects_seen,
        bytes=one.bytes,
        held=one.held,
        retained=one.retained,
        altered=one.altered,
        ruled=one.ruled,
        sights=Counter(one.sights),
        classes=Counter(one.classes),
    )


def facts_of(found: ListedObject | None) -> dict[str, Any] | None:
    """Return what the store lists of an object, as evidence."""
    if found is None:
        return None
    told = {"size": found.size, "crc32c": found.crc32c, "md5": found.md5, "version": found.version, "class": found.storage_class}
    times = {"created_at": found.created_at, "updated_at": found.updated_at}
    return {name: value for name, value in told.items() if value not in (None, "")} | {
        name: value.isoformat() for name, value in times.items() if value is not None
    }


_KINDS = {Sight.ABSENT: Kind.ABSENT, Sight.CHANGED: Kind.CHANGED, Sight.REWRITTEN: Kind.REWRITTEN, Sight.RETURNED: Kind.RETURNED}


def _suspect(one: InventoryPass, page: ComparedPage, now: datetime) -> None:
    seen = [(key, key.expected) for key in page.seen if key.sight in _KINDS and key.expected is not None]
    attempts = dict(Copy.objects.filter(pk__in=[row.copy_id for _, row in seen]).values_list("pk", "attempt"))
    InventoryFinding.objects.bulk_create(
        [
            InventoryFinding(
                company_id=one.company_id,
                bucket_id=one.bucket_id,
                found_by=one,
                seen_by=one,
                kind=_KINDS[key.sight],
                suspected=True,
                key=key.key,
                version=key.found.version if key.found is not None else "",
                copy_id=row.copy_id,
                attempt=attempts.get(row.copy_id, 0),
                evidence=_evidence(key, page),
                at=now,
            )
            for key, row in seen
        ],
        ignore_conflicts=True,
    )


def _strangers(one: InventoryPass, page: ComparedPage, now: datetime) -> None:
    """Keep objects without a row as findings: a double is a recording that the ledger knows, under another name."""
    named = [key for key in page.seen if key.sight is Sight.NAMED]
    known = _known_recordings(one.company_id, {recording_of(key.key) for key in named})
    by_kind: dict[Kind, list[SeenKey]] = {
        Kind.DOUBLE: [key for key in named if recording_of(key.key) in known],
        Kind.FOREIGN: [key for key in named if recording_of(key.key) not in known],
        Kind.STRAY: [key for key in page.seen if key.sight is Sight.STRAY],
    }
    for kind, keys in by_kind.items():
        rows = [(key.key, key.found.version if key.found is not None else "", json.dumps(_evidence(key, page))) for key in keys]
        if rows:
            values = {"company": one.company_id, "bucket": one.bucket_id, "pass": one.pk, "kind": kind.value, "now": now, "most": MOST_KEPT}
            execute(_KEEP, values | dict(zip(("keys", "versions", "evidence"), columns(rows, 3), strict=True)))


_KEEP = """
    INSERT INTO ledger_inventoryfinding (company_id, bucket_id, found_by_id, seen_by_id, kind, suspected, key, version, evidence, at, note,
                                         closed_by)
    SELECT %(company)s, %(bucket)s, %(pass)s, %(pass)s, %(kind)s, false, x.key, x.version, x.evidence::jsonb, %(now)s, '', ''
      FROM (SELECT u.*, k.id IS NOT NULL AS known,
                   count(*) FILTER (WHERE k.id IS NULL) OVER (ORDER BY u.at) AS new
              FROM unnest(%(keys)s::text[], %(versions)s::text[], %(evidence)s::text[]) WITH ORDINALITY AS u(key, version, evidence, at)
              LEFT JOIN ledger_inventoryfinding k ON k.copy_id IS NULL AND k.bucket_id = %(bucket)s AND k.kind = %(kind)s
                                                 AND k.key = u.key AND k.version = u.version) AS x
     WHERE x.known OR x.new <= %(most)s - (SELECT count(*) FROM ledger_inventoryfinding s
                                            WHERE s.bucket_id = %(bucket)s AND s.kind = %(kind)s AND s.copy_id IS NULL
                                              AND NOT s.suspected AND s.over_at IS NULL AND s.closed_at IS NULL)
        ON CONFLICT (bucket_id, kind, key, version) WHERE copy_id IS NULL DO UPDATE SET seen_by_id = EXCLUDED.seen_by_id, over_at = NULL
"""


def _evidence(key: SeenKey, page: ComparedPage) -> dict[str, Any]:
    return {"listed": facts_of(key.found), "listed_at": page.listed_at.isoformat()}


def _known_recordings(company_id: int, ids: Collection[str]) -> set[str]:
    if not ids:
        return set()
    found = Recording.objects.filter(company_id=company_id, kind__in=_KINDS_OF_RECORDING, recording_id__in=list(ids))
    return set(found.values_list("recording_id", flat=True))


_KINDS_OF_RECORDING = ["callrecording", "admincallrecording", "voicemail"]
"""Named, so that the unique index of recordings serves the query."""


@transaction.atomic
def finish(pass_id: int, now: datetime) -> InventoryPass | None:
    """End a pass whose suspects are all looked at; None if it is not at that point. Objects without a row that it did not see are over, and
    so is a doubt about the bucket as a whole."""
    one = InventoryPass.objects.select_for_update().filter(pk=pass_id, state=InventoryPass.State.LOOKING).first()
    if one is None or InventoryFinding.objects.filter(seen_by=one, suspected=True).exists():
        return None
    for kind in _STRANGERS:
        _over(one, kind, now)
    _over(one, Kind.BUCKET, now)
    one.state, one.ended_at = InventoryPass.State.FINISHED, now
    one.save(update_fields=["state", "ended_at"])
    return one


def _over(one: InventoryPass, kind: Kind, now: datetime) -> None:
    gone = InventoryFinding.objects.filter(bucket_id=one.bucket_id, kind=kind, copy=None, over_at=None).exclude(seen_by=one)
    gone.update(over_at=now)


@transaction.atomic
def stop(pass_id: int, reason: str, detail: str, now: datetime) -> InventoryPass | None:
    """End a pass that cannot conclude anything, because the bucket itself is in doubt: no copy is changed, its suspects are dropped except
    for some keys as evidence, and the bucket is one finding. None if it has ended."""
    one = InventoryPass.objects.select_for_update().filter(pk=pass_id, state__in=OPEN).first()
    if one is None:
        return None
    suspects = InventoryFinding.objects.filter(seen_by=one, suspected=True)
    examples = list(suspects.order_by("pk").values_list("key", flat=True)[:10])
    suspects.delete()
    evidence = {"reason": reason, "detail": detail, "sights": one.sights, "verified": one.verified, "examples": examples}
    InventoryFinding.objects.update_or_create(
        bucket_id=one.bucket_id,
        kind=Kind.BUCKET,
        key="",
        version="",
        copy=None,
        defaults={
            "company_id": one.company_id,
            "seen_by": one,
            "suspected": False,
            "evidence": evidence,
            "at": now,
            "over_at": None,
            "note": "",
            "closed_by": "",
            "closed_at": None,
        },
        create_defaults={
            "company_id": one.company_id,
            "found_by": one,
            "seen_by": one,
            "suspected": False,
            "evidence": evidence,
            "at": now,
        },
    )
    one.state, one.ended_at, one.reason, one.detail = InventoryPass.State.STOPPED, now, reason, detail[:500]
    one.save(update_fields=["state", "ended_at", "reason", "detail"])
    return one
