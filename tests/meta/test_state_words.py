"""One word for each state in each language: one table has them, and no module or template beside it has a word of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rokuon.base.i18n import speaking
from rokuon.base.state_words import WORDS, state_word
from rokuon.domain.copies import State
from rokuon.ledger.models import Run

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rokuon"
TABLE = "base/state_words.py"
JAPANESE = {"verified": "検証済み", "pending": "待機中", "held": "保留中", "failed": "失敗", "gone": "消失", "excluded": "対象外"}

OF_RECORDINGS = {WORDS[state] for state in JAPANESE} | {"Gone", "Held", "Waiting", "Queued", "Excluded by rule", "Backed up"}
"""What pages, commands and mails have called the states of recordings, so none of these may come back beside the table."""

NOT_A_RECORDING = {("console/templates/console/notifications/notices.html", "Waiting")}
"""A mail in the outbox."""

TRANSLATED = {"_", "N_", "gettext", "gettext_noop", "gettext_lazy", "ngettext"}
TAG = re.compile(r"""(?:translate\s+|_\()["']([^"']+)["']""")


def words() -> Iterator[tuple[str, str]]:
    """Yield every text that is translated as a whole, with its file."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if "migrations" in path.parts or name == TABLE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TRANSLATED:
                yield from ((name, arg.value) for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
    for path in sorted(SOURCE.rglob("*.html")):
        yield from ((path.relative_to(SOURCE).as_posix(), text) for text in TAG.findall(path.read_text()))


def test_no_word_for_a_state_stands_beside_the_table() -> None:
    assert {one for one in words() if one[1] in OF_RECORDINGS} == NOT_A_RECORDING


def test_the_search_finds_texts_of_modules_and_templates() -> None:
    found = {text for _name, text in words()}
    assert {"Discovered", "Recordings", "Coverage calendar"} <= found


@pytest.mark.parametrize("state", [*State, *Run.State])
def test_every_state_has_a_word_in_both_languages(state: str) -> None:
    with speaking("en"):
        english = state_word(state)
    with speaking("ja"):
        assert state_word(state) != english


def test_the_words_are_those_of_the_article_and_the_glossary() -> None:
    with speaking("ja"):
        assert {state: state_word(state) for state in JAPANESE} == JAPANESE


def test_no_two_states_share_a_word() -> None:
    for language in ("en", "ja"):
        with speaking(language):
            assert len({state_word(state) for state in WORDS}) == len(WORDS)


def test_a_state_without_a_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        state_word("unheard_of")
