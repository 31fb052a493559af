"""Documentation stays correct: generated pages are current and complete, links work, both languages show the same commands."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rokuon.cli.main import COMMANDS, FINISHED_WITH_FAILURES, INTERNAL, INTERRUPTED, OK, USAGE
from rokuon.config import Config
from rokuon.domain.failures import leaves
from rokuon.ledger import bucket_change, exclude
from rokuon.simulator.switches import Switches

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAIRS = [("README.md", "README.ja.md"), ("docs/guide.md", "docs/guide.ja.md"), ("docs/verify.md", "docs/verify.ja.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def pages() -> list[Path]:
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, check=False
    )
    if found.returncode == 0:
        return [ROOT / name for name in sorted(found.stdout.decode().split("\0")) if name and (ROOT / name).is_file()]
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def headings(name: str) -> set[str]:
    return set(HEADING.findall(without_blocks((REFERENCE / name).read_text())))


def without_blocks(text: str) -> str:
    return FENCE.sub("", text)


def anchor(heading: str) -> str:
    """Return the anchor of a heading as GitHub makes it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def test_generated_pages_are_current() -> None:
    done = subprocess.run([sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_reason_code_has_its_section() -> None:
    excluded = {
        value for module in (exclude, bucket_change) for name, value in vars(module).items() if name.isupper() and isinstance(value, str)
    }
    codes = {leaf.reason for leaf in leaves()} | {value for value in excluded if re.fullmatch(r"[a-z_]+", value)}
    assert len(codes) > 40
    assert codes - headings("reasons.md") == set()


def test_every_setting_has_its_section() -> None:
    assert {f"ROKUON_{name.upper()}" for name in Config.model_fields} - headings("configuration.md") == set()


def test_every_command_has_its_section() -> None:
    assert {f"rokuon {name}" for name in COMMANDS} - headings("commands.md") == set()


def test_every_switch_of_the_simulator_is_listed_and_those_of_open_questions_are_explained() -> None:
    listed = (REFERENCE / "simulator.md").read_text()
    explained = (ROOT / "docs/design/listing.md").read_text()
    for name in vars(Switches()):
        assert f"`{name}`" in listed
    for name in set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", explained.partition("## Open questions")[2])):
        assert name in vars(Switches()) or name in {leaf.reason for leaf in leaves()}, f"{name} is no switch and no reason code"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_relative_link_is_dead(page: Path) -> None:
    dead = [link for link in LINK.findall(without_blocks(page.read_text())) if not leads_somewhere(page, link)]
    assert dead == []


def leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    name, _, fragment = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not fragment or fragment in {anchor(heading) for heading in HEADING.findall(without_blocks(target.read_text()))}


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_show_the_same_commands(english: str, japanese: str) -> None:
    assert list(commands_of(japanese)) == list(commands_of(english))


def commands_of(name: str) -> Iterator[str]:
    """Yield the blocks that people copy. The output of a command ("text") may be in the reader's language."""
    for language, block in FENCE.findall((ROOT / name).read_text()):
        if language != "text":
            yield block


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_have_the_same_parts(english: str, japanese: str) -> None:
    assert levels(japanese) == levels(english)


def levels(name: str) -> list[int]:
    return [len(found) for found in re.findall(r"^(#+) ", without_blocks((ROOT / name).read_text()), re.MULTILINE)]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_exit_codes_are_those_of_the_program(name: str) -> None:
    codes = re.findall(r"^\| (\d+) \|", (ROOT / name).read_text(), re.MULTILINE)
    assert codes == [str(code) for code in (OK, FINISHED_WITH_FAILURES, USAGE, INTERNAL, INTERRUPTED)]


HELP = re.compile(r"^#+ rokuon ([a-z -]+)\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_folder_of_tests_says_what_it_proves() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text()
    folders = [path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in folders if f"`tests/{name}`" not in told] == []


COMMAND = re.compile(r"^(?:sudo -u rokuon |docker compose (?:exec|run --rm) \w+ )?rokuon ([a-z-]+)(?: (.*))?$", re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in pages() if "reference" not in page.parts], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_in_the_docs_exist(page: Path) -> None:
    """A command in a block exists, and the help of the command lists each of its long options."""
    help_of = dict(HELP.findall((REFERENCE / "commands.md").read_text()))
    for language, block in FENCE.findall(page.read_text()):
        if language == "text":
            continue
        for name, rest in COMMAND.findall(block):
            assert name in COMMANDS, f"rokuon {name}"
            if name == "simulator":
                continue
            word = (rest or "").split(" ")[0]
            known = help_of.get(f"{name} {word}", help_of[name])
            for option in re.findall(r"(?<!\S)--[a-z-]+", (rest or "").partition("#")[0]):
                assert option in known or option.replace("--no-", "--") in known, f"rokuon {name} {rest}: {option}"
