"""Objects with the name of a recording that is pending in the last seal: a bucket in use has some, and they are no findings."""

from pathlib import Path
from typing import Any

import pytest

from .rig import PROVEN, filled, verify
from .writer import BILLING, Bucket, sha256

DAY = "2026-10-30"


def pending(bucket: Bucket, **more: Any) -> Path:
    """Seal a pending recording; return the name under which it is going to be stored."""
    path = bucket.top / "Billing" / DAY / "Aiko - Sato - 1 - 2.mp3"
    bucket.other(DAY, "pending", **({"key_sha256": sha256(path.relative_to(bucket.root).as_posix().encode())} | more))
    bucket.issue()
    return path


def test_an_object_with_the_name_of_a_pending_recording_is_unsealed(outer: Path) -> None:
    bucket = filled(outer)
    path = pending(bucket)
    assert verify(bucket).notes == set()
    path.write_bytes(b"stored since")
    answer = verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"unsealed"})
    path.with_name("Aiko - Sato - 1 - 3.mp3").write_bytes(b"another")
    assert verify(bucket).findings == {"extra"}


def test_an_object_whose_recording_is_no_longer_pending_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    pending(bucket).write_bytes(b"stored since")
    bucket.day(BILLING, DAY).lines.pop()
    bucket.issue()
    assert verify(bucket).findings == {"extra"}


def test_a_sealed_recording_under_the_name_of_a_pending_one_is_renamed(outer: Path) -> None:
    bucket = filled(outer)
    sealed = bucket.copy(DAY)
    sealed.replace(pending(bucket))
    assert verify(bucket).findings == {"renamed"}


@pytest.mark.parametrize("key", ["", "zz", 7, "0" * 62])
def test_a_pending_line_with_a_hash_that_is_none_is_malformed(outer: Path, key: Any) -> None:
    bucket = filled(outer)
    pending(bucket, key_sha256=key)
    assert "custody_malformed" in verify(bucket).findings
