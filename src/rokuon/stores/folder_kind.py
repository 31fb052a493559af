"""The kind of store `file:///absolute/folder`: a folder of this machine, or a disk that is mounted there."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from rokuon.domain.failures import N_, ConfigError

from .kind import Guide, StoreKind, StoreSettings
from .local import LocalStore
from .verification import Advice


class FolderKind(StoreKind):
    id = "folder"
    scheme = "file"
    title = N_("Folder on the machine that runs Rokuon")
    example = "file:///FOLDER"
    takes_credential = False
    grants_arrive_late = False
    forbidden = N_("The folder refuses Rokuon. Give the user that runs Rokuon the right to write into it.")
    advice: Mapping[Advice, str] = {}

    def canonical(self, url: str, settings: StoreSettings) -> str:
        return self.folder(url, settings).as_uri()

    def name(self, url: str) -> str:
        return url.removeprefix("file://")

    def folder(self, url: str, settings: StoreSettings) -> Path:
        """Return the folder: absolute, without links, inside an allowed root."""
        parts = urlsplit(url)
        path = os.fsdecode(unquote_to_bytes(parts.path))
        if parts.netloc or parts.query or parts.fragment or not path.startswith("/"):
            raise ConfigError(N_("Write a folder as file:///absolute/folder, with three slashes, and a space or # in it percent-encoded."))
        if "\0" in path or ".." in path.split("/"):
            raise ConfigError(N_("Write the folder without .. in it."))
        real = Path(path).resolve()
        for root in settings.allowed_roots:
            # The folder or the root may be a link made by the operator; for both, the link's target counts.
            if root.is_absolute() and real.is_relative_to(root.resolve()):
                return real
        raise ConfigError(
            N_("This folder is not allowed. Ask the operator of this installation to add it, or a folder above it, to ROKUON_LOCAL_ROOTS.")
        )

    def check_credential(self, text: str, settings: StoreSettings) -> None:
        """Accept anything: a folder has no credential, and an entered one is not used."""

    def machine_credential(self, settings: StoreSettings) -> bool:
        return False

    def principal(self, credential: str) -> str:
        return ""

    def credential_label(self, credential: str) -> str:
        return ""

    def guide(self, name: str, principal: str) -> Guide | None:
        return None

    def grant_command(self, url: str) -> str:
        return ""

    def restore_command(self, url: str, key: str, version: str, *, noncurrent: bool) -> str:
        return ""

    def open(self, url: str, credential: str | None, settings: StoreSettings) -> LocalStore:
        return LocalStore(self.folder(url, settings))


def overlap(one: Path, other: Path) -> bool:
    """Whether the folders are the same, or one is inside the other. Compares the paths with links resolved, and also the device and inode
    numbers, because a bind mount or a case-insensitive disk shows the same folder under another path."""
    one, other = one.resolve(), other.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        return True
    return _is_above(one, other) or _is_above(other, one)


def _is_above(outer: Path, inner: Path) -> bool:
    wanted = _identity(outer)
    return wanted is not None and any(_identity(folder) == wanted for folder in (inner, *inner.parents))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
