"""Paths of the console pages where a problem can be fixed; the origin is added when the mail is written. `console.urls` has the pages."""

from .models import Notice, NoticeKind


def overview(public_id: str) -> str:
    return f"/c/{public_id}/"


def of_notice(public_id: str, notice: Notice) -> str:
    """Return the page about this notice; "" for a problem to be fixed on the machine and not in the console."""
    match notice.kind:
        case NoticeKind.FAILED | NoticeKind.GONE:
            return f"/c/{public_id}/failures/{notice.kind}/{notice.cause}/"
        case NoticeKind.HOLD:
            what, _, bucket = notice.ref.partition(":")
            return f"/c/{public_id}/settings/buckets/{bucket}/" if what == "bucket" else f"/c/{public_id}/set-up/#key"
        case NoticeKind.UNSEALED:
            what, _, bucket = notice.ref.partition(":")
            return f"/c/{public_id}/settings/buckets/{bucket}/" if what == "bucket" else overview(public_id)
        case NoticeKind.UNNAMED:
            return f"/c/{public_id}/failures/nothing-to-fetch/"
        case NoticeKind.UNLISTED | NoticeKind.UNREADABLE:
            return f"/c/{public_id}/failures/#not-known"
        case NoticeKind.NOT_LISTED | NoticeKind.NO_EVENT:
            return f"/c/{public_id}/system/"
        case NoticeKind.NO_WORKER:
            return ""
        case _:
            return overview(public_id)
