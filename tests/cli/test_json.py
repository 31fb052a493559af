"""What --json writes is what docs/reference/json promises. `Rokuon` (conftest) holds every output of every test against it; here are the
commands that no other test runs, and what the schemas themselves must be."""

import click
import pytest
from jsonschema import Draft202012Validator
from tools import json_schemas

from rokuon.cli import main as cli

from . import schemas
from .conftest import Rokuon
from .test_examples import visible


def with_json() -> set[str]:
    root = click.Context(cli.rokuon, info_name="rokuon")
    found = set()
    for path in visible(cli.rokuon, root):
        command: click.Command = cli.rokuon
        for name in path.split()[1:]:
            assert isinstance(command, click.Group)
            below = command.get_command(root, name)
            assert below is not None
            command = below
        if any("--json" in one.opts for one in command.params):
            found.add(path.removeprefix("rokuon "))
    return found


def test_every_command_with_json_has_a_schema_and_every_schema_a_command() -> None:
    assert set(json_schemas.SCHEMAS) == with_json()
    assert {path.name for path in schemas.FOLDER.iterdir()} == {json_schemas.file_name(command) for command in json_schemas.SCHEMAS}


@pytest.mark.parametrize(
    "line",
    [
        "admin-link",
        "audit log",
        "audit sign-ins",
        "backup-now --dry-run",
        "backup-now --detach",
        "bucket list",
        "company list",
        "doctor",
        "failures",
        "failures --list",
        "notices",
        "notices set --no-weekly",
        "notices to list",
        "people invite someone@example.com --role viewer",
        "people list",
        "recordings",
        "recordings Ann",
        "runs",
        "settings show",
        "status",
        "sync",
    ],
)
def test_a_command_writes_what_its_schema_names(ready: Rokuon, line: str) -> None:
    answer = ready(*line.split(), "--json")
    assert answer.code in (0, 1), answer.err
    assert answer.out, "held against its schema when it was read"


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ('{"acknowledged": true}', False),
        ('{"acknowledged": "yes"}', True),
        ("{}", True),
        ('{"acknowledged": true, "surprise": 1}', True),
    ],
)
def test_another_type_a_lost_field_and_an_unnamed_field_are_noticed(written: str, wrong: bool) -> None:
    if wrong:
        with pytest.raises(AssertionError):
            schemas.hold(["notices", "ack", "7", "--json"], written)
    else:
        schemas.hold(["notices", "ack", "7", "--json"], written)


def test_a_reader_may_meet_new_fields() -> None:
    assert Draft202012Validator(json_schemas.document("notices ack")).is_valid({"acknowledged": True, "of_tomorrow": 1})
