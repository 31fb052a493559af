"""Parse mail addresses from forms, the command line and the identity provider."""

from rokuon.runtime.mail_addresses import needs_utf8, normal


class NotAnAddress(Exception):
    """The text is not an e-mail address."""


class CannotSignIn(NotAnAddress):
    """The address cannot be used to sign in: it has letters beyond ASCII before the @, which browsers' own forms refuse."""


def address_of(text: str) -> str:
    """Return the normal form of an address to which mail can be sent. Raises NotAnAddress."""
    try:
        return normal(text.strip())
    except ValueError as error:
        raise NotAnAddress(text) from error


def sign_in_address(text: str) -> str:
    """Return the normal form of the address of an account. Raises NotAnAddress, CannotSignIn."""
    address = address_of(text)
    if needs_utf8(address):
        raise CannotSignIn(text)
    return address


def as_kept(text: str) -> str:
    """Return the normal form of an address, or the stripped text if it is not an address."""
    try:
        return address_of(text)
    except NotAnAddress:
        return text.strip()
