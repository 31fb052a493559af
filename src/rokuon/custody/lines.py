"""The lines below a day line: one for each copy, and for each call without a recording."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from rokuon.ledger.sql import CLOSED
from rokuon.stores.checksums import to_base64

from . import canonical
from .canonical import Value

_SECOND, _MILLISECOND, _MICROSECOND = (
    f"to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS{part}\"Z\"')" for part in ("", ".MS", ".US")
)
# The database writes the times of copies: reading three of them and writing them again was a third of the work of a line. Without LIMIT 1,
# the planner reads all recordings of all companies for the few of a group of days.
COPIES = f"""
    SELECT c.day, c.bucket_id, b.url, c.state, c.reason, r.kind, r.recording_id, r.call_id, {_MILLISECOND % "c.call_started_at"}, c.key,
           c.size, c.sha256, c.md5, c.crc32c, c.version, c.proof, c.audio_ms, r.duration_ms, {_SECOND % "c.changed_at"},
           {_MICROSECOND % "c.created_at"},
           (SELECT {_SECOND % "k.at"} FROM ledger_closing k WHERE k.copy_id = c.id AND {CLOSED}),
           (SELECT json_agg(json_build_array(a.key, a.size, a.sha256, a.crc32c) ORDER BY a.id) FROM ledger_aside a WHERE a.copy_id = c.id)
      FROM ledger_copy c JOIN org_bucket b ON b.id = c.bucket_id,
           LATERAL (SELECT kind, recording_id, call_id, duration_ms FROM ledger_recording WHERE id = c.recording_id LIMIT 1) r
     WHERE c.target_id = %(target)s AND c.day = ANY(%(days)s) AND (c.bucket_id = %(bucket)s OR c.state = 'verified')
"""  # noqa: S608 (constant pieces)


class Copied(NamedTuple):
    """A row of `COPIES` without its day. Times are texts."""

    bucket_id: int
    url: str
    state: str
    reason: str
    kind: str
    recording: str
    call: str
    started: str
    key: str
    size: int | None
    sha256: str
    md5: str
    crc32c: int | None
    version: str
    proof: str
    audio_ms: int | None
    listed_ms: int | None
    changed: str
    created: str
    closed: str | None
    aside: list[tuple[str, int, str, int]] | None


def of_copy(copy: Copied, *, here: bool) -> dict[str, Value]:
    common: dict[str, Value | None] = {
        "bucket": None if here else copy.url,
        "call": copy.call,
        "kind": copy.kind,
        "recording": copy.recording,
        "started": copy.started,
        "state": copy.state,
    }
    if copy.state == "verified":
        common |= {
            "audio_ms": copy.audio_ms,
            "crc32c": to_base64(copy.crc32c) if copy.crc32c is not None else None,
            "generation": copy.version or None,
            "key_sha256": hashlib.sha256(copy.key.encode()).hexdigest(),
            "listed_ms": copy.listed_ms,
            "md5": copy.md5 or None,
            "proof": copy.proof,
            "sha256": copy.sha256,
            "size": copy.size,
            "verified_at": copy.changed,
        }
    elif copy.state == "pending":
        # The object may be there before the seal says so: its day was read before it was verified.
        common["key_sha256"] = hashlib.sha256(copy.key.encode()).hexdigest()
    else:
        common |= {"closed": copy.closed, "reason": copy.reason}
    if here and copy.aside:
        common["aside"] = [_aside(*one) for one in copy.aside]
    return canonical.known(common)


def without_recording(call_id: str, started_at: datetime, closed_at: datetime | None) -> dict[str, Value]:
    return canonical.known(
        {
            "call": call_id,
            "closed": canonical.second(closed_at) if closed_at else None,
            "started": canonical.millisecond(started_at),
            "state": "without_recording",
        }
    )


def _aside(key: str, size: int, sha256: str, crc32c: int) -> dict[str, Value]:
    return {"crc32c": to_base64(crc32c), "key_sha256": hashlib.sha256(key.encode()).hexdigest(), "sha256": sha256, "size": size}


def order(line: Mapping[str, Value]) -> tuple[str, ...]:
    return str(line["started"]), str(line.get("recording", "")), str(line["state"]), str(line["call"]), str(line.get("kind", ""))
