"""Queries of the health checks that run once a minute. Each costs about the same for a thousand recordings and for millions: it reads the
tally, the ends of an index, or only as many rows as the answer needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import Run, Window
from .sql import CLOSED, LAST_GIVEN_UP, UNNAMED, fetch


@dataclass(frozen=True, slots=True)
class GivenUpCopies:
    """Copies of one target that were given up as `state` for `reason`. `copies` are in this state now, `closed` of them explained; `again`
    more are pending, because they are tried again. Calls started in [first_call, last_call]."""

    target_id: int
    state: str
    reason: str
    copies: int
    closed: int
    again: int
    first_call: datetime
    last_call: datetime

    @property
    def left(self) -> int:
        """The number of copies that are neither backed up nor explained."""
        return self.copies - self.closed + self.again


def given_up_of(company_id: int) -> list[GivenUpCopies]:
    """Return the copies that failed or are gone, and those that are tried again after that: they are not backed up until verified."""
    rows = fetch(
        f"""WITH there AS MATERIALIZED (
               SELECT target_id, state, reason, sum(copies)::bigint AS copies FROM ledger_tally
                WHERE company_id = %(company)s AND state IN ('failed', 'gone') GROUP BY 1, 2, 3 HAVING sum(copies) > 0),
           explained AS MATERIALIZED (
               SELECT c.target_id, c.state, c.reason, count(*) AS copies
                 FROM ledger_closing k JOIN ledger_copy c ON c.id = k.copy_id AND k.at >= c.changed_at
                WHERE c.company_id = %(company)s AND c.state IN ('failed', 'gone') GROUP BY 1, 2, 3),
           again AS MATERIALIZED (
               SELECT c.target_id, split_part({LAST_GIVEN_UP}, ' ', 1) AS state, split_part({LAST_GIVEN_UP}, ' ', 2) AS reason,
                      count(*) AS copies, min(c.call_started_at) AS first, max(c.call_started_at) AS last
                 FROM ledger_copy c
                WHERE c.target_id = ANY(ARRAY(SELECT id FROM org_target WHERE company_id = %(company)s))
                  AND c.state = 'pending' AND c.given_up <> '{{}}' GROUP BY 1, 2, 3)
           SELECT target_id, state, reason, COALESCE(t.copies, 0), LEAST(COALESCE(t.copies, 0), COALESCE(x.copies, 0)),
                  COALESCE(a.copies, 0), LEAST(f.at, a.first), GREATEST(l.at, a.last)
             FROM there t FULL JOIN again a USING (target_id, state, reason) LEFT JOIN explained x USING (target_id, state, reason)
                  LEFT JOIN LATERAL (SELECT call_started_at AS at FROM ledger_copy c
                                      WHERE c.target_id = t.target_id AND c.state = t.state AND c.reason = t.reason AND c.reason <> ''
                                      ORDER BY call_started_at LIMIT 1) AS f ON TRUE
                  LEFT JOIN LATERAL (SELECT call_started_at AS at FROM ledger_copy c
                                      WHERE c.target_id = t.target_id AND c.state = t.state AND c.reason = t.reason AND c.reason <> ''
                                      ORDER BY call_started_at DESC LIMIT 1) AS l ON TRUE
            WHERE COALESCE(f.at, a.first) IS NOT NULL""",  # noqa: S608 (constant pieces)
        {"company": company_id},
    )
    return [GivenUpCopies(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Rest:
    """Copies that were given up and are still not backed up: `closed` by a person, `excluded` by a rule or a choice; `elsewhere` are now
    given up or tried again for another cause."""

    closed: int
    excluded: int
    elsewhere: int


def rest(targets: Sequence[int], state: str, reason: str, since: datetime) -> Rest:
    """Count the copies of these targets that were once given up as `state` for `reason`, are not verified, and reached their current state
    at or after `since`. For a cause that needs no more fixes."""
    ((closed, excluded, elsewhere),) = fetch(
        f"""SELECT count(*) FILTER (WHERE {CLOSED} AND (SELECT k.at FROM ledger_closing k WHERE k.copy_id = c.id) >= %(since)s),
                   count(*) FILTER (WHERE c.state = 'excluded' AND c.changed_at >= %(since)s),
                   count(*) FILTER (WHERE c.state <> 'excluded' AND NOT {CLOSED} AND c.changed_at >= %(since)s)
              FROM ledger_copy c
             WHERE c.target_id = ANY(%(targets)s) AND c.given_up <> '{{}}' AND c.given_up @> ARRAY[%(what)s]
               AND c.state <> 'verified' AND c.reason <> 'bucket_changed'""",  # noqa: S608 (constant pieces)
        {"targets": list(targets), "what": f"{state} {reason}", "since": since},
    )
    return Rest(closed, excluded, elsewhere)


@dataclass(frozen=True, slots=True)
class UnnamedCalls:
    """Unexplained calls of a target that were recorded although no recording is listed; they started in [first, last]."""

    target_id: int
    calls: int
    first: datetime
    last: datetime


def unnamed(targets: Sequence[int], since: datetime | None, until: datetime) -> list[UnnamedCalls]:
    """Return such calls, by target, that started in [since, until); None leaves that end open."""
    rows = fetch(
        f"""SELECT target_id, count(*), min(started_at), max(started_at) FROM ledger_call k
            WHERE target_id = ANY(%s) AND {UNNAMED} AND (%s::timestamptz IS NULL OR started_at >= %s) AND started_at < %s GROUP BY 1""",  # noqa: S608 (a constant piece)
        [list(targets), since, since, until],
    )
    return [UnnamedCalls(*row) for row in rows]


def last_calls(targets: Sequence[int], until: datetime) -> dict[int, datetime]:
    """Return, by target, the start of its newest listed call before `until`; a target without any is left out."""
    rows = fetch(
        """SELECT t.id, k.started_at FROM unnest(%s::bigint[]) AS t(id),
                  LATERAL (SELECT started_at FROM ledger_call WHERE target_id = t.id AND started_at < %s
                            ORDER BY started_at DESC LIMIT 1) AS k""",
        [list(targets), until],
    )
    return dict(rows)


def calls_in(stretches: Sequence[tuple[int, datetime, datetime]], most: int) -> list[int]:
    """Count, for each (target, from, until), the listed calls that started in this time; counting stops at `most`."""
    if not stretches:
        return []
    rows = fetch(
        """SELECT (SELECT count(*) FROM (SELECT 1 FROM ledger_call
                    WHERE target_id = x.target AND started_at >= x.since AND started_at < x.until LIMIT %s) AS n)
             FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS x(target, since, until, place)
            ORDER BY place""",
        [most, *(list(column) for column in zip(*stretches, strict=True))],
    )
    return [row[0] for row in rows]


def recorded_calls(targets: Sequence[int], since: datetime, until: datetime, most: int) -> int:
    """Count the calls of these targets in [since, until) that the source reports as recorded; counting stops at `most`."""
    ((calls,),) = fetch(
        """SELECT count(*) FROM (SELECT 1 FROM ledger_call
                                  WHERE target_id = ANY(%s) AND was_recorded AND started_at >= %s AND started_at < %s LIMIT %s) AS n""",
        [list(targets), since, until, most],
    )
    return int(calls)


SWEPT = [purpose for purpose in Run.Purpose.values if purpose != Run.Purpose.BACK_UP_NOW]


def listed_until(company_id: int, within: timedelta, now: datetime) -> tuple[datetime, frozenset[int]] | None:
    """Return the time up to which the newest sweep that ended `within` listed calls, and its targets without those whose listing was
    refused. None if no sweep ended."""
    sweeps = Run.objects.filter(company_id=company_id, purpose__in=SWEPT, state=Run.State.FINISHED, finished_at__gt=now - within)
    run = sweeps.order_by("-until").first()
    if run is None:
        return None
    refused = Window.objects.filter(run=run, state=Window.State.FAILED).values_list("targets", flat=True)
    return run.until, frozenset(run.targets) - {target for targets in refused for target in targets}


@dataclass(frozen=True, slots=True)
class Sweeping:
    """The end of the last sweep, the start of the oldest sweep that has not ended, and the reason for its delay ("" if unknown)."""

    ended_at: datetime | None
    began_at: datetime | None
    reason: str


def sweeping(company_id: int) -> Sweeping:
    sweeps = Run.objects.filter(company_id=company_id, purpose__in=SWEPT)
    ended = sweeps.filter(state=Run.State.FINISHED).order_by("-finished_at").values_list("finished_at", flat=True).first()
    going = sweeps.filter(state=Run.State.RUNNING).order_by("created_at").values_list("created_at", flat=True).first()
    late: Mapping[str, object] = {"run__company_id": company_id, "run__purpose__in": SWEPT, "run__state": Run.State.RUNNING}
    reason = Window.objects.filter(**late).exclude(reason="").order_by("pk").values_list("reason", flat=True).first()
    return Sweeping(ended, going, reason or "")


def first_run(company_id: int) -> Run | None:
    """Return the company's first Back up now."""
    return Run.objects.filter(company_id=company_id, purpose=Run.Purpose.BACK_UP_NOW).order_by("pk").first()
