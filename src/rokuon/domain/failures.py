"""Exception tree of all failures.

    RokuonError
      SourceError        Dialpad
      StoreError         the bucket
      LedgerError        the ledger and Rokuon itself
      ConfigError        a person's settings; the command line exits with code 2

A leaf class carries a stable reason code, a decision, the audience to notify, and one English sentence on what to do (a gettext message).
Adapters translate foreign errors into these. Code that catches one decides by the class's attributes and never by its text.
`detail` may contain a status, a host, a number: never a name, a URL path, a key.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar


def N_(message: str) -> str:
    return message


class Decision(StrEnum):
    """What happens to a copy: another try after some time, a final failure, or waiting until a hold lifts."""

    AFTER = "after"
    NEVER = "never"
    HOLD = "hold"


class Responsible(StrEnum):
    NOBODY = "nobody"
    OFFICE = "office"
    COMPANY = "company"
    OPERATOR = "operator"


class HoldOn(StrEnum):
    """The part of the work that a hold stops: as narrow as its cause."""

    SOURCE = "source"
    KIND = "kind"
    BUCKET = "bucket"


class RokuonError(Exception):
    """Base class. `retry_after`: seconds, if the other side asked to wait, limited by `domain.retry`. `spends`: the try uses up an attempt.

    A class with a reason code states its own `decision`: there is no default that a new class could inherit unnoticed. `cured_by`: who can
    fix the cause, where this is not the audience to notify.
    """

    reason: ClassVar[str] = ""
    decision: ClassVar[Decision]
    notify: ClassVar[Responsible] = Responsible.COMPANY
    cured_by: ClassVar[Responsible | None] = None
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
    advice = N_("Dialpad refuses the API key. Enter a current company-admin key; waiting recordings then resume automatically.")


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
    notify = Responsible.OPERATOR
    advice = N_("Dialpad's certificate could not be verified. Check this machine's clock, its certificates and any proxy in between.")


class SourceCertificateIncomplete(SourceError):
    """A certificate that only Python 3.12 and older accept, such as one of a company's own authority."""

    reason = "source_certificate_incomplete"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The certificate of the proxy before Dialpad lacks what RFC 5280 asks for, such as key identifiers, and Python 3.13 and newer "
        "refuse it. Have your certificate authority issue certificates with subject and authority key identifiers, or run Rokuon with "
        "Python 3.12."
    )


class SourceKindDenied(SourceError):
    """A login page or redirect where audio was expected, while listing works (docs/design/dialpad.md section 3)."""

    reason = "source_kind_denied"
    decision = Decision.HOLD
    hold_on = HoldOn.KIND
    spends = False
    advice = N_(
        "Dialpad asks for a login instead of returning recordings of this kind. Ask Dialpad support to enable export for the API key."
    )


class SourceThrottled(SourceError):
    reason = "source_throttled"
    decision = Decision.AFTER
    spends = False
    notify = Responsible.NOBODY
    advice = N_("Dialpad asked to slow down. Rokuon waits and resumes automatically; lower the request budget if this happens often.")


class SourceUnavailable(SourceError):
    reason = "source_unavailable"
    decision = Decision.AFTER
    notify = Responsible.NOBODY
    advice = N_("Dialpad could not be reached or answered with an error. Rokuon tries again automatically.")


class SourceAway(SourceError):
    """An outage: repeated SourceUnavailable, also for a page of the list (row S8)."""

    reason = "source_away"
    decision = Decision.HOLD
    hold_on = HoldOn.SOURCE
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "Dialpad has not answered for several minutes. Rokuon asks again every five minutes and resumes automatically; if Dialpad works in "
        "a browser, check this machine's network."
    )


class SourceRequestRefused(SourceError):
    """A 4xx without a more specific class: the same request would be refused again."""

    reason = "source_request_refused"
    decision = Decision.NEVER
    advice = N_("Dialpad refused the request as invalid. If you named dates, check them; otherwise report this with the reason code.")


class SourceNotFound(SourceError):
    """A 404 or 410 for a request about one office, contact center or coaching team."""

    reason = "source_not_found"
    decision = Decision.NEVER
    advice = N_("Dialpad does not know this office, contact center or coaching team. Run a directory sync and try again.")


class SourceAddressUnknown(SourceNotFound):
    """A 404 or 410 for a request about the API itself: the company, a whole list."""

    reason = "source_address_unknown"
    decision = Decision.NEVER
    advice = N_(
        "The server does not know an address that Dialpad's API has. Check that the company's address is Dialpad's; if it is, report this "
        "with the reason code."
    )


class EventsForbidden(SourceError):
    """A 403 for a request about Rokuon's own webhook."""

    reason = "events_forbidden"
    decision = Decision.NEVER
    advice = N_(
        "Dialpad does not let this API key have webhooks and call events. Enter a company-admin key; Rokuon asks again within the "
        "hour, and until then finds calls by listing."
    )


class EventsNotOffered(SourceError):
    """A 404 for a request about Rokuon's own webhook."""

    reason = "events_not_offered"
    decision = Decision.NEVER
    advice = N_(
        "The server does not know Dialpad's addresses for webhooks and subscriptions. Check that the company's address is Dialpad's, and "
        "ask Dialpad support whether events are part of the plan; until then Rokuon finds calls by listing."
    )


class EventsRefused(SourceError):
    """Any other 4xx for a request about Rokuon's own webhook."""

    reason = "events_refused"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_(
        "Dialpad refuses Rokuon's webhook. It must be a public https address: check ROKUON_PUBLIC_URL. Rokuon asks again within the hour, "
        "and until then finds calls by listing."
    )


class SourceCursorRefused(SourceError):
    """A 400 for the cursor of a list after its first page, also after each restart of the list."""

    reason = "source_cursor_refused"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_(
        "Dialpad refused to continue its list from the last page. Rokuon restarted the list and will retry automatically; report this if "
        "it persists."
    )


class SourceCursorLooped(SourceError):
    reason = "source_cursor_looped"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_("Dialpad's list repeats itself instead of ending. Rokuon starts the list again; report this if it stays.")


class SourceAnswerMalformed(SourceError):
    reason = "source_answer_malformed"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_("Dialpad's answer could not be read. Rokuon tries again automatically; report this if it stays.")


class SourceRedirectBlocked(SourceError):
    reason = "source_redirect_blocked"
    decision = Decision.NEVER
    cured_by = Responsible.OPERATOR
    advice = N_(
        "Dialpad redirected the download to a host that is not allowed. If the host named is Dialpad's, allow it "
        "(ROKUON_ALLOWED_MEDIA_HOSTS) and retry."
    )


class SourceUrlRefused(SourceError):
    reason = "source_url_refused"
    decision = Decision.NEVER
    cured_by = Responsible.OPERATOR
    advice = N_("The recording's address is not one that Rokuon may open. Report this with the reason code.")


class RecordingNotReady(SourceError):
    """A 404 on a recording that was just listed: it may appear later."""

    reason = "recording_not_ready"
    decision = Decision.AFTER
    notify = Responsible.NOBODY
    advice = N_("Dialpad lists the recording but does not have the audio yet. Rokuon asks again for 24 hours.")


class RecordingGone(SourceError):
    reason = "recording_gone"
    decision = Decision.NEVER
    notify = Responsible.OFFICE
    advice = N_("Dialpad no longer has this recording. Nothing can be copied; retry if it was restored.")


class RecordingForbidden(SourceError):
    reason = "recording_forbidden"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("Dialpad refuses this one recording. Check in Dialpad who may access it, then retry.")


class RecordingRefused(SourceError):
    """Any other 4xx for one recording (400, 409, 423, 425): unlike a refused list, it may be temporary."""

    reason = "recording_refused"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_(
        "Dialpad refuses this one recording for the moment. Rokuon tries again automatically; if it stays, play it in Dialpad, then retry."
    )


class RecordingWithheld(SourceError):
    """A 451 for one recording."""

    reason = "recording_withheld"
    decision = Decision.NEVER
    notify = Responsible.OFFICE
    advice = N_("Dialpad withholds this recording for legal reasons. Ask Dialpad why; retry once Dialpad releases it.")


class RecordingNotAudio(SourceError):
    reason = "recording_not_audio"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("Dialpad sent something that is not MP3 audio. Play the recording in Dialpad; if it plays there, retry.")


class RecordingEmpty(SourceError):
    reason = "recording_empty"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("Dialpad sent an empty file. Play the recording in Dialpad; if it plays there, retry.")


class RecordingTruncated(SourceError):
    reason = "recording_truncated"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("The audio ended early. Rokuon tries again automatically; if it stays, play the recording in Dialpad.")


class RecordingDamaged(SourceError):
    """Audio frames with other data between them, or a frame whose checksum does not match."""

    reason = "recording_damaged"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("Part of the audio is damaged. Play the recording in Dialpad; if it is whole there, retry.")


class RecordingDurationDiffers(SourceError):
    reason = "recording_duration_differs"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("The audio is not as long as Dialpad says. Play the recording in Dialpad and compare its length, then retry.")


class RecordingUnstable(SourceError):
    """No length was announced and two reads differed."""

    reason = "recording_unstable"
    decision = Decision.AFTER
    notify = Responsible.OFFICE
    advice = N_("Dialpad sent different audio each time. Rokuon tries again automatically; if it stays, play the recording in Dialpad.")


class RecordingReadOnce(SourceError):
    """No length is listed, so a second read some time after the first one must return the same bytes."""

    reason = "recording_read_once"
    decision = Decision.AFTER
    spends = False
    notify = Responsible.NOBODY
    advice = N_(
        "Dialpad lists no length for the recording. Rokuon reads it a second time some minutes later, and takes it when both reads are "
        "equal."
    )


class RecordingEncoded(SourceError):
    reason = "recording_encoded"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_("The audio arrived compressed although Rokuon asked for it plain. Check for a proxy between Rokuon and Dialpad.")


class RecordingTooLarge(SourceError):
    reason = "recording_too_large"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_("The recording is larger than this installation accepts. Raise ROKUON_MAX_RECORDING_BYTES and retry.")


class RecordingTooSlow(SourceError):
    reason = "recording_too_slow"
    decision = Decision.AFTER
    notify = Responsible.NOBODY
    advice = N_("The download stalled. Rokuon tries again automatically; check the network if it stays.")


class RecordingDetailsMissing(SourceError):
    """Concerns a call, not a recording. `advice_for_key` applies if no recording at all was listed with the API key."""

    reason = "recording_details_missing"
    decision = Decision.AFTER
    advice = N_(
        "Dialpad says the call was recorded but lists no recording of it, while other recordings are listed with the API key. Look in "
        "Dialpad whether the call can be played; if not, close it with a note. A recording that is listed later is backed up automatically."
    )
    advice_for_key = N_(
        "Dialpad says calls were recorded, but no recording at all was listed with the API key. Check that the key has the scope "
        "recordings_export."
    )


# --- missing knowledge ------------------------------------------------------------------------------------------------


class DaysNeverListed(SourceError):
    """Never raised: the state of days that Rokuon never listed."""

    reason = "days_never_listed"
    decision = Decision.NEVER
    advice = N_("Dialpad was never asked for the calls of these days, so nobody knows what was recorded. Start Back up now for them.")


class DaysListedOtherwise(SourceError):
    """Never raised: the state of days that were listed with other options, or by a version that read less."""

    reason = "days_listed_otherwise"
    decision = Decision.NEVER
    advice = N_(
        "These days were listed before a setting or Rokuon itself began to find more in a list. Start Back up now to list them again."
    )


class EntryUnreadable(SourceError):
    """Never raised: the state of an unreadable list entry that was set aside, so that the other entries are processed."""

    reason = "entry_unreadable"
    decision = Decision.NEVER
    advice = N_(
        "Dialpad listed an entry that Rokuon cannot read, so a recording may be missing. Back up now lists its day again; if it stays, "
        "report the call id and what is odd about it. Close it with a note once you know that it hides no recording."
    )


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


class BucketCredentialUnsupported(StoreError):
    """Application default credentials of a kind from which Rokuon cannot get a token. `detail` names the kind and what is missing."""

    reason = "bucket_credential_unsupported"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The machine's own Google credential is of a kind that Rokuon cannot use. Give the bucket a service account key, or use workload "
        "identity federation whose token comes from a file or an address."
    )


class BucketClockRefused(StoreError):
    """A signature whose date differs too much from the store's own time; a wrong clock causes this for every signature."""

    reason = "bucket_clock_refused"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_("The store refuses the credential because this machine's clock is wrong. Set the clock, for example with NTP.")


class BucketCertificateIncomplete(StoreError):
    """A certificate that only Python 3.12 and older accept, such as one of a proxy in front of the store."""

    reason = "bucket_certificate_incomplete"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The certificate of the proxy before the bucket lacks what RFC 5280 asks for, such as key identifiers, and Python 3.13 and newer "
        "refuse it. Have your certificate authority issue certificates with subject and authority key identifiers, or run Rokuon with "
        "Python 3.12. Then verify the bucket."
    )


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
    notify = Responsible.OPERATOR
    advice = N_("The store has no space left. Free some space; waiting recordings then resume automatically.")


class BucketUnusable(StoreError):
    """A local root that is a file, read-only, or whose disk reports an error."""

    reason = "bucket_unusable"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_("The folder cannot be used. Check that it is a folder, that it is writable, and that its disk is healthy.")


class FolderMayReplace(StoreError):
    """A folder whose file system has neither hard links nor a rename without replacing: create-only writes are impossible there."""

    reason = "folder_may_replace"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The folder's disk has no hard links and cannot rename without replacing, so nothing there would be safe from being overwritten. "
        "Mount it with hard links (NFS and SMB servers can offer them), or use a folder on another file system, such as ext4 or XFS."
    )


class FolderCannotSync(StoreError):
    """A folder whose file system does not report when a file is on the disk."""

    reason = "folder_cannot_sync"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The folder's disk does not say when a file has reached it (fsync), so a power failure could lose what counts as backed up. Use a "
        "folder on another file system, such as ext4, XFS or NFS."
    )


class FolderNamesTooShort(StoreError):
    """Names are too long for the disk. `detail` states the least length in bytes that Rokuon needs, if verification found that the disk
    accepts less."""

    reason = "folder_names_too_short"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The folder's disk takes only shorter names than Rokuon gives. Verify the bucket: Rokuon finds out how long a name may be, and "
        "shortens the names of what waits. Below 128 bytes, use a folder on another file system."
    )


class FolderNamesRefused(StoreError):
    """A name in Unicode is refused, for example because the disk is mounted with another character set."""

    reason = "folder_names_refused"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The folder's disk does not take names in Unicode, such as 東京. Mount it with UTF-8 names (for FAT and SMB: iocharset=utf8), then "
        "verify the bucket."
    )


class BucketUnmarked(StoreError):
    """The marker that verification wrote is gone: an emptied or re-created bucket, or a folder whose disk is not mounted."""

    reason = "bucket_unmarked"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "Rokuon's marker is gone: the bucket was emptied or replaced, or its disk is not mounted. Check that, then verify the bucket."
    )


class BucketReplaced(StoreError):
    """The marker is this company's but has another bucket's identity: another disk, or a new bucket with the same name."""

    reason = "bucket_replaced"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "This is not the bucket that Rokuon verified under this address. Bring that one back, or verify this one: Rokuon then looks for "
        "what it stored."
    )


class BucketObjectsMissing(StoreError):
    """Recordings that were verified in the bucket are not in the bucket at this address now. `detail` states how many of how many."""

    reason = "bucket_objects_missing"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "Recordings that Rokuon verified in this bucket are not there. Mount its disk or restore the bucket, then verify it again. Where "
        "you replaced it on purpose, start it again with `rokuon bucket restart` or on its page."
    )


class LedgerBehindBucket(StoreError):
    """The bucket has seals of this company that this database did not write: the database is older than the bucket, or another machine runs
    with a copy of it. Nothing is stored until a person has decided. `detail` states the numbers of both."""

    reason = "ledger_behind_bucket"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The bucket has seals that are newer than this database: an older dump was restored, or another machine runs with a copy of it. "
        "Stop the other machine, or restore a newer dump. To go on with this database, run `rokuon custody continue`, then "
        "`rokuon backup-now`."
    )


class CustodyOccupied(StoreError):
    """Something that Rokuon did not write has the name of a custody file. `detail` states which."""

    reason = "custody_occupied"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_(
        "A file that Rokuon did not write has the name of a custody file, so the bucket is no longer sealed. Find out who wrote it; the "
        "store's audit log says so. Then run `rokuon custody continue`."
    )


class CustodyKeyLost(StoreError):
    """This installation cannot decrypt the company's key that signs seals: its master key file is another one."""

    reason = "custody_key_lost"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_(
        "The key that signs the seals cannot be decrypted with this master key file. Put the old master key file back. If it is lost, run "
        "`rokuon custody continue` and give the new fingerprint to those who check the bucket."
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
    notify = Responsible.NOBODY
    advice = N_("The store asked to slow down. Rokuon waits and resumes automatically.")


class StoreUnavailable(StoreError):
    """Also a lost answer: the object may or may not be there, so the caller reconciles."""

    reason = "store_unavailable"
    decision = Decision.AFTER
    notify = Responsible.NOBODY
    advice = N_("The store could not be reached or answered with an error. Rokuon tries again automatically.")


class BucketAway(StoreError):
    """An outage: StoreUnavailable for several copies in a row (row D24)."""

    reason = "bucket_away"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The bucket has not answered, or answered with errors, several times in a row. Rokuon asks again every five minutes and resumes "
        "automatically; check this machine's network, or the disk that the folder is on."
    )


class StoreRequestRefused(StoreError):
    """A status that means neither a missing permission nor a temporary fault, such as an unknown 400: the same request would be refused
    again."""

    reason = "store_request_refused"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_("The store refused the request as invalid. Look up the status and reason named here in its documentation, then retry.")


class BucketRefuses(StoreError):
    """StoreRequestRefused for several copies in a row: the fault is in the bucket."""

    reason = "bucket_refuses"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "The bucket refused several recordings in a row as invalid requests. Look up the status and reason named here in the store's "
        "documentation and correct the bucket's settings; waiting recordings then resume automatically."
    )


class ObjectExists(StoreError):
    """The create-only write was refused: an object with this name exists, ours or not. Leads to a reconcile and is never shown to users."""

    reason = "object_exists"
    decision = Decision.AFTER
    notify = Responsible.NOBODY
    advice = N_("An object of this name is already in the bucket. Rokuon compares it with the recording.")


class ObjectMissing(StoreError):
    reason = "object_missing"
    decision = Decision.NEVER
    advice = N_("The object is no longer in the bucket. Find out who removed it; retry copies the recording again while Dialpad has it.")


class ObjectOccupied(StoreError):
    reason = "object_occupied"
    decision = Decision.NEVER
    notify = Responsible.OFFICE
    advice = N_("Another file already has this name in the bucket. Rokuon never overwrites: move that file away, then retry.")


class ObjectDiffers(StoreError):
    """The store reports other bytes than Rokuon sent."""

    reason = "object_differs"
    decision = Decision.NEVER
    advice = N_("The store kept different bytes than Rokuon sent. Keep the object for examination, check the store, then retry.")


class InventoryChanged(StoreError):
    """An inventory found other bytes under the name of a verified recording."""

    reason = "inventory_changed"
    decision = Decision.NEVER
    advice = N_(
        "The bucket now has other bytes under this recording's name than Rokuon verified. Keep them for examination; the store's audit log "
        "says who wrote them. Restore the earlier version, or move the file away and retry: the recording is then copied again while "
        "Dialpad has it."
    )


class InventoryDeleted(StoreError):
    """An inventory found that a verified recording was deleted; the store can still restore it."""

    reason = "inventory_deleted"
    decision = Decision.NEVER
    advice = N_(
        "The recording was deleted from the bucket and can still be restored. The finding on the bucket's page has the command and says "
        "until when. The next inventory finds the restored recording and counts it as verified again."
    )


class InventoryHidden(StoreError):
    """An inventory found only a noncurrent version of a verified recording."""

    reason = "inventory_hidden"
    decision = Decision.NEVER
    advice = N_(
        "The recording was deleted or replaced in the bucket, which still has its earlier version. The finding on the bucket's page has "
        "the command that makes it current. The next inventory then counts the recording as verified again."
    )


class InventoryMissing(StoreError):
    """An inventory found nothing under the name of a verified recording, and no earlier version of it."""

    reason = "inventory_missing"
    decision = Decision.NEVER
    advice = N_(
        "The recording is no longer in the bucket. Find out who removed it; the store's audit log says so. A retry copies it again while "
        "Dialpad has it. If nothing can be done, close it with a note."
    )


class InventoryStopped(StoreError):
    """An inventory found so much missing or changed, or the newest seal gone, that the bucket is in doubt. `detail` says what."""

    reason = "inventory_stopped"
    decision = Decision.HOLD
    hold_on = HoldOn.BUCKET
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "Many recordings, or the newest seal, are missing or changed in this bucket: it was emptied or replaced, or rights or a mount "
        "changed. No recording's state was changed. Put that right, then run `rokuon inventory`. If they are really gone, run "
        "`rokuon inventory --accept-missing`."
    )


class ObjectMisread(StoreError):
    """The store's metadata of an object and the bytes read from it do not agree: one of the two reads is wrong."""

    reason = "object_misread"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_(
        "Reading an object gave other bytes than the store says it holds. Rokuon reads it again automatically; if it stays, check the "
        "network, this machine's memory and the disk."
    )


class ChecksumRefused(StoreError):
    reason = "checksum_refused"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_("The bytes were damaged on the way to the store. Rokuon sends them again; check the network and memory if it stays.")


class ObjectTooLarge(StoreError):
    """A file of this size cannot be written there, although there is space."""

    reason = "object_too_large"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_(
        "The folder's file system, or a limit on Rokuon's process, allows no file of this size. Raise the limit (ulimit -f; LimitFSIZE in "
        "systemd), or use a folder on another file system than FAT; Rokuon tries again automatically."
    )


class ObjectNameRefused(StoreError):
    reason = "object_name_refused"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_("The store does not accept the object's name. Report this with the reason code.")


# --- ledger and engine ------------------------------------------------------------------------------------------------


class LedgerError(RokuonError):
    pass


class SpoolUnusable(LedgerError):
    """The spool folder is full, cannot be written, or accepts no file of that size. `detail` states which."""

    reason = "spool_unusable"
    decision = Decision.AFTER
    spends = False
    notify = Responsible.OPERATOR
    advice = N_(
        "Rokuon's spool folder is full, cannot be written, or takes no file of this size (EFBIG: see ulimit -f). Free some space there, or "
        "set ROKUON_SPOOL_DIR to another disk; Rokuon tries again automatically."
    )


class InternalFault(LedgerError):
    reason = "internal_fault"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_("Something inside Rokuon failed. Report this with the trace id from the log; the recording can be retried.")


class WorkerKilled(LedgerError):
    """A worker that a command had started was ended by a signal."""

    reason = "worker_killed"
    decision = Decision.AFTER
    notify = Responsible.OPERATOR
    advice = N_(
        "The worker was stopped from outside. Nothing is lost: start the command again and it resumes. If this happens again, check "
        "whether the machine has too little memory."
    )


# --- a person's settings ----------------------------------------------------------------------------------------------


class ConfigError(RokuonError):
    """`detail` is a whole sentence for the user, already in the user's language."""

    reason = "configuration"
    decision = Decision.NEVER
    notify = Responsible.OPERATOR
    advice = N_("Correct the setting named and try again.")

    def __str__(self) -> str:
        return self.detail or self.reason


class DatabaseUnusable(ConfigError):
    """The embedded database does not start, for a reason without a class below."""

    reason = "database_unusable"
    decision = Decision.AFTER
    advice = N_("The embedded database does not start. The log says why; Rokuon tries again automatically.")


class DatabaseFull(ConfigError):
    """A disk or the shared memory has no space for the embedded database."""

    reason = "database_full"
    decision = Decision.AFTER
    advice = N_("There is no room for the embedded database. Free some space; Rokuon then starts it automatically.")


class DatabaseDamaged(ConfigError):
    reason = "database_damaged"
    decision = Decision.NEVER
    advice = N_("The embedded database is damaged. Keep its folder, and restore the newest dump into a new installation.")


class DatabaseHeldElsewhere(ConfigError):
    """Another machine or container runs a server on the folder of the embedded database."""

    reason = "database_held_elsewhere"
    decision = Decision.AFTER
    advice = N_("Another machine or container runs a server on this database folder. Stop Rokuon there, or run the command there.")


class DatabaseLockRefused(ConfigError):
    """The file system of the database folder does not support locks."""

    reason = "database_lock_refused"
    decision = Decision.NEVER
    advice = N_("The database folder lies on a file system that keeps no lock. Keep it on a local disk, or use a PostgreSQL of your own.")


def leaves(root: type[RokuonError] = RokuonError) -> Iterator[type[RokuonError]]:
    """Yield every class that has a reason code."""
    for child in root.__subclasses__():
        if child.reason:
            yield child
        yield from leaves(child)


def curer(failure: type[RokuonError]) -> Responsible:
    """Return who can fix the cause of this failure. NOBODY: there is nothing to fix but to try again."""
    return failure.cured_by or failure.notify


def by_reason(reason: str) -> type[RokuonError]:
    """Return the class of a stored reason code; InternalFault for a code that this version does not know."""
    return next((leaf for leaf in leaves() if leaf.reason == reason), InternalFault)
