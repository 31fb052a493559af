"""The Japanese catalogue is complete, keeps placeholders and commands, and covers every page of help."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "src/rokuon/locale/ja/LC_MESSAGES/django.po"

# Names, which read the same in both languages.
SAME = {"Dialpad", "Google Cloud Storage"}

# Parts that a translation must keep besides its placeholders: commands, options, settings, addresses, scopes.
KEPT = re.compile(r"`[^`]+`|--[a-z][a-z-]*|ROKUON_[A-Z_]+|(?:gs|file|https?|postgresql)://[\w./:@-]*\w|calls:list|recordings_export")

# Placeholders that hold Japanese words of our own, and so continue the sentence without a space.
PHRASES = {"age", "factor", "lists", "recordings", "way", "where"}

HELP = """
import sys
import click
from rokuon.cli.main import rokuon, run

def pages(command, words):
    yield words
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from pages(command.get_command(context, name), [*words, name])

for words in pages(rokuon, []):
    assert run([*words, "--help"]) == 0
"""


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tool_messages", ROOT / "tools/messages.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = tool
    spec.loader.exec_module(tool)
    return tool


def translated(entry: polib.POEntry) -> str:
    return str(entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr)


def entries() -> Iterator[tuple[str, str]]:
    for entry in polib.pofile(str(CATALOGUE)):
        yield entry.msgid_plural or entry.msgid, translated(entry)


def test_the_catalogue_is_complete(messages: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.main(["--check"]) == 0, capsys.readouterr().err


def test_every_translation_keeps_the_placeholders(messages: ModuleType) -> None:
    assert [source for source, ja in entries() if messages._placeholders(source) != messages._placeholders(ja)] == []


def test_every_translation_keeps_commands_options_and_addresses() -> None:
    assert [source for source, ja in entries() if set(KEPT.findall(source)) - set(KEPT.findall(ja))] == []


def test_every_translation_begins_and_ends_as_the_source_does() -> None:
    def edges(text: str) -> tuple[int, int]:
        return len(text) - len(text.lstrip("\n")), len(text) - len(text.rstrip("\n"))

    assert [source for source, ja in entries() if edges(source) != edges(ja)] == []


def test_a_sentence_stays_a_sentence() -> None:
    """A full stop at the end of one is a 。 at the end of the other, because the program joins sentences."""
    full_stop = re.compile(r"(?<!\.\.)[.?]\n*$")
    assert [source for source, ja in entries() if bool(full_stop.search(source)) != ja.rstrip("\n").endswith("。")] == []


def test_nothing_was_left_in_english() -> None:
    assert [source for source, ja in entries() if source == ja and source not in SAME] == []
    plain = [source for source, ja in entries() if ja.isascii() and source not in SAME]
    assert [source for source in plain if re.search("[A-Za-z]{2}", re.sub(r"%\(\w+\)[\d.]*\w|\{\w+\S*\}", "", source))] == []


def test_japanese_and_latin_are_parted_by_a_space() -> None:
    """As in Dialpad's article. A placeholder may contain either, so it does not count."""
    touching = re.compile(r"[ぁ-んァ-ヶ一-龠][A-Za-z0-9`]|(?<!\)[sdrf])(?<!\{\w)[A-Za-z0-9`][ぁ-んァ-ヶ一-龠]")
    assert [ja for _source, ja in entries() if touching.search(re.sub(r"%\(\w+\)[\d.]*\w|\{\w+\S*?\}", " ", ja))] == []


def test_a_name_is_set_off_by_spaces_whatever_its_script() -> None:
    """One rule for names, paths and numbers that are put into a sentence. PHRASES are Japanese text of our own."""
    placeholder = r"%\((\w+)\)[\d.,]*\w"
    touching = re.compile(rf"{placeholder}(?:</\w+>)?[ぁ-んァ-ヶ一-龠]|[ぁ-んァ-ヶ一-龠](?:<\w+>)?{placeholder}")
    assert [ja for _source, ja in entries() if any({*hit.groups()} - {None, *PHRASES} for hit in touching.finditer(ja))] == []


@pytest.fixture(scope="module")
def japanese_help(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All pages of help, printed by one process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "ROKUON_"))}
    answer = subprocess.run(
        [sys.executable, "-c", HELP],
        env={
            **environment,
            "LANG": "ja_JP.UTF-8",
            "PYTHONUTF8": "1",
            "COLUMNS": "100",
            "ROKUON_DATA_DIR": str(tmp_path_factory.mktemp("none")),
        },
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    return answer.stdout


def test_help_has_no_untranslated_sentence(japanese_help: str) -> None:
    # Commands to type ("To begin") and usage lines are the same in every language.
    lines = [line.strip() for line in japanese_help.splitlines()]
    english = [line for line in lines if line.isascii() and len(re.findall(r"(?<!\S)[A-Za-z][a-z']*[.,;:]?(?!\S)", line)) > 4]
    assert [line for line in english if not line.startswith("rokuon ")] == []


def test_help_covers_every_command_and_fits_the_screen(japanese_help: str) -> None:
    from rich.cells import cell_len

    from rokuon.cli.main import COMMANDS

    assert japanese_help.count("使い方: rokuon") > len(COMMANDS)
    assert "Usage:" not in japanese_help
    assert "Options" not in japanese_help
    assert [line for line in japanese_help.splitlines() if cell_len(line) > 100] == []


def test_lines_of_help_break_where_japanese_may_break() -> None:
    from rokuon.cli.support.click_i18n import wrap

    text = "バケットの一覧取得、書き込み、読み戻し（call-recordings/）を確認しました。`rokuon status` で確認できます。"
    for width in range(20, 60):
        lines = wrap(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert not any(line[0] in "、。）ー" or line[-1] in "（" for line in lines)
        assert not any(line.endswith("バケッ") or line.endswith("call") for line in lines)


def test_errors_of_click_follow_the_language_that_was_chosen(tmp_path: Path) -> None:
    def said(**variables: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "ROKUON_"))}
        ran = subprocess.run(
            [sys.executable, "-m", "rokuon", "init", "--wrong"],
            env={**environment, "PYTHONUTF8": "1", "ROKUON_DATA_DIR": str(tmp_path / "none"), **variables},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        assert ran.returncode == 2
        return ran.stderr

    assert "エラー: オプション '--wrong' はありません。" in said(LANG="ja_JP.UTF-8")
    assert "エラー: オプション '--wrong' はありません。" in said(LANG="C.UTF-8", ROKUON_LANGUAGE="ja")
    assert "Error: No such option '--wrong'." in said(LANG="ja_JP.UTF-8", LANGUAGE="ja", ROKUON_LANGUAGE="en")
