"""Check of the object names that Rokuon may create, the same for every store.

It is stricter than any single store: a name that passes here is valid in a bucket and in a folder. Names come from `domain.placement`
and always pass; this last check before a store is for a future caller that passes other names.
"""

import re

from rokuon.domain.failures import ObjectNameRefused

MAX_BYTES = 1024
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_RESERVED_BY_GCS = ".well-known/acme-challenge/"


def check(key: str) -> None:
    """Check a key. Raises ObjectNameRefused. One trailing "/" is allowed: a bucket represents an empty folder by it."""
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
