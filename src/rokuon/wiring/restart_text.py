"""Texts on starting a bucket again, and on its result, for the command and the page."""

from rokuon.base.i18n import _, ngettext


def meaning(verified: int, looked_for: int, missing: int) -> list[str]:
    """Return what starting the bucket again means. `verified` recordings are in the ledger; of the `looked_for` that were looked for,
    `missing` are not in the bucket."""
    said = []
    if verified:
        said.append(
            ngettext(
                "%(count)d recording counts as verified in this bucket.",
                "%(count)d recordings count as verified in this bucket.",
                verified,
            )
            % {"count": verified}
        )
        said.append(
            _("Rokuon looked for the newest, the oldest and some that were drawn by lot: %(missing)d of %(count)d are not there.")
            % {"missing": missing, "count": looked_for}
        )
    else:
        said.append(_("No recording counts as verified in this bucket."))
    if missing:
        said.append(_("This is another bucket, or it was emptied in whole or in part."))
    said += [
        _("Starting it again marks it as this company's bucket and looks for each of these recordings."),
        _(
            "Those that are not there count as failed from then on: they can be copied again while Dialpad has them, or be closed with a "
            "note that says where they are kept."
        ),
        _("If only its disk is not mounted, do not start it again: mount the disk and verify the bucket."),
    ]
    return said


def outcome(verified: int, missing: int) -> str:
    return ngettext(
        "Of %(count)d recording that counted as verified, %(missing)d is not there and counts as failed now.",
        "Of %(count)d recordings that counted as verified, %(missing)d are not there and count as failed now.",
        verified,
    ) % {"count": verified, "missing": missing}
