"""Texts for reason codes: why copies are in a state, and what to do about it."""

from rokuon.base.i18n import _
from rokuon.domain.failures import N_, RecordingDetailsMissing, by_reason
from rokuon.ledger.next_try import QUEUED

from . import bucket_change, exclude

SET_ASIDE = {
    exclude.RULE_DISABLED: N_("The backup rule was disabled. Enabling it includes these recordings again."),
    exclude.KIND_NOT_CHOSEN: N_("Voicemail is not backed up in this company. A company admin can choose it in the settings."),
    exclude.RUN_CANCELLED: N_("The run was cancelled before their turn. The next Back up now takes them back."),
    exclude.EXPIRED_BY_BUCKET_RULE: N_("The bucket's own rule deleted them at their age. They are not copied again."),
    bucket_change.BUCKET_CHANGED: N_("The bucket was changed before these were stored. They are backed up to the new bucket instead."),
}
"""Reasons that are not failures, because a person chose them."""


_QUEUED = N_("Their turn has not come yet. A worker takes them automatically.")


def in_words(reason: str) -> str:
    if reason in ("", QUEUED):
        return _(_QUEUED)
    return _(SET_ASIDE.get(reason) or by_reason(reason).advice)


def unnamed_in_words(*, listed: bool) -> str:
    """Return the text for recorded calls without a listed recording. `listed`: other recordings are listed with the API key."""
    return _(RecordingDetailsMissing.advice if listed else RecordingDetailsMissing.advice_for_key)
