"""Log lines that can be searched, cannot be forged, and hold no secret.

One event per line: `log.info("copy_stored", extra={"copy": 12, "bytes": 3456})`. Log ids and numbers; never a name, a key or a URL. The
redaction here is a safety net below that rule, not its replacement.
"""

import json
import logging
import re
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, Any

from rokuon.base.secrets import Secret

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the current request: every line logged during it has this id."""

# Attributes of every record; any other attribute came from `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#\"'<>\\]*)[?#][^\s\"'<>\\]*", re.IGNORECASE)
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+@", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_PAIR = re.compile(
    r"""(["']?\b(?:authorization|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key|password|signature)\b["']?\s*[=:]\s*)"""
    r"""("[^"]*"|'[^']*'|[^\s,;&}"']+)""",
    re.IGNORECASE,
)

# C0, DEL, C1, the two separators at which some viewers break lines, and the marks that change the direction of text.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Replacing shorter values would remove ordinary words.
_SHORTEST_SECRET = 6


class Redactor:
    """Replaces secrets in texts. It finds registered values wherever they appear."""

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def register(self, secret: Secret) -> None:
        value = secret.reveal()
        if len(value) < _SHORTEST_SECRET:
            return
        # A line can hold a value in these forms: unchanged, and as JSON writes it.
        forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        forms |= _inner_secrets(value)
        # Some libraries log a key of several lines line by line.
        forms |= {line for line in value.splitlines() if len(line) >= 16 and not line.startswith("-----")}
        with self._lock:
            self._values = self._values | forms

    def __call__(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "<secret>")
        text = _QUERY.sub(r"\1?<removed>", text)
        text = _USERINFO.sub(r"\1<secret>@", text)
        text = _BEARER.sub(r"\1 <secret>", text)
        return _PAIR.sub(r"\1<secret>", text)


def _inner_secrets(value: str) -> set[str]:
    """Return the private key of a service account file, whole and by line: a library may show it without the file around it."""
    try:
        fields = json.loads(value)
    except ValueError:
        return set()
    key = fields.get("private_key") if isinstance(fields, dict) else None
    if not isinstance(key, str) or len(key) < _SHORTEST_SECRET:
        return set()
    return {key, *(line for line in key.splitlines() if len(line) >= 16 and not line.startswith("-----"))}


redactor = Redactor()


def hide(secret: Secret) -> Secret:
    """Return the same secret, after registering it: no log line of this process shows it, wherever a library or an error puts it."""
    redactor.register(secret)
    return secret


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "event", ...extra, "error": {...}}, always on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {**_fields(record), "time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        line["event"] = redactor(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _error(record.exc_info[1])
        ordered = {key: line.pop(key) for key in ("time", "level", "logger", "event")} | line
        # json escapes C0 itself; ensure_ascii stays off so that Japanese stays readable.
        return _escape(json.dumps(ordered, ensure_ascii=False, default=str))


class TextFormatter(logging.Formatter):
    """time level logger event key=value ..., for human readers; an exception's text follows as one more field."""

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{key}={value}" for key, value in _fields(record).items()]
        if record.exc_info and record.exc_info[1] is not None:
            fields += [f"{key}={value}" for key, value in _error(record.exc_info[1]).items()]
        parts = [_time(record), record.levelname.lower(), record.name, redactor(record.getMessage()), *fields]
        return _escape(" ".join(str(part) for part in parts))


def set_up(*, level: str = "info", style: str = "json", stream: IO[str] | None = None) -> None:
    """Send all logging of this process to the stream (standard error). A repeated call replaces the earlier set-up."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their info lines contain URLs and job arguments, and debug lines bodies.
    for noisy in ("aiohttp", "asyncio", "django.db.backends", "gcloud", "procrastinate", "urllib3"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # Django logs a request's path, which may hold a one-time link. `console` logs the same by route.
    for talkative in ("django.request", "django.security"):
        logging.getLogger(talkative).setLevel(logging.CRITICAL + 1)
    # By default, logging prints its own failures with the record's arguments, without redaction.
    logging.raiseExceptions = False
    logging.captureWarnings(True)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    about = {"request": request_id.get()} if request_id.get() else {}
    return about | {key: _clean(value) for key, value in vars(record).items() if key not in _STANDARD}


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {redactor(str(name)): _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return redactor(str(value))


def _error(error: BaseException) -> dict[str, Any]:
    """Return the error's location and message. Source lines and local values are left out: they can hold anything."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    told = {"type": type(error).__name__, "message": redactor(str(error)), "frames": frames[-20:]}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {**told, "cause": redactor(f"{type(cause).__name__}: {cause}")} if cause else told


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
