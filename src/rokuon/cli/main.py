"""The root command: global options, the list of commands, and the handling of every error.

A command's module is imported when the command is called, after the environment is set: those modules import Django's models, which need a
data folder.
"""

import difflib
import errno
import gc
import importlib
import os
import traceback
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from rokuon import __version__
from rokuon.base import logs
from rokuon.base.i18n import _, join_sentences
from rokuon.domain.failures import N_, ConfigError, Decision, InternalFault, RokuonError, SourceThrottled
from rokuon.runtime.django_start import start_django

from .support import database_errors
from .support.click_i18n import teach_click
from .support.closed_pipes import outlive_readers

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

OK, FINISHED_WITH_FAILURES, USAGE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 130

# name: module below rokuon.cli, whether it needs Django, one line of help
COMMANDS: dict[str, tuple[str, bool, str]] = {
    "init": ("install", False, N_("Make a new installation in the data folder.")),
    "demo": ("demo.commands", False, N_("Try everything on this machine, against a simulated Dialpad.")),
    "admin-link": ("admin_link", True, N_("Print a link that signs you in to the console.")),
    "people": ("people", True, N_("Invite people, list them, disable them.")),
    "audit": ("audit", True, N_("Show who changed or listened to what, and who signed in.")),
    "company": ("company", True, N_("Add a company by its Dialpad API key, list companies, change a key.")),
    "sync": ("company", True, N_("Read offices, contact centers, coaching teams and people from Dialpad.")),
    "bucket": ("bucket", True, N_("Register, list and verify buckets.")),
    "settings": ("settings", True, N_("Show or change which bucket recordings go to, at every level.")),
    "rule": ("rule", True, N_("Enable or disable the call recording backup rules.")),
    "backup-now": ("backup.commands", True, N_("Back up now: the past two years, or the dates you name.")),
    "runs": ("backup.commands", True, N_("List runs of Back up now; pause, resume or cancel one.")),
    "status": ("status", True, N_("Show what is backed up, what waits, and why.")),
    "recordings": ("recordings", True, N_("Find recordings by ID, phone number, agent or date; list or export them.")),
    "failures": ("failures.commands", True, N_("Show failed recordings by cause, and what to do.")),
    "retry": ("failures.commands", True, N_("Try failed recordings again.")),
    "close": (
        "failures.close_commands",
        True,
        N_("Close failed recordings, calls with nothing to fetch, and entries that cannot be read."),
    ),
    "reopen": ("failures.close_commands", True, N_("Open closed failures, calls and entries again.")),
    "accept": ("failures.kept_aside_commands", True, N_("Take files that were kept aside for their recordings.")),
    "discard": ("failures.kept_aside_commands", True, N_("Close recordings whose files that were kept aside are not wanted.")),
    "notices": ("notifications.commands", True, N_("Show notices, their mails and their recipients.")),
    "custody": ("custody", True, N_("Seal buckets: signed proof of what is stored in them.")),
    "certificate": ("certificate", True, N_("Certificate of completeness of some days: to read, and as a file.")),
    "evidence": ("evidence", True, N_("Write a zip for an auditor: certificates, seals, the verifier's output, records.")),
    "up": ("serve", True, N_("Run everything: the console and a worker.")),
    "serve": ("serve", True, N_("Serve the console.")),
    "worker": ("worker", True, N_("Do the work: list, copy and verify recordings.")),
    "doctor": ("doctor.commands", True, N_("Check this installation and all that it depends on.")),
    "migrate": ("install", False, N_("Bring the database to this version of Rokuon.")),
    "drill": ("drill.commands", True, N_("Restore drill: read recordings drawn by lot back from a bucket, and prove them again.")),
    "inventory": ("inventory.commands", True, N_("Inventory: compare a bucket with the ledger, and show what is missing or unknown.")),
    "verifier": ("verifier", False, N_("Print the program with which an auditor checks a bucket without Rokuon.")),
    "probe": ("probe", True, N_("Record, redacted, how a real Dialpad account answers.")),
    "completion": ("completion", False, N_("Print the script for your shell's Tab key: bash, zsh or fish.")),
    "simulator": ("simulator", False, N_("Run a simulated Dialpad on this machine.")),
}


EXIT_CODES = (
    ("0", N_("Done; after a backup: every recording verified, excluded, or closed with a note; no recorded call lacks one.")),
    (
        "1",
        N_(
            "Finished with failures: recordings that failed or still wait, recorded calls with nothing to fetch that nobody has closed, or "
            "a problem that passes without help."
        ),
    ),
    ("2", N_("The command or the configuration has to be corrected; nothing was changed.")),
    ("3", N_("A fault inside Rokuon.")),
    ("130", N_("Stopped by Ctrl-C.")),
)

TO_BEGIN = (
    "rokuon init",
    "rokuon company add",
    "rokuon bucket add gs://NAME",
    "rokuon settings set --enable --bucket gs://NAME",
    "rokuon rule enable --all",
    "rokuon backup-now",
)


class Commands(click.Group):
    """Lists the commands from the table above without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, needs_django, help_text = COMMANDS[name]
        if needs_django:
            start_django()
        command: click.Command = getattr(importlib.import_module(f"rokuon.cli.{module}"), f"{name.replace('-', '_')}_command")
        command.help = command.help or _(help_text)
        gc.freeze()
        gc.enable()  # `rokuon.__main__` disabled it for the start
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            ctx.fail(_no_command(args[0]))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so. click would import each of them first."""
        found = [CompletionItem(name, help=_(help_text)) for name, (_module, _django, help_text) in COMMANDS.items()]
        return [*(one for one in found if one.value.startswith(incomplete)), *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(help_text)) for name, (_module, _django, help_text) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Exit codes")):
            formatter.write_dl([(code, _(meaning)) for code, meaning in EXIT_CODES])
        with formatter.section(_("To begin")):
            for line in TO_BEGIN:
                formatter.write_text(line)


def _no_command(typed: str) -> str:
    sentence = _("There is no command %(name)s. `rokuon --help` lists the commands.") % {"name": repr(typed)}
    near = difflib.get_close_matches(typed.lower(), COMMANDS) or [name for name in COMMANDS if typed.lower() in name.split("-")]
    if not near:
        return sentence
    return join_sentences(sentence, _("Did you mean: %(candidates)s?") % {"candidates": _(", ").join(f"`rokuon {name}`" for name in near)})


def _set_data_dir(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        os.environ["ROKUON_DATA_DIR"] = str(value.expanduser().absolute())


def _set_verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    _log_to_stderr("info" if value else "warning")


def _log_to_stderr(level: str) -> None:
    logs.set_up(level=level, style="text")


@click.command(
    cls=Commands,
    name="rokuon",
    help=_(
        "Backs up the call recordings of the contact centers and coaching teams that a Dialpad company chooses into storage that the "
        "company owns, and proves that none of them is missing."
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    callback=_set_data_dir,
    is_eager=True,
    expose_value=False,
    metavar="DIR",
    help=_("Data folder of the installation; the same as ROKUON_DATA_DIR."),
)
@click.option(
    "-v", "--verbose", is_flag=True, callback=_set_verbose, is_eager=True, expose_value=False, help=_("Say more on standard error.")
)
@click.version_option(__version__, prog_name="rokuon", message="%(prog)s %(version)s", help=_("Show the version."))
def rokuon() -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return the exit code. Errors go to standard error, as a sentence that says what to do."""
    teach_click()
    outlive_readers()
    try:
        code = rokuon.main(list(arguments), prog_name="rokuon", standalone_mode=False)
        return code if isinstance(code, int) else OK
    except click.UsageError as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place that can say what to do
        return _explain(error)


def _explain(error: Exception) -> int:
    if isinstance(error, ConfigError):
        click.echo(_("Error: %(sentence)s") % {"sentence": _(str(error))}, err=True)
        return USAGE
    if isinstance(error, SourceThrottled):
        # By name: this module is imported before Django may be.
        says = importlib.import_module("rokuon.cli.support.pauses").ended_by(error)
        click.echo(_("Error: %(sentence)s") % {"sentence": f"{says} [{error.reason}]"}, err=True)
        return FINISHED_WITH_FAILURES
    if isinstance(error, RokuonError):
        detail = f" ({error.detail})" if error.detail else ""
        click.echo(_("Error: %(sentence)s") % {"sentence": f"{_(error.advice)} [{error.reason}]{detail}"}, err=True)
        if isinstance(error, InternalFault):
            return INTERNAL
        return FINISHED_WITH_FAILURES if error.decision is Decision.AFTER else USAGE
    if said := database_errors.sentence(error):
        click.echo(_("Error: %(sentence)s") % {"sentence": said}, err=True)
        return FINISHED_WITH_FAILURES
    if isinstance(error, OSError) and error.filename:
        click.echo(
            _("Error: %(path)s cannot be used: %(reason)s.") % {"path": error.filename, "reason": error.strerror or type(error).__name__},
            err=True,
        )
        return USAGE
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        # The error of a write has no file name.
        click.echo(
            _("Error: %(reason)s. Free some space on the disks that `rokuon doctor` names, then repeat the command.")
            % {"reason": error.strerror},
            err=True,
        )
        return FINISHED_WITH_FAILURES
    traceback.print_exception(error)
    click.echo(_("Error: something inside Rokuon failed. Please report the lines above."), err=True)
    return INTERNAL
