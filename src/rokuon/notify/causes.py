"""Causes in a few words, for a subject or a heading. What to do about each is its class's advice (`domain.failures`)."""

from rokuon.domain.failures import N_
from rokuon.ops.i18n import _

IN_BRIEF = {
    "source_key_refused": N_("Dialpad refuses the API key"),
    "source_scope_missing": N_("the API key lacks a permission"),
    "source_tls_invalid": N_("Dialpad's certificate could not be verified"),
    "source_kind_denied": N_("Dialpad does not hand out recordings of one kind"),
    "source_throttled": N_("Dialpad asks to slow down"),
    "source_unavailable": N_("Dialpad could not be reached"),
    "source_away": N_("Dialpad has been away for long"),
    "source_request_refused": N_("Dialpad refused a request"),
    "source_not_found": N_("Dialpad does not know a contact center or coaching team"),
    "source_cursor_looped": N_("Dialpad's list repeats itself"),
    "source_answer_malformed": N_("Dialpad's answer could not be read"),
    "source_redirect_blocked": N_("a download was redirected to another host"),
    "source_url_refused": N_("the recording's address may not be opened"),
    "recording_not_ready": N_("the audio is not ready"),
    "recording_gone": N_("no longer at Dialpad"),
    "recording_forbidden": N_("Dialpad refuses the recording"),
    "recording_not_audio": N_("not MP3 audio"),
    "recording_empty": N_("an empty file"),
    "recording_truncated": N_("the audio ended early"),
    "recording_duration_differs": N_("the audio is not as long as Dialpad says"),
    "recording_unstable": N_("different audio each time"),
    "recording_encoded": N_("the audio arrived compressed"),
    "recording_too_large": N_("the recording is too large"),
    "recording_too_slow": N_("the download stalled"),
    "recording_details_missing": N_("Dialpad lists no recording"),
    "bucket_missing": N_("the bucket does not exist"),
    "bucket_forbidden": N_("the bucket cannot be written to"),
    "bucket_credential_refused": N_("the store refuses the credential"),
    "bucket_billing": N_("the store refuses because of billing"),
    "bucket_full": N_("the store has no space left"),
    "bucket_unusable": N_("the folder cannot be used"),
    "bucket_unmarked": N_("Rokuon's marker is gone from the bucket"),
    "bucket_claimed_by_other": N_("the bucket belongs to another company"),
    "store_throttled": N_("the store asks to slow down"),
    "store_unavailable": N_("the store could not be reached"),
    "object_exists": N_("an object of this name exists"),
    "object_missing": N_("the object is gone from the bucket"),
    "object_occupied": N_("another file has the name in the bucket"),
    "object_differs": N_("the store kept different bytes"),
    "checksum_refused": N_("the bytes were damaged on the way"),
    "object_name_refused": N_("the store does not accept the object's name"),
    "spool_unusable": N_("the spool folder cannot be used"),
    "internal_fault": N_("something inside Rokuon failed"),
    "configuration": N_("a setting is wrong"),
}


def in_brief(reason: str) -> str:
    """The cause as part of a sentence, without a full stop, in the language of `ops.i18n`; "" where there is no cause. The reason code
    itself where this version has no words for it."""
    return _(IN_BRIEF[reason]) if reason in IN_BRIEF else reason
