"""Findings of inventories: what is done about a suspect once it was looked at again, which are open, and a person's closing of one.

A copy is changed only if it is still as it was when it was suspected. A finding about a failed copy is open as long as the copy's failure
is: a person closes or retries it like any other. Findings about objects without a row, and about the bucket, are closed here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from rokuon.domain.copies import Cause, State
from rokuon.domain.failures import InventoryChanged, InventoryDeleted, InventoryHidden, InventoryMissing
from rokuon.domain.inventory import Expected, Sight

from . import transitions
from .exclude import EXPIRED_BY_BUCKET_RULE
from .inventory_models import InventoryFinding, InventoryPass
from .sql import BY_INVENTORY, CLOSED, columns, execute, fetch

Kind = InventoryFinding.Kind
REASON_OF = {
    Kind.CHANGED: InventoryChanged.reason,
    Kind.DELETED: InventoryDeleted.reason,
    Kind.HIDDEN: InventoryHidden.reason,
    Kind.MISSING: InventoryMissing.reason,
}
"""Findings that make a verified copy failed."""

OPEN_KINDS = [*REASON_OF, Kind.DOUBLE, Kind.FOREIGN, Kind.STRAY, Kind.BUCKET]
"""Findings that someone has to look at. Rewritten, returned and expired ones are explained already, and only listed."""

_OPEN = f"""
    NOT f.suspected AND f.over_at IS NULL AND f.closed_at IS NULL
    AND (f.kind IN ('double', 'foreign', 'stray', 'bucket')
         OR EXISTS (SELECT 1 FROM ledger_copy c WHERE c.id = f.copy_id AND c.state = 'failed' AND c.reason = 'inventory_' || f.kind
                                                  AND c.attempt = f.attempt + 1 AND NOT {CLOSED}))
"""  # noqa: S608 (constant pieces)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A suspected finding and its copy as the ledger has it. `same` is False if the copy has changed since it was suspected."""

    finding_id: int
    attempt: int
    same: bool
    expected: Expected
    sha256: str


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What a suspect is, after the store was asked again. `kind` None: nothing is wrong with it. `version` is the store's identifier of
    bytes that were rewritten."""

    suspect: Suspect
    kind: Kind | None
    evidence: dict[str, Any] = field(default_factory=dict)
    version: str = ""


_MISSED = f"(c.state = 'failed' AND {BY_INVENTORY})"


def suspects(pass_id: int, limit: int) -> list[Suspect]:
    """Return the next suspects of a pass, all of one kind: first those that seem rewritten (the last of the kinds in the alphabet), whose
    bytes may show that they were changed."""
    rows = fetch(
        f"""SELECT f.id, f.attempt, c.attempt = f.attempt AND (c.state = 'verified' OR {_MISSED}),
                  c.sha256, c.id, c.key, c.state = 'verified', c.changed_at, c.size, c.crc32c, c.md5, c.version, {_MISSED}
             FROM ledger_inventoryfinding f JOIN ledger_copy c ON c.id = f.copy_id
            WHERE f.seen_by_id = %(pass)s AND f.suspected
              AND f.kind = (SELECT max(s.kind) FROM ledger_inventoryfinding s WHERE s.seen_by_id = %(pass)s AND s.suspected)
            ORDER BY f.id LIMIT %(limit)s""",  # noqa: S608 (a constant piece)
        {"pass": pass_id, "limit": limit},
    )
    return [Suspect(finding, attempt, same, Expected(*row), sha256) for finding, attempt, same, sha256, *row in rows]


@transaction.atomic
def settle(pass_id: int, verdicts: Sequence[SecondLook], now: datetime) -> dict[str, int]:
    """Do what follows from the verdicts, and return how many findings of each kind there are. A suspect with which nothing is wrong, or
    whose copy has changed in the meantime, is no finding. Nothing follows for a pass that has ended, or for suspects that are settled.

    One that seemed rewritten and has other bytes remains a suspect, and counts as changed or absent: first the breaker has to know of all.
    """
    one_pass = InventoryPass.objects.select_for_update().filter(pk=pass_id, state=InventoryPass.State.LOOKING).first()
    if one_pass is None:
        return {}
    ids = [one.suspect.finding_id for one in verdicts]
    suspected = dict(InventoryFinding.objects.filter(pk__in=ids, seen_by=one_pass, suspected=True).values_list("pk", "kind"))
    verdicts = [one for one in verdicts if one.suspect.finding_id in suspected]
    worse = [one for one in verdicts if suspected[one.suspect.finding_id] == Kind.REWRITTEN and one.kind in REASON_OF]
    _count_as_worse(one_pass, worse)
    verdicts = [one for one in verdicts if one not in worse]
    kept: list[tuple[int, SecondLook]] = []
    for kind in Kind:
        chosen = [one for one in verdicts if one.kind is kind]
        if chosen:
            done = _apply(kind, chosen, now)
            kept += [(one.suspect.finding_id, one) for one in chosen if one.suspect.expected.copy_id in done]
    for finding_id, one in kept:
        evidence = {"ledger": _ledger_facts(one.suspect), **one.evidence}
        found = InventoryFinding.objects.filter(pk=finding_id, suspected=True).first()
        if found is not None:
            found.kind, found.suspected, found.at, found.evidence = one.kind or found.kind, False, now, {**found.evidence, **evidence}
            found.save(update_fields=["kind", "suspected", "at", "evidence"])
    InventoryFinding.objects.filter(pk__in=[one.suspect.finding_id for one in verdicts], suspected=True).delete()
    counts: dict[str, int] = {}
    for _, one in kept:
        counts[str(one.kind)] = counts.get(str(one.kind), 0) + 1
    return counts


def _count_as_worse(one_pass: InventoryPass, verdicts: Sequence[SecondLook]) -> None:
    for one in verdicts:
        sight = Sight.CHANGED if one.kind is Kind.CHANGED else Sight.ABSENT
        InventoryFinding.objects.filter(pk=one.suspect.finding_id).update(kind=sight.value)
        one_pass.sights = dict(Counter(one_pass.sights) + Counter({sight.value: 1}) - Counter({Sight.REWRITTEN.value: 1}))
    one_pass.save(update_fields=["sights"])


def _apply(kind: Kind, verdicts: Sequence[SecondLook], now: datetime) -> set[int]:
    """Change the copies, and return those that were still as they were suspected."""
    if kind is Kind.REWRITTEN:
        return transitions.note_versions([(one.suspect.expected.copy_id, one.suspect.attempt, one.version) for one in verdicts])
    if kind is Kind.RETURNED:
        return _verified_again(verdicts, now)
    copies, attempts = columns([(one.suspect.expected.copy_id, one.suspect.attempt) for one in verdicts], 2)
    after = State.EXCLUDED if kind is Kind.EXPIRED else State.FAILED
    return set(
        transitions.change(
            after,
            Cause.INVENTORY,
            "c.id = x.id AND c.attempt = x.attempt AND c.state = 'verified'",
            {"copies": copies, "attempts": attempts},
            now,
            reason=EXPIRED_BY_BUCKET_RULE if kind is Kind.EXPIRED else REASON_OF[kind],
            tables="unnest(%(copies)s::bigint[], %(attempts)s::int[]) AS x(id, attempt)",
        )
    )


def _verified_again(verdicts: Sequence[SecondLook], now: datetime) -> set[int]:
    rows = [(one.suspect.expected.copy_id, one.suspect.attempt, one.version) for one in verdicts]
    return set(
        transitions.change(
            State.VERIFIED,
            Cause.INVENTORY,
            f"c.id = x.id AND c.attempt = x.attempt AND {_MISSED}",
            dict(zip(("copies", "attempts", "versions"), columns(rows, 3), strict=True)),
            now,
            tables="unnest(%(copies)s::bigint[], %(attempts)s::int[], %(versions)s::text[]) AS x(id, attempt, version)",
            also="version = x.version, given_up = '{}'",
        )
    )


def _ledger_facts(suspect: Suspect) -> dict[str, Any]:
    row = suspect.expected
    facts = {"size": row.size, "crc32c": row.crc32c, "md5": row.md5, "version": row.version, "sha256": suspect.sha256}
    return {name: value for name, value in facts.items() if value not in (None, "")} | {
        "verified_at" if row.verified else "failed_at": row.changed_at.isoformat()
    }


@dataclass(frozen=True, slots=True)
class KindCount:
    kind: str
    found: int
    open: int


def counts(bucket_id: int, targets: Sequence[int] | None = None) -> list[KindCount]:
    """Return how many findings of each kind the bucket has, and how many are open. With `targets`, only those about their recordings."""
    rows = fetch(
        f"""SELECT f.kind, count(*), count(*) FILTER (WHERE {_OPEN}) FROM ledger_inventoryfinding f
             WHERE f.bucket_id = %(bucket)s AND NOT f.suspected AND f.over_at IS NULL AND {_WITHIN} GROUP BY 1 ORDER BY 1""",  # noqa: S608
        {"bucket": bucket_id, "targets": _array(targets)},
    )
    by_kind = {kind: KindCount(kind, found, still) for kind, found, still in rows}
    return [by_kind[kind] for kind in Kind if kind in by_kind]


_WITHIN = """(%(targets)s::bigint[] IS NULL
              OR EXISTS (SELECT 1 FROM ledger_copy t WHERE t.id = f.copy_id AND t.target_id = ANY(%(targets)s)))"""


def open_findings(bucket_id: int, limit: int, targets: Sequence[int] | None = None) -> list[InventoryFinding]:
    """Return the open findings, the latest first."""
    rows = fetch(
        f"SELECT f.id FROM ledger_inventoryfinding f WHERE f.bucket_id = %(bucket)s AND {_OPEN} AND {_WITHIN}"  # noqa: S608 (constant pieces)
        " ORDER BY f.id DESC LIMIT %(limit)s",
        {"bucket": bucket_id, "targets": _array(targets), "limit": limit},
    )
    found = _all(bucket_id).filter(pk__in=[row[0] for row in rows]).order_by("-pk")
    return list(found)


def open_among(ids: Sequence[int]) -> set[int]:
    """Return those of these findings that are open."""
    rows = fetch(f"SELECT f.id FROM ledger_inventoryfinding f WHERE f.id = ANY(%s) AND {_OPEN}", [list(ids)])  # noqa: S608 (constant pieces)
    return {row[0] for row in rows}


def open_objects(company_id: int) -> list[tuple[int, int]]:
    """Return (bucket, number) of the open findings about objects without a recording and about buckets, by bucket."""
    rows = fetch(
        f"""SELECT f.bucket_id, count(*) FROM ledger_inventoryfinding f
             WHERE f.company_id = %s AND f.copy_id IS NULL AND {_OPEN} GROUP BY 1 ORDER BY 1""",  # noqa: S608 (constant pieces)
        [company_id],
    )
    return [(bucket, number) for bucket, number in rows]


def listed(bucket_id: int, kind: str = "", targets: Sequence[int] | None = None) -> "QuerySet[InventoryFinding]":
    """Return the findings that are not over, of one kind if given, the latest first. The caller slices them."""
    found = _all(bucket_id).filter(over_at=None)
    if kind:
        found = found.filter(kind=kind)
    if targets is not None:
        found = found.filter(copy__target_id__in=targets)
    return found.order_by("-at", "-pk")


def _all(bucket_id: int) -> "QuerySet[InventoryFinding]":
    found = InventoryFinding.objects.filter(bucket_id=bucket_id, suspected=False)
    return found.select_related("bucket", "copy__recording", "copy__target__office")


def close(bucket_id: int, ids: Sequence[int], note: str, by: str, now: datetime) -> list[int]:
    """Close open findings of a bucket about objects without a row, and about itself, as explained. Return their ids."""
    rows = fetch(
        f"""UPDATE ledger_inventoryfinding f SET note = %(note)s, closed_by = %(by)s, closed_at = %(now)s
             WHERE f.bucket_id = %(bucket)s AND f.id = ANY(%(ids)s) AND f.copy_id IS NULL AND {_OPEN} RETURNING f.id""",  # noqa: S608
        {"bucket": bucket_id, "ids": list(ids), "note": note, "by": by, "now": now},
    )
    return sorted(row[0] for row in rows)


def reopen(bucket_id: int, ids: Sequence[int]) -> int:
    """Take back the closings of these findings of a bucket, and return their number."""
    return execute(
        """UPDATE ledger_inventoryfinding SET note = '', closed_by = '', closed_at = NULL
            WHERE bucket_id = %s AND id = ANY(%s) AND closed_at IS NOT NULL""",
        [bucket_id, list(ids)],
    )


def _array(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
