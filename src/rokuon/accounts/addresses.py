"""Addresses as people write them: in a form, on the command line, in what an identity provider says."""

from rokuon.runtime.mail_addresses import needs_utf8, normal


class NotAnAddress(Exception):
    """What was given is not an e-mail address."""


class CannotSignIn(NotAnAddress):
    """A mail address with which nobody can sign in: it has letters beyond ASCII before the @, which browsers' own forms refuse."""


def address_of(text: str) -> str:
    """What somebody wrote, as an address to which mail can be sent, in its normal form. Raises NotAnAddress."""
    try:
        return normal(text.strip())
    except ValueError as error:
        raise NotAnAddress(text) from error


def sign_in_address(text: str) -> str:
    """The same, as the address of an account. Raises NotAnAddress, CannotSignIn."""
    address = address_of(text)
    if needs_utf8(address):
        raise CannotSignIn(text)
    return address


def as_kept(text: str) -> str:
    """What somebody gave as an address: its normal form, or what was written where it is none."""
    try:
        return address_of(text)
    except NotAnAddress:
        return text.strip()
