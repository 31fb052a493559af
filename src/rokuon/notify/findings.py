"""Current problems of a company, queried once a minute; `tracker` notifies about them. A finding that continues has the same `key`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rokuon.completeness import unknown
from rokuon.completeness.lacks import days_of
from rokuon.domain.failures import EntryUnreadable, HoldOn, RecordingDetailsMissing
from rokuon.events.models import Hook
from rokuon.ledger import expiry, health, holds, reach, unnamed
from rokuon.ledger.models import Hold
from rokuon.ledger.unlisted import COMING
from rokuon.org import tree
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.tree import TargetSettings

from . import silence
from .models import Notice, NoticeKind

WORST = 5
"""The number of targets to name; further targets are only counted."""

NAMED_AFTER = timedelta(hours=24)
STILL_LISTED = timedelta(days=35)
MORE_THAN = 5
"""A call may be listed before its recording, and be marked by mistake: a few such calls are no problem (row S22)."""

LISTED_WITHIN = timedelta(hours=1)
NO_EVENT_FOR = timedelta(hours=24)
CHECKED_WITHIN = timedelta(days=2)
CALLS_WITHOUT_EVENT = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A current problem. `office_id` is None for the whole company. `cause`, `ref`, `count`, `since` and `facts` as in `models.Notice`; a
    `count` of 0 means that nothing is left to fix: it is over, and `facts` say how."""

    kind: NoticeKind
    since: datetime
    office_id: int | None = None
    cause: str = ""
    ref: str = ""
    count: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int | None, str, str, str]:
        return (self.office_id, str(self.kind), self.cause, self.ref)


@dataclass(frozen=True, slots=True)
class UnsealedBucket:
    """A bucket whose seal is overdue since `since`, or cannot be made for a `reason`, which may change."""

    bucket_id: int
    url: str
    reason: str
    since: datetime


def of_company(company: Company, now: datetime, unsealed: Sequence[UnsealedBucket] = ()) -> list[Finding]:
    """Return the findings of a company; `unsealed` are its buckets that are not sealed as they should be."""
    settings = tree.target_settings(company)
    backed_up = [one for one in settings if company.enabled and one.target.backed_up and one.effective.bucket is not None]
    held = holds.open_holds(company.pk)
    found = [*_set_aside(company, settings, now), *_held(company, settings, held), *_expiring(company, settings, now)]
    found += _unsealed(unsealed, settings, held)
    if backed_up:
        found += _not_known(company, [one.target for one in backed_up], now)
        found += _unnamed(company, backed_up, now)
        found += _no_event(company, backed_up, now)
    if backed_up and not any(hold.on == HoldOn.SOURCE for hold in held):
        found += _silent(company, backed_up, now)
        found += _not_listed(company, backed_up, now)
    return found


def of_installation(live_workers: int, now: datetime) -> list[Finding]:
    """Return the findings of the installation. `live_workers` is the number of workers with a recent sign of life."""
    return [] if live_workers else [Finding(NoticeKind.NO_WORKER, now)]


def _set_aside(company: Company, settings: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    """Return copies that failed or are gone, also while they are tried again, without explained ones, by office and reason."""
    targets = {one.target.pk: one.target for one in settings}
    groups = defaultdict(list)
    for row in health.given_up_of(company.pk):
        if row.target_id in targets:
            groups[targets[row.target_id].office_id, row.state, row.reason].append(row)
    found = []
    for (office, state, reason), rows in groups.items():
        facts = {
            **_worst((targets[row.target_id].name, row.left) for row in rows),
            "closed": sum(row.closed for row in rows),
            "target_ids": sorted(row.target_id for row in rows),
            "first_call": min(row.first_call for row in rows).isoformat(),
            "last_call": max(row.last_call for row in rows).isoformat(),
        }
        found.append(Finding(NoticeKind(state), now, office, reason, count=sum(row.left for row in rows), facts=facts))
    return found


def _worst(targets: Iterable[tuple[str, int]]) -> dict[str, Any]:
    ranked = sorted(((name, count) for name, count in targets if count > 0), key=lambda pair: (-pair[1], pair[0]))
    return {"targets": [list(pair) for pair in ranked[:WORST]], "more_targets": max(0, len(ranked) - WORST)}


def _held(company: Company, settings: Sequence[TargetSettings], held: Sequence[Hold]) -> list[Finding]:
    """Return open holds. The hold of a bucket names the offices whose targets use it, to notify them too (row D3)."""
    buckets = dict(Bucket.objects.filter(company=company).values_list("pk", "url")) if any(one.on == HoldOn.BUCKET for one in held) else {}
    found = []
    for hold in held:
        facts: dict[str, Any] = {}
        ref = hold.ref or str(HoldOn.SOURCE)
        if hold.on == HoldOn.BUCKET:
            used_by = {one.target.office_id for one in settings if one.target.backed_up and str(one.effective.bucket) == hold.ref}
            facts = {"name": buckets.get(int(hold.ref), ""), "offices": sorted(used_by)}
            ref = f"{HoldOn.BUCKET}:{hold.ref}"
        found.append(Finding(NoticeKind.HOLD, hold.since, cause=hold.reason, ref=ref, facts=facts))
    return found


def _unsealed(unsealed: Sequence[UnsealedBucket], settings: Sequence[TargetSettings], held: Sequence[Hold]) -> list[Finding]:
    """Return the buckets in use that are not sealed, without those on hold: that is reported, and its end comes first."""
    used = {one.effective.bucket for one in settings} - {int(hold.ref) for hold in held if hold.on == HoldOn.BUCKET}
    return [
        Finding(NoticeKind.UNSEALED, one.since, ref=f"{HoldOn.BUCKET}:{one.bucket_id}", facts={"name": one.url, "reason": one.reason})
        for one in unsealed
        if one.bucket_id in used
    ]


def _expiring(company: Company, settings: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    if company.access_window_days is None:
        return []
    leaving = expiry.expiring(company.pk, company.access_window_days, now)
    by_office = defaultdict(list)
    for one in settings:
        there = leaving.get(one.target.pk)
        if there is not None:
            by_office[one.target.office_id].append((one.target.name, there))
    window = timedelta(days=company.access_window_days)
    found = []
    for office, rows in by_office.items():
        deadlines = [there.first_deadline for _name, there in rows if there.expiring and there.first_deadline is not None]
        facts = {**_worst((name, there.expiring) for name, there in rows), "expired": sum(there.expired for _name, there in rows)}
        if deadlines:
            facts["first_call"] = (min(deadlines) - window).isoformat()
        found.append(Finding(NoticeKind.EXPIRING, now, office, count=sum(there.expiring for _name, there in rows), facts=facts))
    return found


def _unnamed(company: Company, backed_up: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    """Return calls that were recorded and have no listed recording a day later, and that nobody has explained (row S22)."""
    names = {one.target.pk: one.target.name for one in backed_up}
    # A reported finding is over when each of its calls has a recording or is explained: a small number left or old age do not end it.
    told = Notice.objects.filter(company=company, kind=NoticeKind.UNNAMED, ended_at=None).exclude(told_count=0).exists()
    rows = health.unnamed(list(names), None if told else now - STILL_LISTED, now - NAMED_AFTER)
    calls = sum(row.calls for row in rows)
    if calls <= (0 if told else MORE_THAN):
        return []
    facts = {
        **_worst((names[row.target_id], row.calls) for row in rows),
        "first_call": min(row.first for row in rows).isoformat(),
        "last_call": max(row.last for row in rows).isoformat(),
        "others_listed": bool(company.exports) or unnamed.recordings_listed_since(company.pk, company.key_entered_at),
    }
    return [Finding(NoticeKind.UNNAMED, now, cause=RecordingDetailsMissing.reason, count=calls, facts=facts)]


def _not_known(company: Company, targets: Sequence[Target], now: datetime) -> list[Finding]:
    """Return days that are not listed from end to end, by reason, and unreadable entries. Until someone has asked for a target's past, its
    unlisted days are not reported."""
    found = unknown.find_unknown(company, targets, now)
    names, asked = {one.pk: one.name for one in targets}, bool(reach.of([one.pk for one in targets]))
    by_reason = defaultdict(list)
    for gap in found.gaps:
        if gap.reason != COMING and (asked or gap.reason not in unknown.NOT_TRIED):
            by_reason[gap.reason].append(gap)
    told = []
    for reason, gaps in by_reason.items():
        days: Counter[str] = Counter()
        for gap in gaps:
            days[names[gap.target_id]] += gap.days
        facts = {
            **_worst(days.items()),
            "first_call": min(gap.first for gap in gaps).isoformat(),
            "last_call": max(gap.last for gap in gaps).isoformat(),
        }
        told.append(Finding(NoticeKind.UNLISTED, now, cause=reason, count=days_of(gaps), facts=facts))
    if found.unreadable:
        told.append(Finding(NoticeKind.UNREADABLE, now, cause=EntryUnreadable.reason, count=found.unreadable))
    return told


def _silent(company: Company, backed_up: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    """Judge only what was listed recently: calls that were not requested are no silence."""
    listed = health.listed_until(company.pk, LISTED_WITHIN, now)
    if listed is None:
        return []
    until, targets = listed
    known = {one.target.pk: one.target for one in backed_up if one.target.pk in targets}
    gaps = silence.silent({pk: tree.zone_of(target) for pk, target in known.items()}, until)
    return [
        Finding(
            NoticeKind.SILENCE,
            last,
            known[pk].office_id,
            ref=str(pk),
            facts={"name": known[pk].name, "last_call": last.isoformat()},
        )
        for pk, last in gaps.items()
    ]


def _not_listed(company: Company, backed_up: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    """Report that no sweep has ended for an hour. If none has ended yet, the hour starts when the first sweep
    started, or else when the first rule was enabled."""
    if not company.api_key:
        return []
    sweeping = health.sweeping(company.pk)
    ruled = [one.target.backed_up_at for one in backed_up if one.target.backed_up_at is not None]
    last = sweeping.ended_at or sweeping.began_at or min(ruled, default=now)
    # A rule that was switched on after a long pause must not report the pause.
    last = max(last, min(ruled, default=last))
    if now - last <= LISTED_WITHIN:
        return []
    return [Finding(NoticeKind.NOT_LISTED, last, facts={"reason": sweeping.reason} if sweeping.reason else {})]


def _no_event(company: Company, backed_up: Sequence[TargetSettings], now: datetime) -> list[Finding]:
    """Report that the webhook exists but no event arrives although there are calls. Nothing is lost: the sweeps find the calls."""
    hook = Hook.objects.filter(company=company).first()
    if hook is None or hook.reason or hook.since is None or hook.checked_at is None or now - hook.checked_at > CHECKED_WITHIN:
        return []
    last = max(hook.since, hook.event_at or hook.since)
    if now - last <= NO_EVENT_FOR:
        return []
    targets = [one.target.pk for one in backed_up]
    if health.recorded_calls(targets, now - NO_EVENT_FOR, now, CALLS_WITHOUT_EVENT) < CALLS_WITHOUT_EVENT:
        return []
    return [Finding(NoticeKind.NO_EVENT, last)]
