"""Shared sentences for an incomplete backup: why a command ends with exit code 1, and which command shows more."""

from rokuon.base.i18n import _
from rokuon.domain.failures import RecordingGone

from . import output


def failed(recordings: int) -> list[str]:
    """Return the sentence about failed recordings that nobody has closed."""
    told = {"recordings": output.recordings(recordings)}
    return [_("Failed: %(recordings)s. `rokuon failures` says why and what to do.") % told] if recordings else []


def gone(recordings: int) -> list[str]:
    """Return the sentence about gone recordings that nobody has closed."""
    if not recordings:
        return []
    sentence = _(
        "Lost at Dialpad: %(recordings)s. `rokuon failures --list --state gone` names them. What is restored there: "
        "`rokuon retry --reason %(reason)s --gone`. What is lost: `rokuon close --reason %(reason)s --note TEXT`."
    )
    return [sentence % {"recordings": output.recordings(recordings), "reason": RecordingGone.reason}]


def waiting(recordings: int) -> list[str]:
    if not recordings:
        return []
    sentence = _("Pending: %(recordings)s. A worker tries again automatically; `rokuon failures --list --state pending` says when.")
    return [sentence % {"recordings": output.recordings(recordings)}]


def closed(recordings: int) -> list[str]:
    told = {"recordings": output.recordings(recordings)}
    return [_("Not in the bucket, and closed with a note: %(recordings)s.") % told] if recordings else []


def not_known(lacks: object) -> list[str]:
    """Return the sentence about unknown days or entries (if `lacks` is true); the command names them separately."""
    return [_("Which days and entries are not known, and what to do: `rokuon failures`.")] if lacks else []
