"""Explain a database failure in one sentence with advice. Matches PostgreSQL's codes (SQLSTATE), never its messages."""

import sys

from rokuon.base.i18n import _
from rokuon.domain.failures import N_

_DAMAGED = N_("The database could not read or write its disk. Check the disk, and restore a dump if this stays.")
_SENTENCES = {
    "53100": N_(
        "The database's disk is full. Free some space there; nothing that was recorded is lost, and work resumes automatically. "
        "`rokuon doctor` says how much is free."
    ),
    "53200": N_("The database has too little memory. Give its machine more, or end other programs; then repeat the command."),
    "53300": N_("The database lets no further connection in. Raise max_connections, or end processes that use it."),
    "23503": N_(
        "Something that the command names was removed by someone else in the meantime. Nothing was changed. Look at what is there now, and "
        "repeat the command."
    ),
    "25006": N_("The database can only be read: it is a standby, or its disk is mounted read-only. Correct that, then repeat the command."),
    "58030": _DAMAGED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
_AWAY = N_("The database went away. Nothing that was recorded is lost: start it again and repeat the command; work resumes.")
_LIBRARIES = ("psycopg", "django.db")


def sentence(error: BaseException) -> str:
    """Return the sentence; "" if the error is not the database's."""
    if not _is_a(error, "Error"):
        return ""
    known = _SENTENCES.get(_code(error), _AWAY if _is_a(error, "OperationalError", "InterfaceError") else "")
    return _(known) if known else ""


def _code(error: BaseException) -> str:
    """Return PostgreSQL's code of the error, which Django keeps in the cause; "" if there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(code := getattr(seen, "sqlstate", None), str):
            return code
        seen = seen.__cause__
    return ""


def _is_a(error: BaseException, *names: str) -> bool:
    """Whether the error is of these classes. A library that is not imported cannot have raised it."""
    return any(isinstance(error, getattr(sys.modules[library], name)) for library in _LIBRARIES if library in sys.modules for name in names)
