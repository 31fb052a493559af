import gettext
from pathlib import Path

import polib
import pytest
from tools import messages

from rokuon.base import i18n

CODE = """
from somewhere import _, N_, ngettext
advice = N_("Try " "again.")
def f(name, n):
    _(advice)
    _("Hello %(name)s.") % {"name": name}
    return ngettext("%(n)d file", "%(n)d files", n)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "rokuon").mkdir()
    (tmp_path / "rokuon" / "code.py").write_text(CODE)
    return tmp_path


def catalogue(source: Path) -> Path:
    return source / "rokuon" / "locale" / "ja" / "LC_MESSAGES" / "django.po"


def translate(source: Path, **changes: str) -> None:
    assert messages.main([], source) == 0
    texts = {"Try again.": "もう一度試してください。", "Hello %(name)s.": "こんにちは、%(name)s。", "%(n)d file": "%(n)d 個"}
    po = polib.pofile(str(catalogue(source)))
    for entry in po:
        translated = changes.get(entry.msgid.split()[0], texts[entry.msgid])
        if entry.msgid_plural:
            entry.msgstr_plural = {0: translated}
        else:
            entry.msgstr = translated
    po.save()


def test_a_complete_catalogue_passes_and_is_what_gettext_reads(source: Path) -> None:
    translate(source)
    assert messages.main(["--check"], source) == 1, "the .mo is older than the .po"
    assert messages.main([], source) == 0
    assert messages.main(["--check"], source) == 0
    found = gettext.translation("django", source / "rokuon" / "locale", ["ja"])
    assert found.gettext("Try again.") == "もう一度試してください。"
    assert found.ngettext("%(n)d file", "%(n)d files", 5) == "%(n)d 個"


def test_collecting_again_changes_no_byte(source: Path) -> None:
    translate(source)
    messages.main([], source)
    before = [catalogue(source).read_bytes(), catalogue(source).with_suffix(".mo").read_bytes()]
    messages.main([], source)
    assert [catalogue(source).read_bytes(), catalogue(source).with_suffix(".mo").read_bytes()] == before


@pytest.mark.parametrize(
    ("change", "said"),
    [({"Try": ""}, "not translated"), ({"Hello": "こんにちは。"}, "placeholders differ"), ({"%(n)d": "%(m)d 個"}, "placeholders differ")],
)
def test_an_incomplete_translation_fails_the_check(
    source: Path, change: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    translate(source, **change)
    messages.main([], source)
    assert messages.main(["--check"], source) == 1
    assert said in capsys.readouterr().err


def test_new_removed_and_fuzzy_messages_fail_the_check(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    translate(source)
    messages.main([], source)
    (source / "rokuon" / "code.py").write_text(CODE.replace("Try", "Do not try"))
    po = polib.pofile(str(catalogue(source)))
    po.find("Hello %(name)s.").flags.append("fuzzy")
    po.save()
    assert messages.main(["--check"], source) == 1
    said = capsys.readouterr().err
    assert "missing: 'Do not try again.'" in said
    assert "obsolete: 'Try again.'" in said
    assert "fuzzy: 'Hello %(name)s.'" in said


def test_a_message_built_at_run_time_is_refused_with_its_place(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "rokuon" / "bad.py").write_text('x = 1\n_(f"Hello {x}")\n')
    assert messages.main([], source) == 1
    assert "rokuon/bad.py:2" in capsys.readouterr().err


def test_a_language_without_a_message_falls_back_to_english() -> None:
    before = i18n.language()
    try:
        i18n.activate("ja")
        assert i18n.language() == "ja"
        assert i18n._("no such message") == "no such message"
        assert i18n.ngettext("%d a", "%d b", 2) == "%d b"
    finally:
        i18n.activate(before)


def test_the_sources_own_messages_can_be_collected() -> None:
    found = messages.collect(messages.SOURCE)
    assert len(found) > 50
    assert "rokuon/domain/failures.py" in found["Correct the setting named and try again."].files
