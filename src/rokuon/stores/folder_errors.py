"""What the operating system's error numbers mean for a folder of objects."""

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
    # Names are of at most 255 bytes and made of letters that are fine elsewhere: it is the disk that takes less.
    errno.ENAMETOOLONG: FolderNamesTooShort,
    errno.EILSEQ: FolderNamesRefused,
    errno.EINVAL: ObjectNameRefused,
    # Passing: another process removed a folder, or this one is short of something.
    errno.ENOENT: StoreUnavailable,
    errno.EMFILE: StoreUnavailable,
    errno.ENFILE: StoreUnavailable,
    errno.ENOMEM: StoreUnavailable,
    errno.EAGAIN: StoreUnavailable,
    errno.ETIMEDOUT: StoreUnavailable,
}


@contextmanager
def translated() -> Iterator[None]:
    """OSError becomes the failure that it means; unknown numbers (EROFS, EIO, ESTALE, ENOTSUP, EXDEV ...) make the folder unusable."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        # Not chained: OSError quotes the file, and with it the name of the agent.
        raise _MEANING.get(number, BucketUnusable)(errno.errorcode.get(number, str(number))) from None
