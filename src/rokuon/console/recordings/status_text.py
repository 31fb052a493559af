"""Status badge, explanation and advice for a copy. On these pages only this module turns reason codes into sentences."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rokuon.base import i18n
from rokuon.domain.failures import InternalFault, by_reason
from rokuon.ledger import bucket_change, exclude, holds
from rokuon.ledger.models import Copy, Hold

WEAKER_PROOFS = {
    "read_twice": gettext_noop("Verified by reading twice"),
    "read_apart": gettext_noop("Verified by two reads some time apart"),
    "accepted": gettext_noop("In the bucket without a proof, accepted by a person"),
}
"""Additional options of the filter: verified by a weaker proof (row S10)."""

_SET_ASIDE = {
    exclude.RULE_DISABLED: gettext_noop("Its backup rule is disabled. It is backed up when the rule is enabled again."),
    exclude.KIND_NOT_CHOSEN: gettext_noop("Recordings of this kind are not chosen for backup. It is backed up when the kind is chosen."),
    exclude.EXPIRED_BY_BUCKET_RULE: gettext_noop(
        "It was backed up, and the bucket's own rule deleted it at its age. It is not copied again."
    ),
    exclude.RUN_CANCELLED: gettext_noop("The run that was to copy it was cancelled. The next Back up now takes it up again."),
    bucket_change.BUCKET_CHANGED: gettext_noop(
        "Another bucket was chosen before it was copied. The recording has its own line for that bucket."
    ),
}


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """The status of a copy. `badge` is a state of the design layer. `why` is the first sentence, `sentence` the whole explanation; "" if
    there is nothing to explain. `code` is the reason code to quote."""

    badge: str
    why: str = ""
    sentence: str = ""
    code: str = ""


def of(copy: Copy, held: Collection[Hold]) -> CopyStatus:
    """Return the status of a copy. `held` are the company's open holds."""
    if copy.state == Copy.State.PENDING:
        return _pending(copy, held)
    if copy.proof == Copy.Proof.ACCEPTED and copy.state == Copy.State.VERIFIED:
        return CopyStatus("verified", _(WEAKER_PROOFS["accepted"]))
    return _said(copy.state, copy.reason)


def sentence(reason: str) -> str:
    """Return the cause and the advice for a reason code."""
    if reason in _SET_ASIDE:
        return _(_SET_ASIDE[reason])
    return i18n._((by_reason(reason) if reason else InternalFault).advice)


def why(reason: str) -> str:
    """Return only the first sentence, without its full stop."""
    whole = sentence(reason)
    for stop in (". ", "。"):
        whole = whole.partition(stop)[0]
    return whole.rstrip(".")


def _pending(copy: Copy, held: Collection[Hold]) -> CopyStatus:
    hold = holds.of(copy, held)
    if hold is not None:
        return _said("held", hold.reason)
    if copy.reason:
        return _said("waiting", copy.reason)
    return CopyStatus("pending", _("Not tried yet"))


def _said(badge: str, reason: str) -> CopyStatus:
    return CopyStatus(badge, why(reason), sentence(reason), reason) if reason else CopyStatus(badge)
