"""Protocol of a kind of store: console, commands and set-up use it instead of parsing a bucket's URL themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rokuon.domain.ports import Store

from .verification import Advice


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The operator's settings that limit which stores may be opened.

    `allowed_roots` are folders below which a local bucket may be. `gcs_endpoint` is as in STORAGE_EMULATOR_HOST: a bucket without a
    credential is used without one there.
    """

    allowed_roots: Sequence[Path] = ()
    gcs_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Guide:
    """Shell commands for a person who prepares a bucket: create it, create an account, grant the account access. `principal` is the
    account, "" if this machine has no account of its own."""

    principal: str
    create: str
    account: str
    grants: str


class StoreKind(Protocol):
    """A kind of store. `id` identifies it in forms and template names, `scheme` is the scheme of its URLs, `title` its name, `example` an
    address as a person types it. `takes_credential`: a bucket may have its own credential. `grants_arrive_late`: a new right may still be
    refused for minutes. `forbidden` is the advice for BucketForbidden ("" for the failure's own), `advice` are this kind's own sentences
    for the results of a verification, if they differ from `verification.SENTENCES`. Sentences are message ids.
    """

    id: str
    scheme: str
    title: str
    example: str
    takes_credential: bool
    grants_arrive_late: bool
    forbidden: str
    advice: Mapping[Advice, str]

    def canonical(self, url: str, settings: StoreSettings) -> str:
        """Return the canonical URL with which a bucket is registered. Creates nothing. Raises ConfigError for an address that cannot be a
        bucket of this kind."""

    def name(self, url: str) -> str:
        """Return the bucket's name as people know it."""

    def folder(self, url: str, settings: StoreSettings) -> Path | None:
        """Return the bucket's folder on this machine; None if the bucket is elsewhere. Raises ConfigError for a folder that is not
        allowed."""

    def check_credential(self, text: str, settings: StoreSettings) -> None:
        """Check a credential. Raises ConfigError, with a sentence for the person who entered it, if it cannot be used or is weak."""

    def machine_credential(self, settings: StoreSettings) -> bool:
        """Whether this machine has a credential of its own for buckets of this kind. Takes a second at most, and asks the network only
        where such a credential would come from it."""

    def principal(self, credential: str) -> str:
        """Return the account of the credential; "" if the credential does not name it."""

    def credential_label(self, credential: str) -> str:
        """Return a label for the credential that reveals no secret part of it."""

    def guide(self, name: str, principal: str) -> Guide | None:
        """Return how to prepare the bucket `name` ("" if it has no name yet) for the account `principal` ("" for this machine's); None if
        there is nothing to prepare. It may query this machine's identity."""

    def grant_command(self, url: str) -> str:
        """Return a shell command that grants the rights that Rokuon needs; "" if there is none."""

    def restore_command(self, url: str, key: str, version: str, *, noncurrent: bool) -> str:
        """Return a shell command that makes a former version of an object current again: a noncurrent one, or a soft-deleted one; "" if
        there is none."""

    def open(self, url: str, credential: str | None, settings: StoreSettings) -> Store:
        """Open the store without making a request. `credential` None uses the machine's own. Raises ConfigError like `canonical` and
        `check_credential`, except that it accepts a weak credential."""
