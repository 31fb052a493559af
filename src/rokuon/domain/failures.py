"""Everything that can go wrong, as one tree of exceptions.

    RokuonError
      SourceError        the Dialpad side
      StoreError         the bucket side
      LedgerError        our own record
      ConfigError        what a person set; the command line answers with exit code 2

A leaf class carries a stable reason code, a decision, who is told, and one English sentence on what to do (a gettext message).
Adapters translate at their border; whoever catches one decides by the class's attributes and never by its text.
`detail` may hold a status, a host, a number: never a name, a URL path, a key.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar


def N_(message: str) -> str:
    return message


class Decision(StrEnum):
    """What happens to a copy: tried again after a time, set aside for good, or waiting until a hold lifts."""

    AFTER = "after"
    NEVER = "never"
    HOLD = "hold"


class Tell(StrEnum):
    NOBODY = "nobody"
    OFFICE = "office"
    COMPANY = "company"
    OPERATOR = "operator"


class HoldOn(StrEnum):
    """What a hold stops: as narrow as its cause."""

    SOURCE = "source"
    KIND = "kind"
    BUCKET = "bucket"


class RokuonError(Exception):
    """`retry_after` is in seconds, where the other side named a time. `spends` says whether the try counts as an attempt."""

    reason: ClassVar[str] = ""
    decision: ClassVar[Decision] = Decision.NEVER
    tell: ClassVar[Tell] = Tell.COMPANY
    hold_on: ClassVar[HoldOn | None] = None
    spends: ClassVar[bool] = True
    advice: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


# --- source -----------------------------------------------------------------------------------------------------------


class SourceError(RokuonError):
    pass


class SourceKeyRefused(SourceError):
    reason = "source_key_refused"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    advice = N_("Dialpad refuses the API key. Enter a current company-admin key; waiting recordings then go on by themselves.")


class SourceScopeMissing(SourceError):
    reason = "source_scope_missing"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    advice = N_("The API key lacks a permission. Give it the scopes calls:list and recordings_export in Dialpad's API key settings.")


class SourceTlsInvalid(SourceError):
    reason = "source_tls_invalid"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    tell = Tell.OPERATOR
    advice = N_("Dialpad's certificate could not be verified. Check this machine's clock, its certificates and any proxy in between.")


class SourceKindDenied(SourceError):
    """A login page or redirect where audio was expected, while listing works (docs/design/dialpad.md section 3)."""

    reason = "source_kind_denied"
    decision = Decision.HOLD
    hold_on = HoldOn.KIND
    spends = False
    advice = N_(
        "Dialpad asks for a login instead of handing out recordings of this kind. Ask Dialpad support to enable export for the API key."
    )


class SourceThrottled(SourceError):
    reason = "source_throttled"
    decision = Decision.AFTER
    spends = False
    tell = Tell.NOBODY
    advice = N_("Dialpad asked to slow down. Rokuon waits and goes on by itself; lower the request budget if this happens often.")


class SourceUnavailable(SourceError):
    reason = "source_unavailable"
    decision = Decision.AFTER
    tell = Tell.NOBODY
    advice = N_("Dialpad could not be reached or answered with an error. Rokuon tries again by itself.")


class SourceAway(SourceError):
    """An outage: SourceUnavailable again and again, also for a page of the list (row S8)."""

    reason = "source_away"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    tell = Tell.OPERATOR
    advice = N_(
        "Dialpad has not answered for several minutes. Rokuon asks again every five minutes and goes on by itself; if Dialpad works in "
        "a browser, check this machine's network."
    )


class SourceRequestRefused(SourceError):
    """A 400: the same request would be refused again."""

    reason = "source_request_refused"
    advice = N_("Dialpad refused the request as invalid. Check the time range, then report this with the reason code.")


class SourceNotFound(SourceError):
    """A 404 or 410 on something that is not a recording."""

    reason = "source_not_found"
    advice = N_("Dialpad does not know this office, contact center or coaching team. Run a directory sync and try again.")


class SourceCursorLooped(SourceError):
    reason = "source_cursor_looped"
    decision = Decision.AFTER
    tell = Tell.OPERATOR
    advice = N_("Dialpad's list repeats itself instead of ending. Rokuon starts the list again; report this if it stays.")


class SourceAnswerMalformed(SourceError):
    reason = "source_answer_malformed"
    decision = Decision.AFTER
    tell = Tell.OPERATOR
    advice = N_("Dialpad's answer could not be read. Rokuon tries again by itself; report this if it stays.")


class SourceRedirectBlocked(SourceError):
    reason = "source_redirect_blocked"
    advice = N_("Dialpad redirected the download to a host that is not allowed. If the host named is Dialpad's, allow it and retry.")


class SourceUrlRefused(SourceError):
    reason = "source_url_refused"
    advice = N_("The recording's address is not one that Rokuon may open. Report this with the reason code.")


class RecordingNotReady(SourceError):
    """A 404 on a recording that was just listed: it may appear later."""

    reason = "recording_not_ready"
    decision = Decision.AFTER
    tell = Tell.NOBODY
    advice = N_("Dialpad lists the recording but does not have the audio yet. Rokuon asks again for 24 hours.")


class RecordingGone(SourceError):
    reason = "recording_gone"
    tell = Tell.OFFICE
    advice = N_("Dialpad no longer has this recording. Nothing can be copied; retry if it was restored.")


class RecordingForbidden(SourceError):
    reason = "recording_forbidden"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("Dialpad refuses this one recording. Check in Dialpad who may access it, then retry.")


class RecordingNotAudio(SourceError):
    reason = "recording_not_audio"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("Dialpad sent something that is not MP3 audio. Play the recording in Dialpad; if it plays there, retry.")


class RecordingEmpty(SourceError):
    reason = "recording_empty"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("Dialpad sent an empty file. Play the recording in Dialpad; if it plays there, retry.")


class RecordingTruncated(SourceError):
    reason = "recording_truncated"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("The audio ended early. Rokuon tries again by itself; if it stays, play the recording in Dialpad.")


class RecordingDurationDiffers(SourceError):
    reason = "recording_duration_differs"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("The audio is not as long as Dialpad says. Play the recording in Dialpad and compare its length, then retry.")


class RecordingUnstable(SourceError):
    """No length was announced and two reads were not the same."""

    reason = "recording_unstable"
    decision = Decision.AFTER
    tell = Tell.OFFICE
    advice = N_("Dialpad sent different audio each time. Rokuon tries again by itself; if it stays, play the recording in Dialpad.")


class RecordingEncoded(SourceError):
    reason = "recording_encoded"
    decision = Decision.AFTER
    tell = Tell.OPERATOR
    advice = N_("The audio arrived compressed although Rokuon asked for it plain. Check for a proxy between Rokuon and Dialpad.")


class RecordingTooLarge(SourceError):
    reason = "recording_too_large"
    tell = Tell.OPERATOR
    advice = N_("The recording is larger than this installation accepts. Raise ROKUON_MAX_RECORDING_BYTES and retry.")


class RecordingTooSlow(SourceError):
    reason = "recording_too_slow"
    decision = Decision.AFTER
    tell = Tell.NOBODY
    advice = N_("The download stalled. Rokuon tries again by itself; check the network if it stays.")


class RecordingDetailsMissing(SourceError):
    reason = "recording_details_missing"
    decision = Decision.AFTER
    advice = N_("Dialpad says the call was recorded but lists no recording. Check that the API key has the scope recordings_export.")


# --- store ------------------------------------------------------------------------------------------------------------


class StoreError(RokuonError):
    pass


class BucketMissing(StoreError):
    reason = "bucket_missing"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    advice = N_("The bucket does not exist. Create it or correct its name; Rokuon never creates buckets.")


class BucketForbidden(StoreError):
    reason = "bucket_forbidden"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    advice = N_("The bucket refuses Rokuon. Grant its principal Storage Object User, or Object Creator and Object Viewer, on the bucket.")


class BucketCredentialRefused(StoreError):
    reason = "bucket_credential_refused"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    advice = N_("The store refuses the credential. Enter a current one for this bucket.")


class BucketBilling(StoreError):
    reason = "bucket_billing"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    advice = N_("The store refuses because of billing. Check the billing account of the bucket's project.")


class BucketFull(StoreError):
    reason = "bucket_full"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    tell = Tell.OPERATOR
    advice = N_("The store has no space left. Free some space; waiting recordings then go on by themselves.")


class BucketUnusable(StoreError):
    """A local root that is a file, read-only, or whose disk reports an error."""

    reason = "bucket_unusable"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    tell = Tell.OPERATOR
    advice = N_("The folder cannot be used. Check that it is a folder, that it is writable, and that its disk is healthy.")


class BucketUnmarked(StoreError):
    """The marker that verification wrote is gone: an emptied or re-created bucket, or a folder whose disk is not mounted."""

    reason = "bucket_unmarked"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    tell = Tell.OPERATOR
    advice = N_(
        "Rokuon's marker is gone: the bucket was emptied or replaced, or its disk is not mounted. Check that, then verify the bucket."
    )


class BucketClaimedByOther(StoreError):
    reason = "bucket_claimed_by_other"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    advice = N_("The bucket already belongs to another company. Choose a bucket of your own.")


class StoreThrottled(StoreError):
    reason = "store_throttled"
    decision = Decision.AFTER
    spends = False
    tell = Tell.NOBODY
    advice = N_("The store asked to slow down. Rokuon waits and goes on by itself.")


class StoreUnavailable(StoreError):
    """Also a lost answer: the object may or may not be there, so the caller reconciles."""

    reason = "store_unavailable"
    decision = Decision.AFTER
    tell = Tell.NOBODY
    advice = N_("The store could not be reached or answered with an error. Rokuon tries again by itself.")


class ObjectExists(StoreError):
    """The create-only write was refused: an object of that name is there, ours or not. Leads to a reconcile, never to a screen."""

    reason = "object_exists"
    decision = Decision.AFTER
    tell = Tell.NOBODY
    advice = N_("An object of this name is already in the bucket. Rokuon compares it with the recording.")


class ObjectMissing(StoreError):
    reason = "object_missing"
    advice = N_("The object is no longer in the bucket. Find out who removed it; retry copies the recording again while Dialpad has it.")


class ObjectOccupied(StoreError):
    reason = "object_occupied"
    tell = Tell.OFFICE
    advice = N_("Another file already has this name in the bucket. Rokuon never overwrites: move that file away, then retry.")


class ObjectDiffers(StoreError):
    """The store says that it holds something else than was sent."""

    reason = "object_differs"
    advice = N_("The store kept different bytes than Rokuon sent. Keep the object for examination, check the store, then retry.")


class ChecksumRefused(StoreError):
    reason = "checksum_refused"
    decision = Decision.AFTER
    tell = Tell.OPERATOR
    advice = N_("The bytes were damaged on the way to the store. Rokuon sends them again; check the network and memory if it stays.")


class ObjectNameRefused(StoreError):
    reason = "object_name_refused"
    tell = Tell.OPERATOR
    advice = N_("The store does not accept the object's name. Report this with the reason code.")


# --- ledger and engine ------------------------------------------------------------------------------------------------


class LedgerError(RokuonError):
    pass


class SpoolUnusable(LedgerError):
    """The folder for recordings too large for memory is full or cannot be written."""

    reason = "spool_unusable"
    decision = Decision.AFTER
    spends = False
    tell = Tell.OPERATOR
    advice = N_("Rokuon's spool folder is full or cannot be written. Free some space there, or set ROKUON_SPOOL_DIR to another disk.")


class InternalFault(LedgerError):
    reason = "internal_fault"
    tell = Tell.OPERATOR
    advice = N_("Something inside Rokuon failed. Report this with the trace id from the log; the recording can be retried.")


# --- what a person set ------------------------------------------------------------------------------------------------


class ConfigError(RokuonError):
    """`detail` is a whole sentence for the person at the keyboard, already in their language."""

    reason = "configuration"
    tell = Tell.OPERATOR
    advice = N_("Correct the setting named and try again.")

    def __str__(self) -> str:
        return self.detail or self.reason


def leaves(root: type[RokuonError] = RokuonError) -> Iterator[type[RokuonError]]:
    """Every class that carries a reason code."""
    for child in root.__subclasses__():
        if child.reason:
            yield child
        yield from leaves(child)


def by_reason(reason: str) -> type[RokuonError]:
    """The class of a stored reason code; InternalFault for a code that this version does not know."""
    return next((leaf for leaf in leaves() if leaf.reason == reason), InternalFault)
