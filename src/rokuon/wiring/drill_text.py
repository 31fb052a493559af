"""A restore drill in words: what was read, and what that proves and does not prove."""

from decimal import ROUND_CEILING, Decimal

from rokuon.base.i18n import _, ngettext
from rokuon.base.measures import number
from rokuon.domain import sampling
from rokuon.ledger.drill_models import Drill


def percent(millionths: int) -> str:
    """Format a share in percent, exactly."""
    return f"{(Decimal(millionths) / 10_000).normalize():f} %"


def percent_at_most(millionths: int) -> str:
    """Format an upper bound in percent, rounded up: to hundredths, and below 0.1 to ten thousandths."""
    share = Decimal(millionths) / 10_000
    step = Decimal("0.01") if share >= Decimal("0.1") else Decimal("0.0001")
    return f"{share.quantize(step, ROUND_CEILING).normalize():f} %"


def sentences(drill: Drill) -> list[str]:
    """Return what the drill says: how many were read, how many of them were bad, and the statement about all of them, if it is finished."""
    counts = {"read": number(drill.read), "drawn": number(drill.drawn), "of": number(drill.population), "bad": number(drill.bad)}
    refused = _refused(drill)
    if drill.state != Drill.State.FINISHED:
        said = [
            _("%(read)s of the %(drawn)s recordings that were drawn by lot out of %(of)s have been read back.") % counts,
            *_found_bad(drill, counts),
            *refused,
        ]
        return [*said, _("This drill was not finished, so it states nothing about the others.")]
    said = [
        _("%(read)s of %(of)s recordings were read back, drawn by lot.") % counts,
        *(_found_bad(drill, counts) or ([] if refused else [_("All of them were whole.")])),
        *refused,
    ]
    if drill.drawn == drill.population:
        return [*said, _("No other recordings were verified in the bucket when the drill began.")]
    return [*said, _statement(drill), _("A sample cannot prove that not a single recording is damaged.")]


def _found_bad(drill: Drill, counts: dict[str, str]) -> list[str]:
    if not drill.bad:
        return []
    return [ngettext("%(bad)s of them was damaged or missing.", "%(bad)s of them were damaged or missing.", drill.bad) % counts]


def _refused(drill: Drill) -> list[str]:
    if not drill.refused:
        return []
    return [
        ngettext(
            "%(refused)s recording that was drawn could not be read, because the store refuses it: nothing is known of it.",
            "%(refused)s recordings that were drawn could not be read, because the store refuses them: nothing is known of them.",
            drill.refused,
        )
        % {"refused": number(drill.refused)}
    ]


def _statement(drill: Drill) -> str:
    sure = percent(drill.confidence)
    if not drill.bad and not drill.refused:
        return _("With %(sure)s confidence fewer than %(share)s are damaged.") % {"sure": sure, "share": percent(drill.damaged_below)}
    share = percent_at_most(sampling.millionths(drill.upper or 0, drill.population))
    if drill.refused:
        return _("With %(sure)s confidence at most %(share)s are damaged, missing or cannot be read.") % {"sure": sure, "share": share}
    return _("With %(sure)s confidence at most %(share)s are damaged or missing.") % {"sure": sure, "share": share}
