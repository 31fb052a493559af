"""Stored form of a bucket verification: words of `stores.verification`, no sentences."""

from datetime import datetime
from typing import Any

from rokuon.stores.verification import Verification


def proven(verification: Verification, now: datetime) -> dict[str, Any]:
    """Return the fields of a bucket that a successful verification sets."""
    found = {"identity": verification.identity, "marked_at": verification.made, "longest_name": verification.longest_name}
    return {"verified_at": now, "verification": report(verification), **found}


def report(verification: Verification) -> dict[str, Any]:
    """Return the report of a verification, successful or not."""
    failure = verification.failure
    return {
        "ok": verification.ok,
        "steps": [{"step": done.step.value, "outcome": done.outcome.value} for done in verification.steps],
        "advice": [advice.value for advice in verification.advice],
        "failure": {"reason": failure.reason, "detail": failure.detail} if failure is not None else None,
        "looked_for": verification.looked_for,
        "missing": verification.missing,
        "longest_name": verification.longest_name,
    }
