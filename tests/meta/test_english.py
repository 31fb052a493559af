"""Forbidden phrases: riddles and metaphors that were replaced by the plain words of the field."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
READ = {".py", ".html", ".txt"}
WRITTEN = {"tenancy.md"}
"""Made from tests, which `make check` reads."""

INSTEAD = {
    "is told from now on": "will receive notifications",
    "who is told": "recipients",
    "nothing is left of this": "no ... are left for this",
    "else was quicker": "already done by someone else",
    "take the tick away": "clear the checkbox",
    "goes on where it (was|stood)": "resumes where it left off",
    "lets? it go on": "resumes it",
    "has become more": "has increased",
    "whom to let in": "grant access to",
    "leaves? the house": "leave your infrastructure",
    "(some|any)body": "someone, anyone, a person, an admin",
    "whoever": "anyone who, the caller",
    "(is|are|was|were|be) told": "is notified",
    "tells? (of|apart)": "reports, distinguishes",
    "of late": "recently",
    "for long": "for a long time",
    "mend(s|ed|ing)?": "fix, repair",
    "what (it|they) came to": "result",
    "hand(s|ed|ing)? (out|back)": "return, serve",
    "take(s|n)? away": "remove",
    "stands? (there|in|on)": "is in",
    "upside down": "reversed",
    "goes on": "continues, resumes",
    "anew": "again",
    "by (itself|themselves)": "automatically, on its own",
}
"""Forbidden phrases as patterns of words, case-insensitive, with the plain alternative."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield what people read: the source with its docstrings, messages and templates, and the documents in English. The catalogue and
    `docs/reference` are generated from these."""
    paths = [path for path in (ROOT / "src" / "rokuon").rglob("*") if path.suffix in READ and "__pycache__" not in path.parts]
    paths += [ROOT / name for name in NAMED]
    paths += [path for folder in ("docs", "docs/design") for path in (ROOT / folder).glob("*.md") if not path.name.endswith(".ja.md")]
    for path in sorted(paths):
        if path.name not in WRITTEN:
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def pattern(phrase: str) -> re.Pattern[str]:
    """Return a pattern that also finds the phrase if a line, a comment or a string literal is broken between two of its words."""
    return re.compile(r"\b" + phrase.replace(" ", r"""["'\s#]+""") + r"\b", re.IGNORECASE)


@pytest.mark.parametrize("phrase", INSTEAD)
def test_plain_english(phrase: str) -> None:
    sought = pattern(phrase)
    found = [f"{name}:{text.count(chr(10), 0, hit.start()) + 1}" for name, text in texts() for hit in sought.finditer(text)]
    assert found == [], f"say it plainly: {INSTEAD[phrase]}"


@pytest.mark.parametrize("broken", ["who is told", "Who is\n    told", 'N_("Who is "\n        "told")', "# who\n# is told"])
def test_a_phrase_is_found_across_broken_lines(broken: str) -> None:
    assert pattern("who is told").search(broken)


def test_a_phrase_is_not_found_inside_other_words() -> None:
    assert not pattern("for long").search("for longer than an hour")
