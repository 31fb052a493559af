"""The other party of a call: what Dialpad lists of it, and what a company keeps of that.

A number is kept under a keyed hash, so that the exact number finds its calls, and in clear text only as far as the company chose.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

SHOWN_DIGITS = 4
LONGEST_NAME = 200
_FEWEST, _MOST = 3, 15
"""An internal extension has three digits, and a number of E.164 at most fifteen."""
_SEPARATORS = frozenset(" \t-.()/[]‐‑‒–—―−ー・（）　")
_NATIONAL = 7
"""A national number has at least this many digits; fewer are an extension."""
_CALLING_CODES = 1000
"""Calling codes have at most three digits."""


class PartyDetail(StrEnum):
    """How much a company keeps of the other party, from nothing to everything."""

    OFF = "off"
    MASKED = "masked"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ListedParty:
    """The other party as listed. `direction` is "inbound", "outbound" or ""; number and name are "" if the source lists none.

    Neither is part of the representation, so that no log and no traceback shows it.
    """

    direction: str = ""
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)


NO_PARTY = ListedParty()


@dataclass(frozen=True, slots=True)
class PlannedParty:
    """What is kept of it. `number_hash` is "" if no number is listed; `ending` are its last digits; `number` and `name` are in clear text,
    or masked. `detail` is the company's choice under which this was made."""

    detail: PartyDetail
    direction: str
    number_hash: str = ""
    ending: str = ""
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)


Keeper = Callable[[ListedParty], PlannedParty | None]


def digits(number: str) -> str:
    """Return the digits of a number as it is hashed, "" if it is none. Full-width digits and the usual separators are accepted."""
    text = unicodedata.normalize("NFKC", number).strip()
    text = text.removeprefix("tel:").removeprefix("+")
    found = "".join(one for one in text if one not in _SEPARATORS)
    return found if found.isascii() and found.isdigit() and _FEWEST <= len(found) <= _MOST else ""


def number_hash(key: bytes, number: str) -> str:
    """Return the keyed hash of the digits of a number: without the key, nobody can try numbers against it."""
    return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:32]


def keeper(detail: PartyDetail, key: bytes) -> Keeper:
    """Return the function that reduces a listed party to what a company with this choice keeps; None for nothing."""

    def keep(listed: ListedParty) -> PlannedParty | None:
        number = digits(listed.number)
        if detail is PartyDetail.OFF or not (number or listed.direction or listed.name):
            return None
        name = "" if number and digits(listed.name) == number else listed.name.strip()[:LONGEST_NAME]
        full = detail is PartyDetail.FULL
        return PlannedParty(
            detail=detail,
            direction=listed.direction,
            number_hash=number_hash(key, number) if number else "",
            ending=ending(number),
            number=f"+{number}" if full and listed.number.strip().startswith("+") else number if full else "",
            name=name if full else masked_name(name),
        )

    return keep


def ending(number: str) -> str:
    """Return the last digits, which a masked number shows: never more than half of them."""
    return number[-min(SHOWN_DIGITS, len(number) // 2) :] if number else ""


def masked_name(name: str) -> str:
    """Return the first character of a name."""
    return f"{name[0]}…" if name else ""


def candidates(text: str) -> Iterator[str]:
    """Yield the digits of every number that a person may mean by this text: the number itself, and, for a number without its country, that
    number in each country. Nothing for a text that is no number."""
    number = digits(text)
    if not number:
        return
    yield number
    written = unicodedata.normalize("NFKC", text).strip().removeprefix("tel:")
    if written.startswith("+") or len(number) < _NATIONAL:
        return
    for prefix in ("00", "011", "010"):
        if number.startswith(prefix):
            yield number.removeprefix(prefix)
    national = {number, number.removeprefix("0")}
    for code in range(1, _CALLING_CODES):
        yield from (f"{code}{one}" for one in sorted(national) if len(one) + len(str(code)) <= _MOST)
