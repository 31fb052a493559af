"""A bucket's URL, as a person writes it: `gs://name`, `file:///absolute/folder`, and `memory://name` in tests."""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from rokuon.domain.failures import N_, ConfigError

_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_MEMORY = re.compile(r"[a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class GcsAddress:
    bucket: str


@dataclass(frozen=True, slots=True)
class FolderAddress:
    """`path` is absolute, free of links, and inside an allowed root."""

    path: Path


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    name: str


def parse(url: str, *, allowed_roots: Sequence[Path] = ()) -> GcsAddress | FolderAddress | MemoryAddress:
    """Raises ConfigError with a sentence for the person who typed it. Looks at the disk for links only; creates nothing."""
    parts = urlsplit(url)
    if parts.scheme == "gs":
        return GcsAddress(_gcs_bucket(url))
    if parts.scheme == "file":
        return FolderAddress(_folder(url, allowed_roots))
    if parts.scheme == "memory" and _MEMORY.fullmatch(parts.netloc) and not parts.path.strip("/"):
        return MemoryAddress(parts.netloc)
    raise ConfigError(N_("Write the bucket as gs://name or file:///absolute/folder."))


def _gcs_bucket(url: str) -> str:
    """Google's naming rules: 3 to 63 of a-z 0-9 - _ . (222 with dots), no IP address, nothing that poses as Google."""
    name = url.removeprefix("gs://").removesuffix("/")
    if "/" in name:
        raise ConfigError(N_("Give the bucket alone, as gs://name: Rokuon chooses the folders below it."))
    longest = 222 if "." in name else 63
    if not 3 <= len(name) <= longest or not all(_COMPONENT.fullmatch(part) for part in name.split(".")):
        raise ConfigError(
            N_("This is not a bucket name. Use 3 to 63 lower-case letters, digits, hyphens, underscores or dots, as the console shows it.")
        )
    if name.startswith("goog") or "google" in name or "g00gle" in name or _is_ip(name):
        raise ConfigError(N_("Google does not allow this bucket name: it may not look like an IP address nor contain google."))
    return name


def _is_ip(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _folder(url: str, allowed_roots: Sequence[Path]) -> Path:
    parts = urlsplit(url)
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/"):
        raise ConfigError(N_("Write a folder as file:///absolute/folder, with three slashes, and a space or # in it percent-encoded."))
    if "\0" in path or ".." in path.split("/"):
        raise ConfigError(N_("Write the folder without .. in it."))
    real = Path(path).resolve()
    for root in allowed_roots:
        # The folder itself may be a link made by the operator; where it leads counts, for both.
        if root.is_absolute() and real.is_relative_to(root.resolve()):
            return real
    raise ConfigError(
        N_("This folder is not allowed. Ask the operator of this installation to add it, or a folder above it, to ROKUON_LOCAL_ROOTS.")
    )


def overlap(one: Path, other: Path) -> bool:
    """Whether the folders are the same, or one lies inside the other: by their paths, links resolved, and by what is there, which a bind
    mount or a disk that ignores case shows under another path."""
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
