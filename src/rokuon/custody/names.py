"""Names of the custody files in a bucket (docs/design/custody.md, "Where things are")."""

import re
import secrets

from rokuon.domain.placement import PREFIX

FOLDER = f"{PREFIX}/.rokuon-custody"
README = f"{FOLDER}/README.txt"
SEAL = "seal"
_SEAL = re.compile(rf"{re.escape(FOLDER)}/(?P<chain>[0-9a-f]{{16}})/(?P<issue>[0-9]{{8}})/{SEAL}\Z")


def new_chain() -> str:
    return secrets.token_hex(8)


def chain_folder(chain: str) -> str:
    return f"{FOLDER}/{chain}/"


def issue_folder(chain: str, number: int) -> str:
    return f"{FOLDER}/{chain}/{number:08}/"


def seal(chain: str, number: int) -> str:
    return issue_folder(chain, number) + SEAL


def public_key(digest: str) -> str:
    return f"{FOLDER}/keys/{digest}.pub"


def manifest(target_id: str, sha256: str) -> str:
    """Return the name of a manifest within its issue's folder. `target_id` is safe in a key (`placement.safe_id`)."""
    return f"{target_id}-{sha256[:16]}.jsonl"


def parse_seal(key: str) -> tuple[str, int] | None:
    """Return chain and issue number of the key of a seal; None for any other key."""
    match = _SEAL.match(key)
    return (match["chain"], int(match["issue"])) if match else None
