"""Mail addresses: the one form in which they are kept and compared, and which there are at all (RFC 5321, 5891, 6531).

Two addresses are one where their normal forms are equal, character by character. Nothing else compares addresses: a database's or a
language's rules about upper and lower case take look-alike letters (dotless i, long s, the Kelvin sign) for those of somebody else.
"""

import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST = 254
_MAIN_CATEGORIES = "LMNPS"
"""Of characters beyond ASCII that a name may hold: no spaces, no control and no invisible ones."""
_SMALL = {ord(capital): capital.lower() for capital in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def normal(text: str) -> str:
    """The address in the form in which it is kept, compared and handed to a mail server: A to Z in lower case, the domain in ASCII
    (bücher.example is xn--bcher-kva.example), what stands before the @ composed (NFC).

    Raises ValueError for what is no address. A character beyond ASCII that case or composition would turn into an ASCII one makes it
    none, and so does a domain that its owner could not have registered as it is written. Quoted names and numeric domains are none.
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
    """Whether a server could be asked for this address. What Dialpad's directory holds was typed by people."""
    try:
        normal(text)
    except ValueError:
        return False
    return True


def needs_utf8(address: str) -> bool:
    """Whether only a server with SMTPUTF8 can be asked for it: the part before the @ has letters beyond ASCII."""
    return not address.rpartition("@")[0].isascii()


def _becomes_ascii(character: str) -> bool:
    changed = unicodedata.normalize("NFC", character) + character.lower()
    return not character.isascii() and any(one.isascii() for one in changed)


def _as_ascii(character: str) -> str:
    return "a" if not character.isascii() and unicodedata.category(character)[0] in _MAIN_CATEGORIES else character
