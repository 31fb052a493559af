"""Example letters with invented names: one of each occasion, for previews, pictures and tests, and a line of each kind."""

from .message import Letter, MailedSeal, NoticeLine, Numbers
from .models import NoticeKind, Occasion

_PATH = "/c/example/"
_FAILED = NoticeLine(
    NoticeKind.FAILED,
    "bucket_forbidden",
    count=31,
    new=12,
    most=31,
    since="2026-11-17T05:20:00+00:00",
    first_call="2026-11-16T23:05:00+00:00",
    last_call="2026-11-17T08:40:00+00:00",
    targets=(("大阪サポート", 16), ("Osaka Billing", 8), ("受付コーチング", 4)),
    more_targets=2,
    path=f"{_PATH}failures/failed/bucket_forbidden/",
)
_HOLD = NoticeLine(
    NoticeKind.HOLD,
    "bucket_full",
    "recordings-osaka",
    count=204,
    most=204,
    since="2026-11-17T06:00:00+00:00",
    targets=(("大阪サポート", 204),),
    path=f"{_PATH}settings/",
)
LINES: tuple[NoticeLine, ...] = (
    _FAILED,
    NoticeLine(
        NoticeKind.GONE,
        "recording_gone",
        count=3,
        most=3,
        since="2026-11-15T01:00:00+00:00",
        first_call="2026-10-01T02:00:00+00:00",
        last_call="2026-10-03T09:30:00+00:00",
        targets=(("Osaka Billing", 3),),
        path=f"{_PATH}failures/gone/recording_gone/",
    ),
    _HOLD,
    NoticeLine(
        NoticeKind.UNNAMED,
        count=7,
        most=7,
        since="2026-11-14T00:00:00+00:00",
        targets=(("大阪サポート", 7),),
        path=f"{_PATH}failures/nothing-to-fetch/",
    ),
    NoticeLine(NoticeKind.SILENCE, name="Tokyo Reservations", count=1, most=1, since="2026-11-13T00:10:00+00:00", path=_PATH),
    NoticeLine(
        NoticeKind.EXPIRING,
        count=58,
        most=58,
        since="2026-11-16T15:00:00+00:00",
        first_call="2026-10-05",
        last_call="2026-10-10",
        targets=(("大阪サポート", 58),),
        path=_PATH,
    ),
    NoticeLine(
        NoticeKind.UNLISTED,
        "source_request_refused",
        count=29,
        most=29,
        since="2026-11-16T15:00:00+00:00",
        first_call="2026-07-01",
        last_call="2026-07-29",
        targets=(("大阪サポート", 29), ("Osaka Billing", 29)),
        path=f"{_PATH}failures/#not-known",
    ),
    NoticeLine(
        NoticeKind.UNREADABLE, "entry_unreadable", count=1, most=1, since="2026-11-16T15:00:00+00:00", path=f"{_PATH}failures/#not-known"
    ),
    NoticeLine(NoticeKind.NOT_LISTED, since="2026-11-16T03:00:00+00:00", path=_PATH),
    NoticeLine(NoticeKind.NO_EVENT, since="2026-11-15T22:30:00+00:00", path=f"{_PATH}set-up/"),
    NoticeLine(
        NoticeKind.UNSEALED, "custody_occupied", "recordings-osaka", since="2026-11-15T21:00:00+00:00", path=f"{_PATH}settings/buckets/1/"
    ),
    NoticeLine(NoticeKind.NO_WORKER, since="2026-11-17T05:50:00+00:00"),
)


def _office(occasion: str, *lines: NoticeLine) -> Letter:
    return Letter(occasion, "青空トラベル", "大阪オフィス", "Asia/Tokyo", lines, path=f"{_PATH}failures/")


LETTERS: dict[str, Letter] = {
    Occasion.OPENED.value: _office(Occasion.OPENED, _FAILED),
    Occasion.MORE.value: _office(Occasion.MORE, _FAILED),
    Occasion.REMINDER.value: _office(Occasion.REMINDER, _FAILED, _HOLD),
    Occasion.ESCALATED.value: _office(Occasion.ESCALATED, _FAILED),
    Occasion.ENDED.value: _office(
        Occasion.ENDED, NoticeLine(NoticeKind.FAILED, "bucket_forbidden", most=31, closed=2, since="2026-11-17T05:20:00+00:00")
    ),
    Occasion.BACKFILL.value: Letter(
        Occasion.BACKFILL,
        "青空トラベル",
        zone="Asia/Tokyo",
        lines=(_FAILED, LINES[1]),
        numbers=Numbers(verified=48_213, pending=0, failed=31, gone=3, excluded=120, bytes=97_000_000_000),
        path=f"{_PATH}failures/",
    ),
    Occasion.WEEKLY.value: Letter(
        Occasion.WEEKLY,
        "青空トラベル",
        zone="Asia/Tokyo",
        numbers=Numbers(verified=49_871, arrived=1_658, bytes=3_400_000_000, excluded=120, calls=1_702, events_lost=4),
        first_day="2026-11-09",
        last_day="2026-11-15",
        path=_PATH,
        seals=(MailedSeal("gs://recordings-osaka", 214, "9f2c1e07b5d84a63" * 4, "2026-11-15T17:00:00+00:00"),),
    ),
    Occasion.TRIAL.value: Letter(Occasion.TRIAL, "青空トラベル", zone="Asia/Tokyo"),
}
