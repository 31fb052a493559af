"""Any history of a bucket is proven, and any one change of a byte, a file or the order is found.

As a finding; or, if exactly the newest seal is gone, as an overdue one.
"""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .rig import FINDINGS, NOT_PROVEN, PROVEN, verify
from .writer import BILLING, SALES, Bucket, Key

FEW = settings(max_examples=max(40, settings().max_examples // 50), suppress_health_check=list(HealthCheck))
"""An example makes and checks a bucket twice, so the quick profile has fewer of them."""

DAYS = ["2026-10-29", "2026-10-30", "2026-10-31"]


def live(draw: st.DrawFn, root: Path) -> Bucket:
    """Draw a history: issues with recordings of any day and state, erasures with and without redaction, a new key now and then."""
    bucket = Bucket(root)
    seed = 1
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(0, 3))):
            day, target = draw(st.sampled_from(DAYS)), draw(st.sampled_from([BILLING, SALES]))
            act = draw(
                st.sampled_from(["copy", "copy", "copy", "excluded", "gone", "without_recording", "pending", "aside", "elsewhere", "erase"])
            )
            if act in ("copy", "elsewhere"):
                bucket.copy(day, target, elsewhere="gs://old" if act == "elsewhere" else "")
            elif act == "aside":
                bucket.aside(day, target)
            elif act != "erase":
                bucket.other(day, act, target)
            else:
                lines = bucket.days[target, day].lines if (target, day) in bucket.days else []
                here = [place for place, line in enumerate(lines) if line["state"] == "verified" and "bucket" not in line]
                if here and not any(one["issue"] == bucket.number + 1 for one in bucket.receipts):
                    bucket.erase(day, here[0], target, redact=draw(st.booleans()))
        if draw(st.integers(0, 3)) == 0:
            seed += 1
            bucket.issue(rotate={"to": Key(seed).line})
            bucket.key = Key(seed)
        else:
            bucket.issue()
    bucket.copy("2026-10-31")
    bucket.issue()
    return bucket


def mutate(draw: st.DrawFn, bucket: Bucket) -> str:
    """Change one byte, one file or the order of two; return what was done."""
    files = sorted(path for path in bucket.top.rglob("*") if path.is_file())
    path = draw(st.sampled_from(files))
    what = draw(st.sampled_from(["flip", "flip", "remove", "append", "cut", "exchange", "rename", "copy"]))
    data = path.read_bytes()
    if what == "flip":
        place = draw(st.integers(0, len(data) - 1))
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) + data[place + 1 :])
    elif what == "remove":
        path.unlink()
    elif what == "append":
        path.write_bytes(data + draw(st.sampled_from([b"\n", b"\0", b" ", b"}"])))
    elif what == "cut":
        path.write_bytes(data[:-1])
    elif what == "exchange":
        others = [one for one in files if one.read_bytes() != data]
        other = draw(st.sampled_from(others))
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif what == "rename":
        path.rename(path.with_name("renamed.mp3"))
    else:
        shutil.copy(path, path.with_name("copied.mp3"))
    return f"{what} {path.relative_to(bucket.root)}"


@FEW
@given(st.data())
def test_any_history_is_proven_and_any_one_change_is_found(data: st.DataObject) -> None:
    root = Path(tempfile.mkdtemp(prefix="rokuon-custody-"))
    try:
        bucket = data.draw(st.composite(lambda draw: live(draw, root))())
        answer = verify(bucket)
        assert (answer.code, answer.findings) == (PROVEN, set()), answer.said
        done = data.draw(st.composite(lambda draw: mutate(draw, bucket))())
        answer = verify(bucket)
        head = bucket.seal(bucket.number).relative_to(bucket.root)
        if done in (f"remove {head}", f"rename {head}") and answer.code == NOT_PROVEN:
            assert answer.notes >= {"stale", "unsealed"}, answer.said  # a cut tail is overdue, and contradicts nothing
        else:
            assert (answer.code, bool(answer.findings)) == (FINDINGS, True), (done, answer.said)
    finally:
        shutil.rmtree(root)
