"""From a bucket's URL and credential to an open store."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rokuon.domain.failures import N_, ConfigError
from rokuon.domain.ports import Store

from .addresses import FolderAddress, MemoryAddress, parse
from .local import LocalStore
from .memory import MemoryStore


def open_store(
    url: str,
    *,
    credential: str | None = None,
    allowed_roots: Sequence[Path] = (),
    gcs_endpoint: str | None = None,
    memory: Mapping[str, MemoryStore] | None = None,
) -> Store:
    """No request is made and nothing is created. Raises ConfigError with a sentence for whoever set the URL or the credential.

    `credential` is the text of a Google service-account file; None takes the machine's own (application default credentials).
    `allowed_roots` are the operator's: folders below which a local bucket may lie. `gcs_endpoint` is the operator's too, as in
    STORAGE_EMULATOR_HOST: there, a bucket without a credential is used without one. `memory` holds the stores of `memory://name`.
    """
    address = parse(url, allowed_roots=allowed_roots)
    if isinstance(address, FolderAddress):
        return LocalStore(address.path)
    if isinstance(address, MemoryAddress):
        if memory is None or address.name not in memory:
            raise ConfigError(N_("Buckets in memory exist in tests only. Write the bucket as gs://name or file:///absolute/folder."))
        return memory[address.name]
    # Here, because the HTTP client and Google's library take a third of a second to load, and most commands open no bucket.
    from .gcs import GcsStore
    from .google_key import service_account

    account = None if credential is None else service_account(credential, gcs_endpoint)
    if not gcs_endpoint:
        return GcsStore(address.bucket, account)
    endpoint = gcs_endpoint if "://" in gcs_endpoint else f"http://{gcs_endpoint}"
    return GcsStore(address.bucket, account or {}, endpoint=endpoint.rstrip("/"))
