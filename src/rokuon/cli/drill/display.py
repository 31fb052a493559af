"""What `rokuon drill` prints: the cost before anything is read, the result, and the same as JSON."""

from typing import Any

from rokuon.base.i18n import _, join_sentences
from rokuon.cli.support import output
from rokuon.domain.failures import ObjectMissing, RokuonError, by_reason
from rokuon.ledger.drill_models import MILLION, DrawnRecording, Drill
from rokuon.ledger.drills import DrawnSample, Lot
from rokuon.org.models import Bucket
from rokuon.stores.registry import kind_of
from rokuon.wiring import drill_text
from rokuon.wiring.drill import Restored

LISTED = 50


def show_cost(bucket: Bucket, lot: Lot, sample: DrawnSample) -> None:
    """Print what a drill will read. `sample.drawn` and `sample.bytes` are what is left of one that is continued."""
    output.table(
        [_("Restore drill"), ""],
        [
            [_("Bucket"), bucket.url],
            [_("Verified recordings"), output.number(sample.population)],
            [_("To read"), output.number(sample.drawn)],
            [_("Size"), output.amount(sample.bytes)],
            [_("Confidence"), drill_text.percent(lot.confidence)],
            [_("Damaged: fewer than"), drill_text.percent(lot.damaged_below)],
            [_("Seed"), lot.seed],
        ],
    )
    if kind_of(bucket.url).takes_credential:
        output.say(
            _(
                "Reading costs money where it leaves the provider's network or the bucket's region, and in the classes Nearline, Coldline "
                "and Archive. Under Autoclass, a recording that is read moves back to Standard."
            )
        )


def show(drill: Drill, bad: list[DrawnRecording], restored: Restored | None) -> None:
    output.say(join_sentences(*drill_text.sentences(drill)))
    output.say(_("Seed: %(seed)s") % {"seed": drill.seed})
    if bad:
        output.table(
            [_("Cause"), _("Target"), _("Call id"), _("Recording id"), _("Path")],
            [
                [one.result, one.copy.target.name, one.copy.recording.call_id, one.copy.recording.recording_id, one.copy.key]
                for one in bad[:LISTED]
            ],
        )
        for reason in sorted({one.result for one in bad}):
            output.say(f"{reason}: {_(by_reason(reason).advice)}")
    if any(one.result == ObjectMissing.reason for one in bad):
        output.say(
            _("`rokuon bucket restart %(url)s` says what it means to look for every recording of the bucket and to retry what is missing.")
            % {"url": drill.bucket.url}
        )
    if len(bad) > LISTED:
        output.say(_("The first %(listed)s are listed; --json lists up to 1,000.") % {"listed": output.number(LISTED)})
    if restored is not None:
        output.say(_("Written to %(folder)s: %(count)s.") % {"folder": restored.folder, "count": output.recordings(restored.written)})
        for key in restored.others:
            output.say(_("Not written, because another file has this name there: %(path)s") % {"path": key})


def planned_json(bucket: Bucket, lot: Lot, sample: DrawnSample) -> dict[str, Any]:
    return {"bucket": bucket.url, **_asked(lot), "population": sample.population, "to_read": sample.drawn, "bytes": sample.bytes}


def as_json(
    bucket: Bucket, drill: Drill, bad: list[DrawnRecording], restored: Restored | None, stopped: RokuonError | None
) -> dict[str, Any]:
    return {
        "bucket": bucket.url,
        "id": drill.pk,
        "state": drill.state,
        **_asked(Lot(drill.seed, drill.confidence, drill.damaged_below)),
        "population": drill.population,
        "drawn": drill.drawn,
        "bytes": drill.bytes,
        "read": drill.read,
        "bad": drill.bad,
        "refused": drill.refused,
        "read_again": drill.read_again,
        "at_most_damaged": drill.upper,
        "stopped": {"reason": stopped.reason, "detail": stopped.detail} if stopped is not None else None,
        "started_at": drill.started_at,
        "ended_at": drill.ended_at,
        "says": drill_text.sentences(drill),
        "bad_recordings": [
            {
                "id": one.copy_id,
                "target": one.copy.target.name,
                "call_id": one.copy.recording.call_id,
                "recording_id": one.copy.recording.recording_id,
                "path": one.copy.key,
                "reason": one.result,
                "detail": one.detail,
            }
            for one in bad
        ],
        "restored": (
            {"folder": str(restored.folder), "written": restored.written, "not_written": restored.others} if restored is not None else None
        ),
    }


def _asked(lot: Lot) -> dict[str, Any]:
    return {
        "seed": lot.seed,
        "confidence_percent": lot.confidence * 100 / MILLION,
        "damaged_below_percent": lot.damaged_below * 100 / MILLION,
    }
