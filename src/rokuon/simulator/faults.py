"""Fault injection: which requests fail, and how. A fault is JSON, so it can come from a file, from HTTP or from Python.

    {"endpoint": "media_blob", "nth": [1, 3], "per_id": true, "action": {"kind": "truncate", "after": 1000}}

Matching (all given conditions must hold): endpoint (name, `*` allowed), path (glob), query (glob), id (last id of the path), company,
nth (a number, or [first, last]; counted over the requests that match the rest, per id if per_id), share (0..1, drawn from seed).

Actions: status(status, headers, body, content_type) - html - login - redirect(to) - drop - stall(seconds) - delay(seconds)
- empty - zeros - endless(rate) - truncate(after, framing, reset, hang) - overlong(extra) - declare(length) - type(content_type) - gzip
- drip(rate) - half_json - set(changes: {"items.0.call_id": 7}) - cursor_loop - cursor(value)
- body(text or base64, content_type) - flip(count) - headers(headers)
"""

import base64
import binascii
import gzip
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .answers import HTML, Answer, error, login_page, redirect

Params = dict[str, Any]


class BadFault(ValueError):
    """A fault is not valid; the message says which part."""


# The rate of endless bodies is limited, so that a test without its own limit does not fill the disk.
_ENDLESS_RATE = 4 * 2**20
_OVERLONG = itertools.count()


def _status(answer: Answer, p: Params) -> Answer:
    bent = error(int(p.get("status", 500)), str(p.get("message", "backend error")))
    if "body" in p:
        bent.body, bent.content_type = str(p["body"]).encode(), str(p.get("content_type", HTML))
    bent.headers.update({str(k): str(v) for k, v in p.get("headers", {}).items()})
    return bent


def _html(answer: Answer, p: Params) -> Answer:
    return login_page()


def _login(answer: Answer, p: Params) -> Answer:
    return redirect("/login")


def _redirect(answer: Answer, p: Params) -> Answer:
    return redirect(str(p["to"]))


def _drop(answer: Answer, p: Params) -> Answer:
    return Answer(drop=True)


def _stall(answer: Answer, p: Params) -> Answer:
    return Answer(drop=True, hang=float(p.get("seconds", 3600)))


def _delay(answer: Answer, p: Params) -> Answer:
    answer.hang += float(p.get("seconds", 1))
    return answer


def _empty(answer: Answer, p: Params) -> Answer:
    answer.body = b""
    return answer


def _zeros(answer: Answer, p: Params) -> Answer:
    answer.body = bytes(len(answer.body))
    return answer


def _endless(answer: Answer, p: Params) -> Answer:
    answer.endless, answer.rate = True, int(p.get("rate", _ENDLESS_RATE))
    return answer


def _truncate(answer: Answer, p: Params) -> Answer:
    answer.cut = int(p.get("after", answer.length // 2))
    answer.framing, answer.reset = p.get("framing", answer.framing), bool(p.get("reset", False))
    answer.hang_at_cut = float(p.get("hang", 0))
    return answer


def _overlong(answer: Answer, p: Params) -> Answer:
    """What is added differs from answer to answer: where no length is announced, two equal answers are the source's data for anyone."""
    answer.declared = answer.length
    added = int(p.get("extra", 4096))
    answer.body += (next(_OVERLONG) % 256**added).to_bytes(added, "big")
    return answer


def _declare(answer: Answer, p: Params) -> Answer:
    answer.declared = int(p["length"])
    return answer


def _type(answer: Answer, p: Params) -> Answer:
    answer.content_type = str(p.get("content_type", "application/octet-stream"))
    return answer


def _gzip(answer: Answer, p: Params) -> Answer:
    answer.body = gzip.compress(answer.body, 1)
    answer.headers["Content-Encoding"] = "gzip"
    return answer


def _drip(answer: Answer, p: Params) -> Answer:
    answer.rate = int(p.get("rate", 100))
    return answer


def _half_json(answer: Answer, p: Params) -> Answer:
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


def _changed(answer: Answer, change: Callable[[Any], None]) -> Answer:
    value = json.loads(answer.body) if answer.body else {}
    change(value)
    answer.body = json.dumps(value, ensure_ascii=False).encode()
    return answer


def _set(answer: Answer, p: Params) -> Answer:
    def change(value: Any) -> None:
        for path, new in p["changes"].items():
            *way, last = path.split(".")
            here = value
            try:
                for step in way:
                    here = here[int(step)] if isinstance(here, list) else here[step]
            except IndexError:
                continue  # a page without that item
            if isinstance(here, list):
                here[int(last)] = new
            elif new == "__absent__":
                here.pop(last, None)
            else:
                here[last] = new

    return _changed(answer, change)


def _cursor(answer: Answer, p: Params) -> Answer:
    return _changed(answer, lambda value: value.update(cursor=p.get("value", "not-a-cursor")))


def _body(answer: Answer, p: Params) -> Answer:
    answer.body = base64.b64decode(p["base64"]) if "base64" in p else str(p.get("text", "")).encode()
    answer.pieces = None
    answer.content_type = str(p.get("content_type", answer.content_type))
    return answer


def _flip(answer: Answer, p: Params) -> Answer:
    body = bytearray(answer.body)
    rng = random.Random(int(p.get("seed", 1)))
    for _ in range(int(p.get("count", 1)) if body else 0):
        body[rng.randrange(len(body))] ^= 0xFF
    answer.body = bytes(body)
    return answer


def _headers(answer: Answer, p: Params) -> Answer:
    answer.headers.update({str(k): str(v) for k, v in p.get("headers", {}).items()})
    return answer


_ACTIONS: dict[str, Callable[[Answer, Params], Answer]] = {
    "status": _status,
    "html": _html,
    "login": _login,
    "redirect": _redirect,
    "drop": _drop,
    "stall": _stall,
    "delay": _delay,
    "empty": _empty,
    "zeros": _zeros,
    "endless": _endless,
    "truncate": _truncate,
    "overlong": _overlong,
    "declare": _declare,
    "type": _type,
    "gzip": _gzip,
    "drip": _drip,
    "half_json": _half_json,
    "set": _set,
    # The server names the requested page as the next one (bend() inserts the request's own cursor).
    "cursor_loop": _cursor,
    "cursor": _cursor,
    "body": _body,
    "flip": _flip,
    "headers": _headers,
}
KINDS = tuple(_ACTIONS)
_NEEDED = {"redirect": "to", "set": "changes", "declare": "length"}


@dataclass
class Fault:
    """One rule. hits counts the requests whose answers it changed."""

    action: Params
    endpoint: str = "*"
    path: str = "*"
    query: str = "*"
    id: str = ""
    company: int | None = None
    nth: tuple[int, int] | None = None
    per_id: bool = False
    share: float = 1.0
    seed: int = 1
    hits: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _rng: random.Random = field(default_factory=random.Random)

    @classmethod
    def parse(cls, raw: Any) -> "Fault":
        """Parse a rule. Raises BadFault, with the name of the part, unless every part is valid."""
        if not isinstance(raw, dict):
            raise BadFault(f"a fault is an object, not {raw!r}")
        unknown = set(raw) - {"endpoint", "path", "query", "id", "company", "nth", "per_id", "share", "seed", "action"}
        if unknown:
            raise BadFault(f"unknown parts: {', '.join(sorted(unknown))}")
        action = raw.get("action")
        if isinstance(action, str):
            action = {"kind": action}
        if not isinstance(action, dict) or action.get("kind") not in _ACTIONS:
            raise BadFault(f"action kind must be one of {', '.join(KINDS)}")
        needed = _NEEDED.get(action["kind"])
        if needed and needed not in action:
            raise BadFault(f"action {action['kind']} needs {needed!r}")
        try:
            if "base64" in action:
                base64.b64decode(action["base64"], validate=True)
            nth = raw.get("nth")
            span = None if nth is None else (int(nth[0]), int(nth[1])) if isinstance(nth, list) else (int(nth), int(nth))
            company = None if raw.get("company") is None else int(raw["company"])
            fault = cls(
                action=dict(action),
                endpoint=str(raw.get("endpoint", "*")),
                path=str(raw.get("path", "*")),
                query=str(raw.get("query", "*")),
                id=str(raw.get("id", "")),
                company=company,
                nth=span,
                per_id=bool(raw.get("per_id", False)),
                share=float(raw.get("share", 1.0)),
                seed=int(raw.get("seed", 1)),
            )
        except (TypeError, ValueError, IndexError, binascii.Error) as exc:
            raise BadFault(f"cannot read {raw!r}: {exc}") from exc
        fault._rng.seed(fault.seed)
        return fault

    def strikes(self, endpoint: str, path: str, query: str, item: str, company: int | None) -> bool:
        """Whether this request fails. Counts it if it matches."""
        if not fnmatchcase(endpoint, self.endpoint) or (self.path != "*" and not fnmatchcase(path, self.path)):
            return False
        if self.query != "*" and not fnmatchcase(query, self.query):
            return False
        if (self.id and self.id != item) or (self.company is not None and self.company != company):
            return False
        counted = item if self.per_id else ""
        self._seen[counted] += 1
        if self.nth is not None and not self.nth[0] <= self._seen[counted] <= self.nth[1]:
            return False
        return self.share >= 1.0 or self._rng.random() < self.share

    def report(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


class Faults:
    """The current rules, in order; the first that applies to a request changes its answer."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, **raw: Any) -> Fault:
        """Add one rule, with the parts of the module's docstring."""
        fault = Fault.parse(raw)
        self.rules.append(fault)
        return fault

    def load(self, raw: Any) -> None:
        """Replace all rules by a list of rules; keep the old ones if any is invalid."""
        if not isinstance(raw, list):
            raise BadFault("a fault script is a list")
        self.rules = [Fault.parse(one) for one in raw]

    def clear(self) -> None:
        self.rules.clear()

    def pick(self, endpoint: str, path: str, query: str, item: str, company: int | None) -> Fault | None:
        for rule in self.rules:
            if rule.strikes(endpoint, path, query, item, company):
                rule.hits += 1
                return rule
        return None


def bend(fault: Fault, answer: Answer, cursor: str) -> Answer:
    """Return the answer after the fault. cursor is the request's own."""
    kind = fault.action["kind"]
    if answer.pieces is not None and kind in {"empty", "zeros", "overlong", "gzip", "flip", "half_json", "endless"}:
        answer.body, answer.pieces = b"".join(answer.pieces), None
    if kind == "cursor_loop":
        return _cursor(answer, {"value": cursor or json.loads(answer.body).get("cursor") or "loop"})
    return _ACTIONS[kind](answer, fault.action)
