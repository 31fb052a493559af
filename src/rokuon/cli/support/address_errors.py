"""Error messages of commands for an unusable address."""

from collections.abc import Iterator
from contextlib import contextmanager

from rokuon.accounts.addresses import CannotSignIn, NotAnAddress
from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError


@contextmanager
def usable(email: str | None) -> Iterator[None]:
    """Raises ConfigError in place of NotAnAddress and CannotSignIn."""
    try:
        yield
    except CannotSignIn:
        raise ConfigError(_("%(email)s has letters beyond ASCII before the @: nobody can sign in with it.") % {"email": email}) from None
    except NotAnAddress:
        raise ConfigError(_("%(email)s is not an e-mail address.") % {"email": email}) from None
