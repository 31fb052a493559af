"""Restore drills in the ledger: draw a sample of a bucket's verified copies, keep what was read, and end a drill.

The draw is a sort in the database that keeps only the sample: the copies of a bucket of any size pass once, and none of them reaches this
process. Measured: see docs/design/custody.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db import transaction

from rokuon.domain import sampling

from .drill_models import MILLION, DrawnRecording, Drill
from .sql import columns, execute, fetch


@dataclass(frozen=True, slots=True)
class Lot:
    """What a drill is asked to show, in millionths, and the seed of its draw."""

    seed: str
    confidence: int
    damaged_below: int

    def sample_size(self, of: int) -> int:
        return sampling.sample_size(of, Fraction(self.confidence, MILLION), Fraction(self.damaged_below, MILLION))


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """`drawn` of `population` recordings, of `bytes` in total."""

    population: int
    drawn: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ToRead:
    place: int
    key: str
    size: int
    sha256: str
    audio_ms: int | None


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What was read at a place of the draw. `result` is `DrawnRecording.WHOLE` or a reason code; `again` if a second read decided;
    `refused` if the store refuses the recording, so that nothing is known of it."""

    place: int
    result: str
    detail: str = ""
    again: bool = False
    refused: bool = False


_VERIFIED = "c.company_id = %(company)s AND c.bucket_id = %(bucket)s AND c.state = 'verified' AND c.changed_at < %(now)s"
# As `sampling.order`: the seed, then the hexadecimal SHA-256 of the key.
_ORDER = "sha256(convert_to(%(seed)s || encode(sha256(convert_to(c.key, 'UTF8')), 'hex'), 'UTF8'))"
_DRAWN = f"""
    SELECT c.id, c.size, c.sha256, CASE WHEN c.proof <> 'accepted' THEN c.audio_ms END AS audio_ms, {_ORDER} AS lot
      FROM ledger_copy c WHERE {_VERIFIED} ORDER BY lot LIMIT %(drawn)s
"""  # noqa: S608 (constant pieces)


def look(company_id: int, bucket_id: int, lot: Lot, now: datetime) -> DrawnSample:
    """Return the sample that a drill begun now would read. Nothing is changed."""
    values = _values(company_id, bucket_id, lot, now)
    population = _population(values)
    drawn = lot.sample_size(population)
    ((count, size),) = fetch(f"SELECT count(*), COALESCE(sum(size), 0) FROM ({_DRAWN}) x", {**values, "drawn": drawn})  # noqa: S608 (a constant piece)
    return DrawnSample(population, count, int(size))


@transaction.atomic
def begin(company_id: int, bucket_id: int, lot: Lot, by: str, now: datetime) -> Drill:
    """Draw the sample and keep it. Raises IntegrityError if the bucket has an open drill."""
    values = _values(company_id, bucket_id, lot, now)
    population = _population(values)
    drill = Drill.objects.create(
        company_id=company_id,
        bucket_id=bucket_id,
        seed=lot.seed,
        confidence=lot.confidence,
        damaged_below=lot.damaged_below,
        population=population,
        drawn=0,
        bytes=0,
        by=by,
        started_at=now,
    )
    execute(
        f"""INSERT INTO ledger_drawnrecording (drill_id, place, copy_id, size, sha256, audio_ms, result, detail)
            SELECT %(drill)s, row_number() OVER (ORDER BY lot), id, size, sha256, audio_ms, '', '' FROM ({_DRAWN}) x""",  # noqa: S608 (a constant piece)
        {**values, "drawn": lot.sample_size(population), "drill": drill.pk},
    )
    ((drill.drawn, size),) = fetch("SELECT count(*), COALESCE(sum(size), 0) FROM ledger_drawnrecording WHERE drill_id = %s", [drill.pk])
    drill.bytes = int(size)
    drill.save(update_fields=["drawn", "bytes"])
    return drill


def unfinished(bucket_id: int) -> Drill | None:
    return Drill.objects.filter(bucket_id=bucket_id, state=Drill.State.OPEN).first()


def bytes_left(drill_id: int) -> int:
    """Return how many bytes of an open drill are unread."""
    return int(fetch("SELECT COALESCE(sum(size), 0) FROM ledger_drawnrecording WHERE drill_id = %s AND result = ''", [drill_id])[0][0])


def alone(drill_id: int) -> bool:
    """Take the drill for this database connection, until the connection ends; False if another process continues it now."""
    return bool(fetch("SELECT pg_try_advisory_lock(hashtextextended('rokuon drill ' || %s, 0))", [str(drill_id)])[0][0])


def next_unread(drill_id: int, limit: int) -> list[ToRead]:
    """Return the next recordings to read, in the order of the draw; none of a drill that has ended."""
    rows = fetch(
        """SELECT d.place, c.key, d.size, d.sha256, d.audio_ms FROM ledger_drill o
             JOIN ledger_drawnrecording d ON d.drill_id = o.id JOIN ledger_copy c ON c.id = d.copy_id
            WHERE o.id = %s AND o.state = 'open' AND d.result = '' ORDER BY d.place LIMIT %s""",
        [drill_id, limit],
    )
    return [ToRead(*row) for row in rows]


@transaction.atomic
def record(drill_id: int, readings: Sequence[ReadResult]) -> None:
    """Keep what was read. A place that has a result already keeps it, and a drill that has ended takes none."""
    rows = [(one.place, one.result, one.detail, one.again, one.refused) for one in readings]
    execute(
        """WITH seen AS (
               UPDATE ledger_drawnrecording d SET result = r.result, detail = r.detail
                 FROM ledger_drill o, unnest(%(places)s::int[], %(results)s::text[], %(details)s::text[], %(again)s::bool[],
                      %(refused)s::bool[]) AS r(place, result, detail, again, refused)
                WHERE o.id = %(drill)s AND o.state = 'open'
                  AND d.drill_id = o.id AND d.place = r.place AND d.result = ''
            RETURNING d.result, r.again, r.refused)
           UPDATE ledger_drill o
              SET stopped = '', read = o.read + s.read, bad = o.bad + s.bad, refused = o.refused + s.refused,
                  read_again = o.read_again + s.again
             FROM (SELECT count(*) FILTER (WHERE NOT refused) AS read, count(*) FILTER (WHERE refused) AS refused,
                          count(*) FILTER (WHERE result <> 'whole' AND NOT refused) AS bad, count(*) FILTER (WHERE again) AS again
                     FROM seen) s
            WHERE o.id = %(drill)s AND s.read + s.refused > 0""",
        dict(zip(("places", "results", "details", "again", "refused"), columns(rows, 5), strict=True)) | {"drill": drill_id},
    )


def stop(drill_id: int, reason: str) -> None:
    """Keep why an attempt ended before everything was read. The drill stays open."""
    Drill.objects.filter(pk=drill_id, state=Drill.State.OPEN).update(stopped=reason)


@transaction.atomic
def finish(drill_id: int, now: datetime) -> Drill | None:
    """End a drill of which everything is read or refused, and return it with its bound; None if it is not open or something is left."""
    drill = Drill.objects.select_for_update().get(pk=drill_id)
    if drill.state != Drill.State.OPEN or drill.read + drill.refused != drill.drawn:
        return None
    drill.upper = sampling.most_damaged(drill.bad + drill.refused, drill.drawn, drill.population, Fraction(drill.confidence, MILLION))
    drill.state, drill.ended_at = Drill.State.FINISHED, now
    drill.save(update_fields=["upper", "state", "ended_at"])
    return drill


def leave(drill_id: int, now: datetime) -> bool:
    """End an open drill that nobody will finish; return whether it was open."""
    return bool(Drill.objects.filter(pk=drill_id, state=Drill.State.OPEN).update(state=Drill.State.LEFT, ended_at=now))


def of_bucket(bucket_id: int, limit: int) -> list[Drill]:
    """Return the drills of a bucket, the latest first."""
    return list(Drill.objects.filter(bucket_id=bucket_id).order_by("-started_at", "-pk")[:limit])


def last_finished(bucket_id: int) -> Drill | None:
    # A bucket has one open drill at a time, so the last one begun is the last one that ended, also if the clock was set back meanwhile.
    return Drill.objects.filter(bucket_id=bucket_id, state=Drill.State.FINISHED).order_by("-pk").first()


def bad_ones(drill_id: int, limit: int, targets: Sequence[int] | None = None) -> list[DrawnRecording]:
    """Return the recordings that a drill found damaged or missing, or that the store refuses, in the order of the draw; with
    `targets`, only of these."""
    found = DrawnRecording.objects.filter(drill_id=drill_id).exclude(result__in=["", DrawnRecording.WHOLE])
    if targets is not None:
        found = found.filter(copy__target_id__in=targets)
    return list(found.select_related("copy__recording", "copy__target__office").order_by("place")[:limit])


def _values(company_id: int, bucket_id: int, lot: Lot, now: datetime) -> dict[str, object]:
    return {"company": company_id, "bucket": bucket_id, "seed": lot.seed, "now": now}


def _population(values: dict[str, object]) -> int:
    return int(fetch(f"SELECT count(*) FROM ledger_copy c WHERE {_VERIFIED}", values)[0][0])  # noqa: S608 (a constant piece)
