"""Holds (circuit breakers): open once, probe with backoff, lift. While a hold is open, the copies that it names wait without using up
attempts."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from rokuon.domain.failures import BucketAway, BucketUnusable, HoldOn, SourceAway
from rokuon.domain.retry import AWAY_PROBE_S, PROBE_S, probe_delay

from .models import Copy, Hold
from .sql import NAMED_BY_HOLD, STOPPED_BY_HOLD, STOPPED_BY_PAUSE, execute, fetch

AWAY = [SourceAway.reason, BucketAway.reason, BucketUnusable.reason]
"""These causes may end without a person's action, so their probes are more frequent; probing a disk that reports errors is cheap too."""


def open_hold(company_id: int, on: HoldOn, ref: str, reason: str, detail: str, now: datetime) -> bool:
    """Open a hold. Return False if it was open already, so that its cause is notified once."""
    return bool(
        execute(
            """INSERT INTO ledger_hold ("on", company_id, ref, reason, detail, since, probe_at, probes)
               VALUES (%s, %s, %s, %s, %s, %s, %s, 0)
                   ON CONFLICT (company_id, "on", ref) WHERE lifted_at IS NULL DO NOTHING""",
            [on.value, company_id, ref, reason, detail[:500], now, now + timedelta(seconds=probe_delay(0))],
        )
    )


def open_holds(company_id: int) -> Sequence[Hold]:
    return list(Hold.objects.filter(company_id=company_id, lifted_at=None).order_by("since"))


def is_open(company_id: int, on: HoldOn, ref: str, reason: str) -> bool:
    """Whether a hold for this reason is open."""
    return Hold.objects.filter(company_id=company_id, on=on.value, ref=ref, lifted_at=None, reason=reason).exists()


def of(copy: Copy, held: Iterable[Hold]) -> Hold | None:
    """Return the first of these open holds that stops this copy. `copy.recording` is loaded."""
    for hold in held:
        if hold.on == HoldOn.SOURCE or hold.ref == (copy.recording.kind if hold.on == HoldOn.KIND else str(copy.bucket_id)):
            return hold
    return None


def due_probes(now: datetime) -> list[tuple[int, int]]:
    """Return (company, hold) of the open holds whose probe is due, and set their next time, so that two ticks do not take the same one."""
    due = fetch(
        """UPDATE ledger_hold
              SET probes = probes + 1,
                  probe_at = %s + make_interval(secs => (%s::int[])[LEAST(probes + 2, CASE WHEN reason = ANY(%s) THEN %s ELSE %s END)])
            WHERE lifted_at IS NULL AND probe_at <= %s RETURNING company_id, id""",
        [now, list(PROBE_S), AWAY, len(AWAY_PROBE_S), len(PROBE_S), now],
    )
    return [(company_id, hold_id) for company_id, hold_id in due]


@transaction.atomic
def lift(company_id: int, on: HoldOn, ref: str, now: datetime) -> Hold | None:
    """Lift a hold, because its cause is gone, and count the copies that this releases. Return None if no such hold was open."""
    hold = Hold.objects.select_for_update().filter(company_id=company_id, on=on.value, ref=ref, lifted_at=None).first()
    if hold is None:
        return None
    hold.lifted_at = now
    hold.save(update_fields=["lifted_at"])
    hold.released = _released(hold)
    hold.save(update_fields=["released"])
    return hold


def _released(hold: Hold) -> int:
    """Count the pending copies that this hold named and that no other hold and no pause stops."""
    ((copies,),) = fetch(
        f"""SELECT count(*)
              FROM ledger_hold h JOIN ledger_copy c ON c.company_id = h.company_id JOIN ledger_recording r ON r.id = c.recording_id
             WHERE h.id = %s AND c.state = 'pending' AND {NAMED_BY_HOLD}
               AND NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE})""",  # noqa: S608 (constant pieces)
        [hold.pk],
    )
    return int(copies)


def latest(company_id: int, on: HoldOn) -> dict[str, Hold]:
    """Return the latest hold on each resource of this sort, open or lifted, by its `ref`."""
    found = Hold.objects.filter(company_id=company_id, on=on.value).order_by("ref", "-since", "-pk").distinct("ref")
    return {hold.ref: hold for hold in found}


def lifted_since(company_id: int, since: datetime) -> list[Hold]:
    """Return the holds that were lifted at or after this time, the last one first; of each resource only the latest, if it is lifted."""
    found = [hold for on in HoldOn for hold in latest(company_id, on).values() if hold.lifted_at is not None and hold.lifted_at >= since]
    return sorted(found, key=lambda hold: (hold.lifted_at or since, hold.pk), reverse=True)


def released(company_id: int, lifted_at: datetime) -> int | None:
    """Count the copies released by the holds that were lifted at exactly this time; None if none was."""
    found = Hold.objects.filter(company_id=company_id, lifted_at=lifted_at).values_list("released", flat=True)
    return sum(one or 0 for one in found) if found else None
