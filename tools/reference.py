"""Writes docs/reference from the code, so that it cannot rot: settings, commands, reason codes, switches of the simulator.

python tools/reference.py            write the pages
python tools/reference.py --check    change nothing; fail when a page is out of date, and name it
"""

import argparse
import gettext
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"

sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
# The pages show the code's defaults, not the settings of this machine.
for _name in [name for name in os.environ if name.startswith("ROKUON_") or name == "STORAGE_EMULATOR_HOST"]:
    del os.environ[_name]

from rokuon.base import i18n  # noqa: E402 (the path comes first)

i18n.activate("en")

import click  # noqa: E402 (commands take their words at import, so the language comes first)

from rokuon.base.i18n import LOCALE_DIR  # noqa: E402
from rokuon.cli import main as cli  # noqa: E402
from rokuon.config import PREFIX, Config  # noqa: E402
from rokuon.domain import failures, retry  # noqa: E402
from rokuon.domain.failures import Decision, HoldOn, Responsible, RokuonError  # noqa: E402
from rokuon.ledger import bucket_change, exclude  # noqa: E402
from rokuon.simulator.switches import Switches  # noqa: E402
from tools import json_schemas  # noqa: E402

WRITTEN = "<!-- Written by tools/reference.py. Do not edit: run `make reference`. -->\n"
NARROW: dict[str, Any] = {"terminal_width": 100, "max_content_width": 100}


def configuration() -> str:
    """Return the page with every setting of the environment."""
    parts = [
        "# Settings of the environment",
        "Rokuon reads these variables when it starts. What people change while it runs (buckets, rules, the request budget) is in the "
        "database: see `rokuon settings`.\n\n"
        "A secret may stand in a file instead: `NAME_FILE` names the file. A misspelt name is refused with the name that was meant.",
    ]
    for name, info in Config.model_fields.items():
        secret = "SecretStr" in str(info.annotation)
        default = _default(name, info.default)
        facts = ([f"- Default: {default}"] if default else []) + _values(info)
        if secret:
            facts.append(f"- Secret: may be given as `{PREFIX}{name.upper()}_FILE`")
        parts.append("\n\n".join([f"## {PREFIX}{name.upper()}", str(info.description), *(["\n".join(facts)] if facts else [])]))
    return _page(parts)


def _default(name: str, value: Any) -> str:
    if name == "language":
        return "what `LC_ALL`, `LC_MESSAGES` or `LANG` says, else `en`"
    if value in (None, "", (), Path()):
        return ""
    return f"`{value}`"


def _values(info: Any) -> list[str]:
    if get_origin(info.annotation) is Literal:
        return ["- Values: " + ", ".join(f"`{value}`" for value in get_args(info.annotation))]
    bounds = [f"at least {limit.ge}" for limit in info.metadata if getattr(limit, "ge", None) is not None]
    bounds += [f"at most {limit.le}" for limit in info.metadata if getattr(limit, "le", None) is not None]
    return [f"- Values: a whole number, {', '.join(bounds)}"] if bounds else []


def commands() -> str:
    """Return the page with the help of every command, as the command prints it."""
    parts = [
        "# Commands",
        "What `--help` prints, in English; with `ROKUON_LANGUAGE=ja` the same in Japanese. A key or password is never an argument.",
    ]
    for path, command, context in _tree():
        heading = "#" * (2 + max(0, len(path) - 2))
        parts.append(f"{heading} {' '.join(path)}\n\n```text\n{command.get_help(context).rstrip()}\n```")
    return _page(parts)


def _tree() -> Iterator[tuple[list[str], click.Command, click.Context]]:
    group = cli.rokuon
    root = click.Context(group, info_name="rokuon", **{**group.context_settings, **NARROW})
    pending: list[tuple[list[str], click.Command, click.Context]] = [(["rokuon"], group, root)]
    while pending:
        path, command, context = pending.pop(0)
        yield path, command, context
        if isinstance(command, click.Group):
            below = []
            for name in command.list_commands(context):
                found = _command(command, context, name)
                if found is not None and not found.hidden:
                    child = click.Context(found, parent=context, info_name=name, **NARROW)
                    below.append(([*path, name], found, child))
            pending = below + pending


def _command(group: click.Group, context: click.Context, name: str) -> click.Command | None:
    try:
        return group.get_command(context, name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("rokuon.cli."):
            return None  # in the list of commands, but not written yet
        raise


TELL = {
    Responsible.NOBODY: "nobody",
    Responsible.OFFICE: "the office admins",
    Responsible.COMPANY: "the company admins",
    Responsible.OPERATOR: "the operator of this installation",
}
HELD = {
    HoldOn.SOURCE: "everything of the company",
    HoldOn.KIND: "recordings of this kind",
    HoldOn.BUCKET: "recordings for this bucket",
}
GROUPS: dict[type[RokuonError], tuple[str, str]] = {
    failures.SourceError: ("Dialpad", "What happened between Dialpad and Rokuon."),
    failures.StoreError: ("Buckets", "What happened between Rokuon and the bucket or folder."),
    failures.LedgerError: ("Rokuon itself", "What happened inside."),
    failures.ConfigError: ("Configuration", "What a person has set. The command ends with exit code 2 and has changed nothing."),
}
SET_ASIDE = {
    exclude.RULE_DISABLED: "The backup rule of the target was disabled. Enabling it takes the recording back: `rokuon rule enable NAME`.",
    exclude.KIND_NOT_CHOSEN: "Voicemail is not backed up. After `rokuon settings set --voicemail`, the next `rokuon backup-now` lists "
    "the days again and takes it in.",
    bucket_change.BUCKET_CHANGED: "The target's bucket was changed before this one took the recording. The recording has a new row for "
    "the new bucket; this one stays so that nothing is hidden.",
    exclude.EXPIRED_BY_BUCKET_RULE: "The recording was backed up, and the bucket's own rule deleted it at its age. It is not copied again.",
    exclude.RUN_CANCELLED: "The run was cancelled before this recording's turn. The next `rokuon backup-now` takes it back.",
}


def reasons() -> str:
    """Return the page with every reason code: what Rokuon does automatically, who is notified, and the advice."""
    japanese = gettext.translation("django", LOCALE_DIR, languages=["ja"], fallback=True)
    parts = [
        "# Reason codes",
        "A recording that is not backed up carries one of these codes: in `rokuon failures`, `rokuon status`, in the JSON of both, and in "
        "the log. The codes do not change between versions.",
        _how_often(),
    ]
    listed = set()
    for root, (title, about) in GROUPS.items():
        parts.append(f"## {title}\n\n{about}")
        for leaf in [root, *failures.leaves(root)]:
            if leaf.reason and leaf.reason not in listed:
                listed.add(leaf.reason)
                parts.append(_reason(leaf, japanese))
    parts.append("## Set aside by choice\n\nThese recordings are `excluded`: counted, shown, and not copied.")
    parts += [f"### {reason}\n\n{text}" for reason, text in SET_ASIDE.items()]
    return _page(parts)


def _how_often() -> str:
    return "\n".join(
        [
            "- **Tried again**: a passing fault is tried again on the spot (after "
            + " and ".join(_time(seconds) for seconds in retry.QUICK_S)
            + ") where it is short, and then after "
            + ", ".join(_time(seconds) for seconds in retry.AFTER_ERROR_S)
            + ". After the last of these tries the recording is `failed`.",
            "- **Set aside**: `failed` (or `gone`) at once. `rokuon retry`, and the next Back up now, try it again.",
            "- **Held**: nothing is tried and no try is counted. Rokuon looks whether the cause is gone after "
            + ", ".join(_time(seconds) for seconds in retry.PROBE_S)
            + f", the last one repeating (in an outage every {_time(retry.AWAY_PROBE_S[-1])}), and resumes automatically.",
        ]
    )


def _time(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _reason(leaf: type[RokuonError], japanese: gettext.NullTranslations) -> str:
    match leaf.decision:
        case Decision.HOLD:
            decision = f"held: {HELD[leaf.hold_on or HoldOn.SOURCE]}"
        case Decision.AFTER:
            decision = "tried again" + ("" if leaf.spends else "; the tries are not counted")
        case Decision.NEVER:
            decision = "set aside as gone" if leaf is failures.RecordingGone else "set aside"
    lines = [f"### {leaf.reason}", "", f"- Rokuon: {decision}", f"- Concerns: {TELL[leaf.notify]}", f"- English: {leaf.advice}"]
    translated = japanese.gettext(leaf.advice)
    if translated != leaf.advice:
        lines.append(f"- 日本語: {translated}")
    return "\n".join(lines)


def simulator() -> str:
    """Return the page with every switch of the simulator and its values."""
    hints = get_type_hints(Switches)
    rows = [f"| `{one.name}` | {_choices(hints[one.name])} | `{one.default}` |" for one in fields(Switches)]
    return _page(
        [
            "# Switches of the simulator",
            "`rokuon simulator -- --switch NAME=VALUE`, as often as wanted. Each switch plays one possible answer of Dialpad where its "
            "documents leave a question open; [listing.md](../design/listing.md) says which question is which.",
            "\n".join(["| Switch | Values | Default |", "|---|---|---|", *rows]),
        ]
    )


def _choices(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    return {bool: "`True`, `False`", int: "a whole number", float: "a number"}[kind]


def _page(parts: list[str]) -> str:
    return WRITTEN + "\n" + "\n\n".join(parts) + "\n"


def json_page() -> str:
    """Return the page about --json, with the schema of each command."""
    rows = [
        f"| `rokuon {command} --json` | [{json_schemas.file_name(command)}](json/{json_schemas.file_name(command)}) |"
        for command in json_schemas.SCHEMAS
    ]
    return _page(
        [
            "# JSON of the commands",
            "What `--json` writes is stable: a field that a schema below names keeps its name, its type and its meaning. New versions may "
            "add fields, and values where a schema does not list them. Texts for people (`headline`, `says`, `advice`, `why` of a mail, "
            "`scope_name`) are in the reader's language and may change: decide by codes, states, numbers and the exit code.",
            "- Times are ISO 8601 with an offset; days are `YYYY-MM-DD`, in UTC. Sizes are bytes.\n"
            "- One value on standard output, in UTF-8; errors go to standard error, and then standard output may be empty.\n"
            "- `rokuon backup-now --json` and `rokuon retry --watch --json` write one object for each line while they follow their work.\n"
            "- `rokuon probe` writes a report for Rokuon's developers, which is not stable.",
            "\n".join(["| Command | Schema |", "|---|---|", *rows]),
        ]
    )


def json_schema(command: str) -> str:
    return json.dumps(json_schemas.document(command), indent=2, ensure_ascii=False) + "\n"


def man_page(language: str) -> str:
    """Return the man page. Another process writes it, because commands take their words at import."""
    command = [sys.executable, str(ROOT / "tools" / "man_page.py"), language]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "commands.md": commands,
    "reasons.md": reasons,
    "simulator.md": simulator,
    "json.md": json_page,
    **{f"json/{json_schemas.file_name(command)}": partial(json_schema, command) for command in json_schemas.SCHEMAS},
    "man/rokuon.1": partial(man_page, "en"),
    "man/ja/rokuon.1": partial(man_page, "ja"),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is out of date")
    check = parser.parse_args(arguments).check
    stale = []
    for name, write in PAGES.items():
        path, text = FOLDER / name, write()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if check and stale:
        print(f"out of date: {', '.join(stale)}. Run `make reference`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
