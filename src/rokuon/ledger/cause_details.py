"""Details of one cause: what the last try ended with, the buckets concerned, how copies were closed; the most frequent first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from .next_try import QUEUED
from .sql import fetch

V = TypeVar("V", str, int)


@dataclass(frozen=True, slots=True)
class Ranked(Generic[V]):
    """Values with their numbers of copies, the largest number first; `more` counts the values beyond these."""

    values: tuple[tuple[V, int], ...] = ()
    more: int = 0


def details(company_id: int, targets: Sequence[int], state: str, reason: str, most: int) -> Ranked[str]:
    """Return the details with which the last try of these targets' copies ended. Queued copies have none."""
    return _ranked("c.detail", "c.detail <> ''", company_id, targets, state, reason, most)


def buckets(company_id: int, targets: Sequence[int], state: str, reason: str, most: int) -> Ranked[int]:
    """Return the ids of the buckets of these targets' copies. Queued copies, which may be very many, are not looked through."""
    return _ranked("c.bucket_id", "true", company_id, targets, state, reason, most)


def _ranked(column: str, condition: str, company_id: int, targets: Sequence[int], state: str, reason: str, most: int) -> Ranked[V]:
    if reason == QUEUED:
        return Ranked()
    rows = fetch(
        f"""SELECT {column}, count(*), count(*) OVER ()
              FROM ledger_copy c
             WHERE c.company_id = %s AND c.target_id = ANY(%s) AND c.state = %s AND c.reason = %s AND {condition}
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s""",  # noqa: S608 (constant pieces)
        [company_id, list(targets), state, reason, most],
    )
    return Ranked(tuple((value, copies) for value, copies, _all in rows), rows[0][2] - len(rows) if rows else 0)


@dataclass(frozen=True, slots=True)
class ClosedAs:
    """Closed copies of one cause with the same note by the same person; the last was closed at `at`."""

    note: str
    by: str
    copies: int
    at: datetime


def closed_as(company_id: int, targets: Sequence[int] | None, most: int) -> dict[tuple[str, str], tuple[ClosedAs, ...]]:
    """Return how copies were closed, by (state, reason): at most so many of each cause, the largest number first."""
    rows = fetch(
        """SELECT state, reason, note, by, copies, at
             FROM (SELECT c.state, c.reason, k.note, k.by, count(*) AS copies, max(k.at) AS at,
                          row_number() OVER (PARTITION BY c.state, c.reason ORDER BY count(*) DESC, max(k.at) DESC, k.note) AS rank
                     FROM ledger_closing k JOIN ledger_copy c ON c.id = k.copy_id
                    WHERE k.at >= c.changed_at AND c.company_id = %(company)s AND c.state IN ('failed', 'gone')
                      AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
                    GROUP BY c.state, c.reason, k.note, k.by) AS ranked
            WHERE rank <= %(most)s ORDER BY state, reason, rank""",
        {"company": company_id, "targets": None if targets is None else list(targets), "most": most},
    )
    found: dict[tuple[str, str], tuple[ClosedAs, ...]] = {}
    for state, reason, *rest in rows:
        found[state, reason] = (*found.get((state, reason), ()), ClosedAs(*rest))
    return found
