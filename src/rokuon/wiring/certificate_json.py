"""A certificate of completeness for scripts: its figures, and what it cannot state."""

from datetime import datetime
from typing import Any

from rokuon.completeness.certificate import CertifiedTarget
from rokuon.domain.certificate import DayAccount, Reckoning, SpanAccount

from .certificate import Certificate, CertifiedBucket
from .certificate_doubts import doubts
from .certificate_terms import terms
from .certificate_text import verdict


def as_json(made: Certificate) -> dict[str, Any]:
    """Return it; its fields are stable (tools/json_schemas.py). `says` and `doubts` are words for people."""
    found = made.figures
    return {
        "company": found.company.name,
        "office": found.office.name if found.office else None,
        "only_offices": None if found.only is None else list(found.only),
        "target": found.target.name if found.target else None,
        "target_id": found.target.dialpad_id if found.target else None,
        "first_day": found.first.isoformat(),
        "last_day": found.last.isoformat(),
        "made_at": made.made_at,
        "installation": made.installation,
        "fingerprint": made.fingerprint or None,
        "standing": made.standing.value,
        "says": verdict(made),
        "doubts": doubts(made),
        **_sum(found.sum),
        "unreadable": found.unread,
        "provisional_until": made.provisional_until.isoformat() if made.provisional_until else None,
        "terms": [{"term": one.code, "count": one.count, "part": one.part} for one in terms(found)],
        "weaker_proofs": dict(found.weaker),
        "without_bucket": made.without_bucket,
        "days_in_no_seal": made.not_named,
        "buckets": [_bucket(one, made.made_at) for one in made.buckets],
        "outside": None
        if found.outside is None
        else {"days": found.outside.days, "known_days": found.outside.known.days, "calls": found.outside.calls},
        "targets": [_target(one) for one in found.targets],
    }


def _sum(whole: SpanAccount) -> dict[str, Any]:
    return {
        "sum": _account(whole.account),
        "days": {
            "all": whole.days,
            "complete": whole.complete,
            "incomplete": whole.incomplete,
            "not_listed": whole.unlisted,
            "final": whole.final,
        },
        "first_listed_at": whole.first_listed,
        "last_listed_at": whole.last_listed,
    }


def _account(one: Reckoning) -> dict[str, int]:
    return {
        "calls": one.calls,
        "recorded": one.recorded,
        "recordings": one.recordings,
        "nothing_to_fetch": one.unnamed,
        "verified": one.verified,
        "excluded": one.excluded,
        "closed": one.closed,
        "explained": one.explained,
        "unaccounted": one.unaccounted,
        "bytes": one.bytes,
    }


def _bucket(one: CertifiedBucket, now: datetime) -> dict[str, Any]:
    sealed = one.sealed
    return {
        "url": one.url,
        "verified": one.verified,
        "bytes": one.bytes,
        "checked_at": one.checked_at,
        "hold": one.hold or None,
        "chain": sealed.seal.chain or None,
        "seal": sealed.seal.number,
        "sha256": sealed.seal.sha256 or None,
        "sealed_at": sealed.seal.at,
        "next_by": sealed.seal.next_by,
        "fingerprint": sealed.fingerprint or None,
        "problem": sealed.seal.problem(now) or None,
        "sealed": {"days": sealed.days, "verified": sealed.verified, "explained": sealed.explained, "unaccounted": sealed.open},
        "changed_since": sealed.waiting,
    }


def _target(one: CertifiedTarget) -> dict[str, Any]:
    return {
        "target": one.target.name,
        "target_id": one.target.dialpad_id,
        "kind": one.target.kind,
        "office": one.target.office.name,
        "zone": one.zone or "UTC",
        "rule": one.target.backed_up,
        **_sum(one.sum),
        "by_day": [_day(day) for day in one.days],
    }


def _day(one: DayAccount) -> dict[str, Any]:
    found = {"day": one.day.isoformat(), "verdict": one.verdict.value, "listed_at": one.listed_at, "final": one.final}
    return {**found, "unreadable": one.unread, **_account(one.account)}
