"""The test of the tests can be trusted: a bug is planted where it belongs, and one that nobody notices is said."""

import re
import subprocess
from pathlib import Path

import pytest
from tools import mutants
from tools.mutants import CAUGHT, REFUSED, SOMETHING_ELSE, Mutant, Outcome, Refused

ROOT = Path(__file__).resolve().parents[2]
TABLE, LEFT_OUT = mutants.read_table(ROOT / mutants.TABLE)


@pytest.fixture(autouse=True)
def plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs within these tests need no plugins, which take a second to load."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


SOURCE = "def double(number):\n    return 2 * number\n"
NOTICES = "from rokuon.sums import double\n\ndef test_it_doubles():\n    assert double(3) == 6\n"
BLIND = "from rokuon.sums import double\n\ndef test_it_answers():\n    assert double(3)\n"


@pytest.mark.parametrize("mutant", TABLE, ids=lambda mutant: mutant.name)
def test_every_bug_of_the_table_can_be_planted_and_names_tests_that_exist(mutant: Mutant) -> None:
    mutants.planted((ROOT / mutant.file).read_text(), mutant)
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).exists(), file
        assert not name or re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), test


def test_the_page_shows_the_bugs_of_the_table() -> None:
    shown = re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / mutants.PAGE).read_text(), re.MULTILINE)
    assert shown == [one.name for one in TABLE], "make mutants ARGS=--write"
    assert len(shown) == len(set(shown))


def test_the_whole_list_of_the_research_is_planted_or_said_to_have_no_place() -> None:
    """Eleven variants and ten further bugs; a cursor loop is two here."""
    assert len([one for one in TABLE if one.of == "5.4"]) + len(LEFT_OUT) == 22
    assert len([one for one in TABLE if one.of == "reader"]) >= 16


@pytest.mark.parametrize(("text", "times"), [("", 0), ("a == b\na == b\n", 2)])
def test_an_old_text_that_does_not_stand_there_once_is_refused(text: str, times: int) -> None:
    with pytest.raises(Refused, match=f"the old text stands {times} times in sums.py"):
        mutants.planted(text, Mutant("sum", "reader", "", "sums.py", "a == b", "a != b", ()))


def test_a_change_that_is_no_python_is_refused() -> None:
    with pytest.raises(Refused, match="no Python any more"):
        mutants.planted(SOURCE, Mutant("sum", "reader", "", "sums.py", "2 * number", "2 *", ()))


def checkout(folder: Path, *tests: str, old: str = "return 2 * number", new: str = "return 3 * number") -> Path:
    """A small one with one bug in its table, which all of these tests should notice."""
    for name, text in {
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "src/rokuon/__init__.py": "",
        "src/rokuon/sums.py": SOURCE,
        "tools/mutants.toml": f"""
            [[mutant]]
            name = "triples"
            of = "reader"
            breaks = "It triples"
            file = "src/rokuon/sums.py"
            old = "{old}"
            new = "{new}"
            tests = ["tests"]
            """,
        **{f"tests/test_{number}.py": text for number, text in enumerate(tests)},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    author = ["-c", "user.name=Ann", "-c", "user.email=ann@acme.example", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--no-verify", "--message", "a bug"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def test_a_bug_that_a_test_notices_is_caught_and_the_checkout_stays_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main([], checkout(tmp_path, NOTICES)) == CAUGHT
    assert "tests/test_0.py::test_it_doubles" in capsys.readouterr().out
    assert (tmp_path / "src/rokuon/sums.py").read_text() == SOURCE


def test_a_bug_that_nobody_notices_survives_and_the_end_is_1_and_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["--write"], checkout(tmp_path, BLIND)) == SOMETHING_ELSE == 1
    assert "SURVIVED" in capsys.readouterr().out
    assert not (tmp_path / mutants.PAGE).exists()


def test_the_page_names_the_bug_the_test_and_the_commit(tmp_path: Path) -> None:
    (tmp_path / mutants.PAGE).parent.mkdir(parents=True)
    assert mutants.main(["--write"], checkout(tmp_path, NOTICES)) == CAUGHT
    written = (tmp_path / mutants.PAGE).read_text()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(r"^\| `triples` \| reader \| It triples \| `tests/test_0.py::test_it_doubles` \|", written, re.MULTILINE)
    assert f"at commit `{commit.stdout.strip()}`." in written


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return 2 * number", "return nobody(number)", "an error and no failure"),
        ("return 2 * number", "import nothing_of_this_name", "an error and no failure"),
        ("def double", "raise ImportError\\ndef double", "pytest ended with 2"),
    ],
)
def test_a_program_that_cannot_run_is_no_bug_that_was_caught(
    old: str, new: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mutants.main([], checkout(tmp_path, NOTICES, old=old, new=new)) == SOMETHING_ELSE
    assert said in capsys.readouterr().out


def test_a_run_out_of_time_says_nothing(tmp_path: Path) -> None:
    copy = checkout(tmp_path / "checkout", "import time\n\ndef test_it():\n    time.sleep(600)\n")
    assert mutants.run_tests(copy, ["tests"], 0.3) == Outcome(trouble="not over after 0.3 s")


def test_tests_that_fail_without_the_bug_catch_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main([], checkout(tmp_path, NOTICES, "def test_it():\n    assert False\n")) == SOMETHING_ELSE
    assert "the tests do not pass without the bug" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"), [(["quadruples"], "No bug of this name"), (["triples", "--write"], "The page is of the whole table")]
)
def test_a_question_that_cannot_be_answered_is_refused(
    asked: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mutants.main(asked, checkout(tmp_path, NOTICES)) == REFUSED
    assert said in capsys.readouterr().err
