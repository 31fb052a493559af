"""A kind of store: what console, commands and set-up ask about it, instead of reading a bucket's URL themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rokuon.domain.ports import Store

from .verification import Advice


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The operator's settings that bound which stores may be opened.

    `allowed_roots` are folders below which a local bucket may lie. `gcs_endpoint` is as in STORAGE_EMULATOR_HOST: there, a bucket without
    a credential is used without one.
    """

    allowed_roots: Sequence[Path] = ()
    gcs_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Guide:
    """Shell commands for a person who prepares a bucket: make it, make an account, grant the account access. `principal` is the account,
    "" where this machine has none of its own."""

    principal: str
    create: str
    account: str
    grants: str


class StoreKind(Protocol):
    """`id` stands for the kind in forms and template names, `scheme` opens its URLs, `title` is its name, `example` an address as it is
    typed. `takes_credential`: a bucket may have a credential of its own. `grants_arrive_late`: a right that was granted just now may still
    be refused for minutes. `forbidden` is advice for BucketForbidden ("" for the failure's own), `advice` says what a verification found in
    this kind's own words, where they differ from `verification.SENTENCES`. Sentences are message ids.
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
        """The one form under which a bucket is registered. Creates nothing. Raises ConfigError for what cannot be a bucket here."""

    def name(self, url: str) -> str:
        """The bucket's name as people know it."""

    def folder(self, url: str, settings: StoreSettings) -> Path | None:
        """The folder of this machine that the bucket is; None where it is elsewhere. Raises ConfigError for one that is not allowed."""

    def check_credential(self, text: str, settings: StoreSettings) -> None:
        """Raises ConfigError, with a sentence for the person who entered it, for a credential that cannot be used or is weak."""

    def principal(self, credential: str) -> str:
        """The account that the credential speaks for; "" where it does not say."""

    def credential_label(self, credential: str) -> str:
        """Names the credential and reveals nothing of it."""

    def guide(self, name: str, principal: str) -> Guide | None:
        """How to prepare the bucket `name` ("" for one that is not named yet) for the account `principal` ("" for this machine's); None
        where there is nothing to prepare. May ask this machine who it is."""

    def grant_command(self, url: str) -> str:
        """A shell command that grants what Rokuon needs; "" where none does."""

    def open(self, url: str, credential: str | None, settings: StoreSettings) -> Store:
        """No request is made. `credential` None takes the machine's own. Raises ConfigError as `canonical` and `check_credential` do,
        except that a weak credential is taken."""
