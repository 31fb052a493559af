"""API keys: the company and the rights of a bearer key. The secrets are printed; they are valid only for this simulator."""

from dataclasses import dataclass

SCOPES = frozenset({"calls:list", "recordings_export"})


@dataclass
class Key:
    secret: str
    company_id: int
    scopes: frozenset[str] = SCOPES
    admin: bool = True
    revoked: bool = False


class KeyRing:
    """All keys. A revoked key is answered like an unknown one."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def add(self, company_id: int, secret: str | None = None, scopes: frozenset[str] = SCOPES, admin: bool = True) -> Key:
        """Add a key; without a secret it gets a predictable one."""
        secret = secret or f"sim-key-{company_id}-{len(self._keys) + 1}"
        key = self._keys[secret] = Key(secret, company_id, scopes, admin)
        return key

    def find(self, secret: str) -> Key | None:
        key = self._keys.get(secret)
        return None if key is None or key.revoked else key

    def revoke(self, secret: str) -> None:
        """Raises KeyError for a key that never existed."""
        self._keys[secret].revoked = True

    def restore(self, secret: str) -> None:
        self._keys[secret].revoked = False

    def of(self, company_id: int) -> list[Key]:
        return [key for key in self._keys.values() if key.company_id == company_id]
