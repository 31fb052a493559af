"""Secrets at rest and in memory: encrypted with the installation's master key, and never printed by accident."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rokuon.base.i18n import _
from rokuon.base.plain_text import bare, read_text
from rokuon.domain.failures import ConfigError


class Secret:
    """A string that prints as `<secret>`. Only `reveal()` returns it, which is easy to see in review."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __str__(self) -> str:
        return "<secret>"

    def __format__(self, spec: str) -> str:
        return format("<secret>", spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> NoReturn:
        # pickle and copy.deepcopy would write the value out.
        raise TypeError("a Secret is neither pickled nor copied")


class SecretUnreadable(ConfigError):
    """The token was sealed with another master key, for another owner or field, or was changed."""


class Vault:
    """Seals values with the first key and opens values sealed with any of the keys. A token is bound to its owner and field."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def load(cls, path: Path) -> "Vault":
        """Read a master key file: one key per line, the first encrypts; lines that start with # are comments."""
        try:
            lines = [bare(line) for line in read_text(path).splitlines()]
        except FileNotFoundError:
            raise ConfigError(
                _(
                    "The master key file %(path)s is missing. Put your backup of it back; "
                    "without it the stored credentials cannot be read, and a new one does not help."
                )
                % {"path": path}
            ) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else _("it is not text")
            raise ConfigError(_("The master key file %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": reason}) from None
        keys = [line for line in lines if line and not line.startswith("#")]
        try:
            return cls(keys)
        except (ValueError, TypeError):
            raise ConfigError(
                _("The master key file %(path)s holds no usable key or a damaged one. Put your backup of it back.") % {"path": path}
            ) from None

    def seal(self, value: str, *, owner: str, field: str) -> str:
        return self._fernet.encrypt(json.dumps([owner, field, value]).encode()).decode()

    def open(self, token: str, *, owner: str, field: str) -> Secret:
        try:
            bound = json.loads(self._fernet.decrypt(token.encode()))
        except (InvalidToken, ValueError):
            raise SecretUnreadable(
                _("A stored credential (%(field)s) cannot be decrypted with this master key file. Put the right key file back.")
                % {"field": field}
            ) from None
        if bound[:2] != [owner, field]:
            raise SecretUnreadable(
                _("A stored credential (%(field)s) was moved from another place in the database. Enter it again.") % {"field": field}
            )
        return Secret(bound[2])

    def rotate(self, token: str) -> str:
        """Return the same value, sealed with the first key."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable(
                _("A stored credential cannot be decrypted with this master key file. Put the right key file back.")
            ) from None

    def derive(self, purpose: str) -> list[str]:
        """Derive a key for another purpose from each master key, in their order; it reveals nothing about the master keys."""
        return [
            base64.urlsafe_b64encode(
                HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"rokuon {purpose}".encode()).derive(
                    base64.urlsafe_b64decode(key)
                )
            ).decode()
            for key in self._keys
        ]


def new_key() -> str:
    return Fernet.generate_key().decode()
