"""The sample outputs of docs/verify.md are what the verifier prints, in both languages."""

import re
from pathlib import Path

import pytest

from .rig import filled, plain
from .test_attacks import add, alter, cut
from .writer import sha256

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def printed(outer: Path, language: str) -> set[str]:
    untouched, altered, shortened = (filled(outer / name) for name in ("untouched", "altered", "cut"))
    remembered = sha256(shortened.seal(4).read_bytes())
    alter(altered)
    sorted(altered.top.glob("Billing/*/*.mp3"))[2].unlink()
    add(altered)
    cut(shortened)
    lines: set[str] = set()
    for bucket, more in ((untouched, ()), (altered, ()), (shortened, ()), (shortened, ("--head", f"4:{remembered}"))):
        given = ["--trust", bucket.key.fingerprint, "--now", bucket.now, "--lang", language, *more]
        lines |= set(plain(bucket.root, *given)[1].splitlines())
    return lines


@pytest.mark.parametrize(("page", "language"), [("verify.md", "en"), ("verify.ja.md", "ja")])
def test_every_line_of_the_samples_is_printed(page: str, language: str, outer: Path) -> None:
    samples = {line for block in BLOCK.findall((DOCS / page).read_text()) for line in block.splitlines()} - {"...", ""}
    assert len(samples) > 10
    assert samples - printed(outer, language) == set()


@pytest.mark.parametrize("page", ["verify.md", "verify.ja.md"])
def test_every_code_of_the_verifier_is_explained(page: str) -> None:
    source = (DOCS.parent / "src/rokuon/custody/rokuon_verify.py").read_text()
    codes = set(re.findall(r'report\.(?:finding|note)\(\s*"([a-z_]+)"', source)) | {
        "changed",
        "double",
        "chains_disagree",
        "custody_altered",
    }
    assert len(codes) > 30
    told = (DOCS / page).read_text()
    assert {code for code in codes if f"`{code}`" not in told} == set()
