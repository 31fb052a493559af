"""Secrets come by prompt, file or standard input, never as an argument, where every process list would show them."""

import sys
from pathlib import Path

import click

from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _
from rokuon.ops.secrets import Secret

LONGEST = 64 * 1024


def read_secret(path: str | None, prompt: str) -> Secret:
    """The text of the file (`-` is standard input), or what is typed unseen. Surrounding white space does not belong to it."""
    if path == "-":
        text = sys.stdin.read(LONGEST + 1)
    elif path is not None:
        text = _file(Path(path))
    elif sys.stdin.isatty():
        text = click.prompt(prompt, hide_input=True, err=True)
    else:
        raise ConfigError(
            _("There is no terminal to ask on. Hand the secret over with --key-file PATH, or --key-file - for standard input.")
        )
    text = text.strip()
    if not text:
        raise ConfigError(_("The secret is empty."))
    if len(text) > LONGEST:
        raise ConfigError(_("The secret is longer than any secret is. Check which file was handed over."))
    return Secret(text)


def _file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("it is not text")
        raise ConfigError(_("The file %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": reason}) from None
