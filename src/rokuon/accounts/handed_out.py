"""Group the range requests of one playback into one audit entry: the whole recording once, plus a jump back over half of it (row Q38).

A player requests a recording in pieces, and its listener jumps back and forth. All this is one entry as long as the pieces together are no
longer than that. Hearing the recording again, from any byte, makes the next entry.
"""

from datetime import datetime, timedelta

from django.db.models import F

from .models import HandedOut, Person

SAME_PLAY = timedelta(hours=1)


def goes_on(person: Person, action: str, subject_id: object, start: int, given: int, size: int, now: datetime) -> bool:
    """Whether `given` more bytes, from `start` on, belong to an entry of the last hour; if so, count them there. In the first tenth of the
    recording they belong to it only if they follow the last piece: a jump to the beginning is a new playback."""
    same = HandedOut.objects.filter(person=person, action=action, subject_id=str(subject_id), began_at__gt=now - SAME_PLAY)
    if start < size // 10:
        same = same.filter(until=start)
    return same.filter(bytes__lte=size + size // 2 - given).update(bytes=F("bytes") + given, until=start + given) == 1


def begin(person: Person, action: str, subject_id: object, start: int, given: int, now: datetime) -> None:
    """Begin a new entry with `given` bytes. Call it in the transaction of the audit entry."""
    HandedOut.objects.update_or_create(
        person=person,
        action=action,
        subject_id=str(subject_id),
        defaults={"began_at": now, "bytes": given, "until": start + given},
    )


def prune(now: datetime) -> int:
    """Delete rows that no request can belong to any more."""
    return HandedOut.objects.filter(began_at__lte=now - SAME_PLAY).delete()[0]
