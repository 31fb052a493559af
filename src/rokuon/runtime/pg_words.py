"""Turn the output of a failed PostgreSQL program, its only explanation, into an error that says what to do."""

from pathlib import Path

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError, DatabaseDamaged, DatabaseFull, DatabaseUnusable

from . import pg_room

NO_SPACE = ("No space left on device", "Check free disk space", "Disk quota exceeded")
BUS = "Bus error"  # a process dies of this if its shared memory does not exist
DAMAGE = (
    "PANIC",
    "checksum verification failed",
    "could not locate a valid checkpoint",
    "incorrect checksum",
    "global/pg_control",
    "database files are incompatible with server",
    "invalid checksum",
    "invalid page",
    "unexpected data beyond EOF",
)
NOT_ALLOWED = ("Permission denied", "Operation not permitted", "Read-only file system")


def failure_of(output: str, folder: Path) -> ConfigError:
    """Return the matching error, narrowest first: a full disk also ends in a PANIC, and is no damage."""
    last = next((line.strip() for line in reversed(output.splitlines()) if "FATAL" in line or "PANIC" in line or "error:" in line), "")
    last = last or (output.strip().splitlines() or [""])[-1].strip()
    kind: type[ConfigError] = DatabaseUnusable
    if any("shared memory segment" in line and any(sign in line for sign in NO_SPACE) for line in output.splitlines()) or BUS in output:
        kind = DatabaseFull
        said = _(
            "There is not enough shared memory for the database in %(folder)s. Make /dev/shm larger: in a container with --shm-size=256m."
        )
    elif any(sign in output for sign in NO_SPACE):
        return pg_room.full(folder)
    elif any(sign in output for sign in NOT_ALLOWED):
        said = _("The database in %(folder)s could not be started because a file may not be read or written (%(last)s).")
    elif any(sign in output for sign in DAMAGE):
        kind = DatabaseDamaged
        said = _("The database in %(folder)s is damaged (%(last)s). Keep the folder and restore the newest dump into a new installation.")
    elif "could not map anonymous shared memory" in output or "Cannot allocate memory" in output:
        said = _("There is not enough memory to start the database in %(folder)s (%(last)s).")
    else:
        said = _("The database in %(folder)s could not be started: %(last)s")
    return kind(said % {"folder": folder, "last": last})
