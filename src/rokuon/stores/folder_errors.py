"""Translates the operating system's error numbers into failures of a folder store."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from rokuon.domain.failures import (
    BucketForbidden,
    BucketFull,
    BucketUnusable,
    FolderNamesRefused,
    FolderNamesTooShort,
    ObjectNameRefused,
    ObjectTooLarge,
    StoreError,
    StoreUnavailable,
)

_MEANING: dict[int, type[StoreError]] = {
    errno.ENOSPC: BucketFull,
    errno.EDQUOT: BucketFull,
    errno.EFBIG: ObjectTooLarge,
    errno.EACCES: BucketForbidden,
    errno.EPERM: BucketForbidden,
    # Our names have at most 255 bytes and use letters that other disks accept, so the cause is this disk.
    errno.ENAMETOOLONG: FolderNamesTooShort,
    errno.EILSEQ: FolderNamesRefused,
    errno.EINVAL: ObjectNameRefused,
    # Temporary: another process removed a folder, or this process lacks a resource.
    errno.ENOENT: StoreUnavailable,
    errno.EMFILE: StoreUnavailable,
    errno.ENFILE: StoreUnavailable,
    errno.ENOMEM: StoreUnavailable,
    errno.EAGAIN: StoreUnavailable,
    errno.ETIMEDOUT: StoreUnavailable,
}


@contextmanager
def translated() -> Iterator[None]:
    """Translate OSError into the matching failure; other numbers (EROFS, EIO, ESTALE, ENOTSUP, EXDEV ...) become BucketUnusable."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        # Not chained: OSError contains the file's path and so the name of the agent.
        raise _MEANING.get(number, BucketUnusable)(errno.errorcode.get(number, str(number))) from None
