"""Mail addresses: validation, and the normal form in which they are stored and compared (RFC 5321, 5891, 6531).

Two addresses are the same if their normal forms are equal, character by character. Nothing else compares addresses: the case rules of a
database or a language would match look-alike letters (dotless i, long s, the Kelvin sign) with someone else's address.
"""

import unicodedata
from collections.abc import Iterable

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST = 254
_MAIN_CATEGORIES = "LMNPS"
"""Categories of non-ASCII characters that a name may hold: no spaces, no control and no invisible characters."""
_SMALL = {ord(capital): capital.lower() for capital in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def normal(text: str) -> str:
    """Return the form of the address that is stored, compared and passed to a mail server: A to Z in lower case, the domain in ASCII
    (bücher.example is xn--bcher-kva.example), the part before the @ composed (NFC).

    Raises ValueError if the text is not an address. Also refused: a non-ASCII character that case or composition would turn into an ASCII
    one, a domain that its owner could not have registered as written, quoted names and numeric domains.
    """
    if any(_becomes_ascii(one) for one in text):
        raise ValueError("a character that case or composition turns into an ASCII one")
    local, _at, domain = text.translate(_SMALL).rpartition("@")
    local = unicodedata.normalize("NFC", local)
    if not domain.isascii() or "xn--" in domain:
        domain = idna.encode(unicodedata.normalize("NFC", domain.lower()), strict=True).decode()
    address = f"{local}@{domain}"
    if len(address.encode()) > LONGEST or '"' in local or "[" in domain:
        raise ValueError("an address of another kind")
    try:
        validate_email("".join(map(_as_ascii, local)) + "@" + domain)
    except ValidationError as error:
        raise ValueError("no address") from error
    return address


def is_address(text: str) -> bool:
    """Whether mail can be sent to this address at all. People typed the addresses in Dialpad's directory."""
    try:
        normal(text)
    except ValueError:
        return False
    return True


def first_address(texts: Iterable[object]) -> str | None:
    """Return the normal form of the first valid address of an entry of the directory; None if there is none."""
    return next((normal(text) for text in (str(one).strip() for one in texts) if is_address(text)), None)


def needs_utf8(address: str) -> bool:
    """Whether the address needs a server with SMTPUTF8: the part before the @ has letters beyond ASCII."""
    return not address.rpartition("@")[0].isascii()


def _becomes_ascii(character: str) -> bool:
    changed = unicodedata.normalize("NFC", character) + character.lower()
    return not character.isascii() and any(one.isascii() for one in changed)


def _as_ascii(character: str) -> str:
    return "a" if not character.isascii() and unicodedata.category(character)[0] in _MAIN_CATEGORIES else character
