"""The seal: one line of JSON that names every file of an issue, and the signature over exactly that line."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from . import canonical, sshsig
from .canonical import Value

FORMAT = "rokuon-seal/1"
NEXT_WITHIN = timedelta(hours=26)
"""A promise in each seal: if the newest seal of a bucket is older, its end was cut off, or Rokuon stopped."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A manifest of an issue: `path` within the issue's folder."""

    path: str
    sha256: str
    bytes: int
    days: int
    first: date
    last: date
    target: str

    def fields(self) -> dict[str, Value]:
        return {
            "bytes": self.bytes,
            "days": self.days,
            "first": self.first.isoformat(),
            "kind": "manifest",
            "last": self.last.isoformat(),
            "path": self.path,
            "sha256": self.sha256,
            "target": self.target,
        }


@dataclass(frozen=True, slots=True)
class SealHead:
    """Where a seal stands. `previous` is the number and SHA-256 of the seal before it, None for the first one of a chain. `announces` is
    the public key of the next seal, "" if the same key signs it. `names_until`: what was stored later is named by a later seal; None if
    this one names all. `drill` is the last finished restore drill."""

    installation: str
    company: str
    bucket: str
    chain: str
    number: int
    previous: tuple[int, str] | None
    continues: Mapping[str, Value] | None
    announces: str = ""
    names_until: datetime | None = None
    drill: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class SigningPair:
    """A company's signing key: both halves in hexadecimal. `private` is a secret."""

    row_id: int
    public: str
    private: str

    def __repr__(self) -> str:
        return f"SigningPair({sshsig.fingerprint(self.public)})"


def write(head: SealHead, files: Sequence[SealedFile], totals: Mapping[str, int], pair: SigningPair, now: datetime) -> bytes:
    """Return the file of a seal. The same arguments give the same bytes."""
    continues = dict(head.continues) if head.continues and head.previous is None else None
    line = canonical.line(
        canonical.known(
            {
                "at": canonical.second(now),
                "bucket": head.bucket,
                "chain": head.chain,
                "company": head.company,
                "continues": continues,
                "drill": dict(head.drill) if head.drill else None,
                "files": [one.fields() for one in files],
                "format": FORMAT,
                "installation": head.installation,
                "issue": head.number,
                "key": sshsig.fingerprint(pair.public),
                "names_until": canonical.second(head.names_until) if head.names_until else None,
                "next_by": canonical.second(now + NEXT_WITHIN),
                "previous": {"issue": head.previous[0], "sha256": head.previous[1]} if head.previous else None,
                "rotate": {"to": sshsig.public_line(head.announces)} if head.announces else None,
                "totals": dict(totals),
            }
        )
    )
    return line + sshsig.sign(pair.private, line).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
