"""What a reason code says to a person: why copies are in a state, and what to do about it."""

from rokuon.domain.failures import N_, by_reason
from rokuon.ledger import exclude, move
from rokuon.ops.i18n import _

SET_ASIDE = {
    exclude.RULE_DISABLED: N_("The backup rule was switched off. Switching it on takes these recordings back."),
    exclude.KIND_NOT_CHOSEN: N_("Voicemail is not backed up in this company. A company admin can choose it in the settings."),
    exclude.RUN_CANCELLED: N_("The run was cancelled before their turn. The next Back up now takes them back."),
    move.BUCKET_CHANGED: N_("The bucket was changed before these were stored. They are backed up to the new bucket instead."),
}
"""Reasons that are no failures: somebody wanted it so."""


def in_words(reason: str) -> str:
    return _(SET_ASIDE.get(reason) or by_reason(reason).advice)
