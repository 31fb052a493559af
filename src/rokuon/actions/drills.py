"""Begin and end a restore drill, with entries in the audit log."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from rokuon.accounts.audit import Actor
from rokuon.base.i18n import _
from rokuon.base.measures import amount
from rokuon.domain.failures import ConfigError
from rokuon.ledger import drills
from rokuon.ledger.drill_models import MILLION, Drill
from rokuon.ledger.drills import Lot
from rokuon.org.models import Bucket

from ._shared import record


def begin_drill(bucket: Bucket, lot: Lot, most_bytes: int | None, actor: Actor, now: datetime) -> Drill:
    """Draw the sample. Nothing of the bucket is read. Raises ConfigError if the bucket has no verified recording or an open drill, or if
    the sample has more than `most_bytes`."""
    try:
        with transaction.atomic():
            drill = drills.begin(bucket.company_id, bucket.pk, lot, actor.name, now)
            require_any(bucket, drill.drawn)
            require_within(drill.bytes, most_bytes)
            _record(actor, "drill.start", drill, bucket, now, {"drawn": drill.drawn, "of": drill.population, "seed": drill.seed})
            return drill
    except IntegrityError:
        raise ConfigError(_("This bucket has a drill that is not finished. Repeat the command to continue it.")) from None


@transaction.atomic
def begin_afresh(bucket: Bucket, unfinished: Drill, lot: Lot, most_bytes: int | None, actor: Actor, now: datetime) -> Drill:
    """End a drill that nobody will finish and draw the sample of another: both, or neither if the other cannot begin. Raises what
    `begin_drill` raises."""
    if drills.leave(unfinished.pk, now):
        counts = {"read": unfinished.read, "drawn": unfinished.drawn, "bad": unfinished.bad}
        _record(actor, "drill.leave", unfinished, bucket, now, counts)
    return begin_drill(bucket, lot, most_bytes, actor, now)


def require_any(bucket: Bucket, drawn: int) -> None:
    """Raises ConfigError if there is nothing to read."""
    if not drawn:
        raise ConfigError(_("There is no verified recording in %(url)s to read. Back up first.") % {"url": bucket.url})


def require_within(size: int, most_bytes: int | None) -> None:
    """Raises ConfigError if the sample is larger than the person allows."""
    if most_bytes is not None and size > most_bytes:
        raise ConfigError(
            _(
                "There are %(size)s to read, more than the %(most)s that --most-gib allows. None of it was read. Allow more, "
                "or ask for a lower --confidence or a larger --damaged-below; if a drill is not finished, with --afresh."
            )
            % {"size": amount(size), "most": amount(most_bytes)}
        )


@transaction.atomic
def end_drill(bucket: Bucket, drill: Drill, actor: Actor, now: datetime) -> Drill | None:
    """End a drill of which everything is read; None if something is unread, or if it has ended before."""
    ended = drills.finish(drill.pk, now)
    if ended is not None:
        _record(
            actor, "drill.end", ended, bucket, now, {"read": ended.read, "bad": ended.bad, "refused": ended.refused, "upper": ended.upper}
        )
    return ended


def _record(actor: Actor, action: str, drill: Drill, bucket: Bucket, now: datetime, after: dict[str, Any]) -> None:
    asked = {"confidence": drill.confidence * 100 / MILLION, "damaged_below": drill.damaged_below * 100 / MILLION}
    record(actor, action, bucket.company, now, ("bucket", bucket.pk, bucket.url), {"drill": drill.pk, **asked, **after})
