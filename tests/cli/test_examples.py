"""Every command's help ends with examples, in the reader's language, and each of them is a line that the command takes."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rokuon.cli import main as cli
from rokuon.cli.examples import EXAMPLES

from .conftest import Rokuon


def visible(command: click.Command, context: click.Context) -> Iterator[str]:
    """The paths of all commands below this one."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            if not found.hidden:
                child = click.Context(found, parent=context, info_name=name)
                yield child.command_path
                yield from visible(found, child)


def test_every_command_has_an_example_and_every_example_a_command() -> None:
    assert set(visible(cli.rokuon, click.Context(cli.rokuon, info_name="rokuon"))) == set(EXAMPLES)


@pytest.mark.parametrize("line", sorted({line for examples in EXAMPLES.values() for _purpose, line in examples}))
def test_an_example_is_a_line_that_the_command_takes(line: str) -> None:
    typed = line.partition(" > ")[0]
    _rokuon, *arguments = shlex.split(typed)
    if arguments[0] == "--data":
        del arguments[:2]
    parse(cli.rokuon, click.Context(cli.rokuon, info_name="rokuon"), arguments)


def test_an_example_with_an_option_that_is_not_there_would_be_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(cli.rokuon, click.Context(cli.rokuon, info_name="rokuon"), ["bucket", "add", "gs://acme", "--no-such"])


def parse(group: click.Group, context: click.Context, arguments: list[str]) -> None:
    """Parse the line as the command does, without running it."""
    name, command, rest = group.resolve_command(context, arguments)
    assert command is not None
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        parse(command, click.Context(command, parent=context, info_name=name), rest)
    else:
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", ["rule enable", "status", "notices", "notices to add"])
def test_the_help_shows_the_examples_in_the_readers_language(outer: Path, path: str) -> None:
    rokuon = Rokuon(outer)
    english, japanese = rokuon(*path.split(), "--help"), rokuon(*path.split(), "--help", LANG="ja_JP.UTF-8")
    assert "Examples:" in english.out
    assert "例:" in japanese.out
    for _purpose, line in EXAMPLES[f"rokuon {path}"]:
        assert f"{line}\n" in english.out
        assert f"{line}\n" in japanese.out
    assert all(purpose not in japanese.out for purpose, _line in EXAMPLES[f"rokuon {path}"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_rokuon(outer: Path, shell: str) -> None:
    answer = Rokuon(outer)("completion", shell)
    assert (answer.code, "_ROKUON_COMPLETE" in answer.out, f"{shell}_complete" in answer.out) == (0, True, True)


def test_another_shell_is_refused_with_those_that_are_known(outer: Path) -> None:
    answer = Rokuon(outer)("completion", "tcsh")
    assert (answer.code, "bash" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["rokuon", "ba"], {"backup-now"}),
        (["rokuon", "bucket", ""], {"add", "declare", "list", "remove", "rename", "restart", "verify"}),
        (["rokuon", "rule", "enable", "--k"], {"--kind"}),
        (["rokuon", "zzz"], set()),
    ],
)
def test_bash_completes_commands_and_options(outer: Path, tmp_path: Path, words: list[str], found: set[str]) -> None:
    """The real script in a real bash, with a `rokuon` on the PATH. Nothing is created."""
    program = tmp_path / "rokuon"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rokuon "$@"\n')
    program.chmod(0o755)
    rokuon = Rokuon(outer)
    (tmp_path / "script").write_text(rokuon("completion", "bash").out)
    words_of_bash = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}"
    line = f'. {tmp_path}/script; {words_of_bash}; _rokuon_completion rokuon; printf "%s\\n" "${{COMPREPLY[@]}}"'
    environment = {**rokuon.environment, "PATH": f"{tmp_path}:{rokuon.environment['PATH']}"}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (set(done.stdout.split()), done.stderr) == (found, "")
    assert not rokuon.data.exists()
