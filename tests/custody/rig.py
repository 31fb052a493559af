"""Runs the verifier in this process and returns what it said."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rokuon.custody import rokuon_verify

from .writer import SALES, Bucket

PROVEN, FINDINGS, WRONG_INPUT, NOT_PROVEN = 0, 1, 2, 3


@dataclass
class Answer:
    code: int
    said: list[dict[str, Any]]
    error: str

    @property
    def findings(self) -> set[str]:
        return {one["code"] for one in self.said if one["type"] == "finding"}

    @property
    def notes(self) -> set[str]:
        return {one["code"] for one in self.said if one["type"] == "note"}


def plain(*arguments: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = rokuon_verify.main([str(one) for one in arguments])
    return code, out.getvalue(), err.getvalue()


def verify(bucket: Bucket, *arguments: str | Path, folder: Path | None = None, trust: bool = True, now: str = "") -> Answer:
    """Check the bucket as an auditor does, 25 hours after its last issue."""
    given = [*(("--trust", bucket.key.fingerprint) if trust else ()), "--now", now or bucket.now]
    code, out, err = plain(folder or bucket.root, *given, "--json", *arguments)
    return Answer(code, [json.loads(line) for line in out.splitlines()], err)


def filled(root: Path, **settings: Any) -> Bucket:
    """Return a bucket with four issues: two targets, a late recording, an empty issue, and every kind of line."""
    bucket = Bucket(root, **settings)
    for _ in range(3):
        bucket.copy("2026-10-30")
    bucket.copy("2026-10-30", SALES)
    bucket.other("2026-10-30", "excluded")
    bucket.issue()
    bucket.copy("2026-10-31")
    bucket.copy("2026-10-31", SALES)
    bucket.other("2026-10-31", "gone", closed=1207)
    bucket.other("2026-10-31", "without_recording", closed=1208)
    bucket.other("2026-10-31", "pending")
    bucket.copy("2026-10-31", elsewhere="gs://acme-old")
    bucket.aside("2026-10-31")
    bucket.issue()
    bucket.issue()
    bucket.copy("2026-10-30")
    bucket.issue()
    return bucket
