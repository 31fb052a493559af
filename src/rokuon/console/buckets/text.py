"""Text of a bucket verification: its steps, the result and the advice (M5), from the report that is kept with the bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from rokuon.base import i18n
from rokuon.domain.failures import BucketClaimedByOther, BucketForbidden, StoreThrottled, StoreUnavailable, leaves
from rokuon.stores.registry import kind_of, sentence_of
from rokuon.stores.verification import SENTENCES, Advice, StepOutcome, VerificationStep

PASSING = {BucketForbidden.reason, StoreThrottled.reason, StoreUnavailable.reason}
"""Refusals that may end without any action: a new grant takes minutes to take effect everywhere."""

_FAILURES = {leaf.reason: leaf for leaf in leaves()}
_TOO_MUCH = {Advice.MAY_DELETE.value, Advice.MAY_UPDATE.value}


@dataclass(frozen=True, slots=True)
class StepSaid:
    """A step in words. `state` is verified, failed or none (not reached)."""

    sentence: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReportText:
    """A report in words. `headline` is the outcome in one sentence; `failure` says what is wrong and what to do, and `reason` is the code
    to quote. `missing` counts the recordings that were looked for and not found."""

    known: bool
    ok: bool
    headline: str
    steps: tuple[StepSaid, ...]
    advice: tuple[str, ...]
    failure: str = ""
    reason: str = ""
    detail: str = ""
    passes: bool = False
    missing: int = 0

    @property
    def refuses(self) -> bool:
        """Whether a right is missing. It may have been granted a moment ago."""
        return self.reason == BucketForbidden.reason

    @property
    def title(self) -> str:
        """The headline without the full stop at its end."""
        return self.headline.rstrip(".。")


def name_of(url: str) -> str:
    """Return a bucket's name without the scheme, or a folder's path."""
    return kind_of(url).name(url)


def said(url: str, report: Mapping[str, Any]) -> ReportText:
    """Return the report in words. An empty report means that the bucket was never verified."""
    name, missing = name_of(url), report.get("missing", 0)
    if not report:
        return ReportText(False, False, _("%(bucket)s was not verified yet.") % {"bucket": name}, (), ())
    done = {one["step"]: one["outcome"] for one in report["steps"]}
    steps = tuple(_step(step, done.get(step.value)) for step in VerificationStep)
    advice = [one for one in report["advice"] if one not in _TOO_MUCH]
    facts = {"longest_name": report.get("longest_name", 0)}
    sentences = tuple(i18n._(sentence_of(url, Advice(one))) % facts for one in advice)
    if report["ok"]:
        headline = _("Rokuon can write to %(bucket)s, read back what it wrote and list it.") % {"bucket": name}
        too_much = _TOO_MUCH & set(report["advice"])
        return ReportText(True, True, headline, steps, (*([_too_much()] if too_much else []), *sentences), missing=missing)
    reason = report["failure"]["reason"]
    headline = _("The verification of %(bucket)s did not succeed.") % {"bucket": name}
    detail = "" if reason == BucketClaimedByOther.reason else report["failure"]["detail"]
    passes = reason in PASSING and (reason != BucketForbidden.reason or kind_of(url).grants_arrive_late)
    return ReportText(True, False, headline, steps, sentences, advice_on(url, reason), reason, detail, passes, missing)


def _too_much() -> str:
    return _("It can also delete and overwrite: we recommend the roles Storage Object Creator and Storage Object Viewer instead.")


def advice_on(url: str, reason: str) -> str:
    """Return what is wrong with the bucket and what to do about it."""
    if reason == BucketForbidden.reason and (of_kind := kind_of(url).forbidden):
        return i18n._(of_kind)
    leaf = _FAILURES.get(reason)
    return i18n._(leaf.advice) if leaf is not None else reason


def _step(step: VerificationStep, outcome: str | None) -> StepSaid:
    sentence = i18n._(SENTENCES[step])
    if outcome is None:
        return StepSaid(sentence, "none", _("not reached"))
    if outcome == StepOutcome.FAILED:
        return StepSaid(sentence, "failed", _("failed"))
    return StepSaid(sentence, "verified", _("it was there already") if outcome == StepOutcome.FOUND else _("done"))
