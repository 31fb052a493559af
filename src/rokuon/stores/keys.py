"""The object names that Rokuon is willing to create, the same for every store.

Stricter than any single store: a name that is fine here is fine in a bucket and in a folder. Names come from `domain.placement`
and always pass; this is the last gate before a store, for the day when something else hands one in.
"""

import re

from rokuon.domain.failures import ObjectNameRefused

MAX_BYTES = 1024
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_RESERVED_BY_GCS = ".well-known/acme-challenge/"


def check(key: str) -> None:
    """Raises ObjectNameRefused. One trailing "/" is allowed: it is how a bucket spells an empty folder."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        raise ObjectNameRefused("not encodable as UTF-8") from None
    if not 1 <= length <= MAX_BYTES:
        raise ObjectNameRefused(f"{length} bytes")
    if _CONTROL.search(key):
        raise ObjectNameRefused("control character")
    segments = key.removesuffix("/").split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise ObjectNameRefused("empty, . or .. segment")
    if key.startswith(_RESERVED_BY_GCS):
        raise ObjectNameRefused("reserved prefix")
