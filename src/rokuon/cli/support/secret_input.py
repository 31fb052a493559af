"""Read secrets from a prompt, a file or standard input, never from an argument, which every process list would show."""

import sys
from pathlib import Path

import click

from rokuon.base.i18n import _
from rokuon.base.plain_text import bare, decoded, read_text
from rokuon.base.secrets import Secret
from rokuon.domain.failures import ConfigError

LONGEST = 64 * 1024


def read_secret(path: str | None, prompt: str) -> Secret:
    """Return the text of the file (`-` is standard input), or hidden typed input, without surrounding white space and byte order mark."""
    if path == "-":
        text = _stdin()
    elif path is not None:
        text = _file(Path(path))
    elif sys.stdin.isatty():
        text = click.prompt(prompt, hide_input=True, err=True)
    else:
        raise ConfigError(
            _("There is no terminal to ask on. Hand the secret over with --key-file PATH, or --key-file - for standard input.")
        )
    text = bare(text)
    if not text:
        raise ConfigError(_("The secret is empty."))
    if len(text) > LONGEST:
        raise ConfigError(_("The secret is longer than any secret is. Check which file was handed over."))
    return Secret(text)


def _stdin() -> str:
    try:
        return decoded(sys.stdin.buffer.read(2 * LONGEST + 4))
    except ValueError:
        raise ConfigError(_("What came on standard input is not text.")) from None


def _file(path: Path) -> str:
    try:
        return read_text(path, 2 * LONGEST + 4)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("it is not text")
        raise ConfigError(_("The file %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": reason}) from None
