"""Objects as files below one folder, in plain blocking calls; `local` runs them on threads.

Every step goes from an open folder to the next one without following links, so nothing outside the root is ever touched, not even when
somebody swaps a folder for a link meanwhile. A body is written under a name of its own in `.rokuon-parts`, synced, read back, and only
then given its final name (`disk`), which fails where that name is taken. So a name appears whole or not at all, and never over another.
"""

import os
import stat as modes
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from rokuon.domain.failures import (
    BucketMissing,
    BucketUnusable,
    ObjectExists,
    ObjectMisread,
    ObjectMissing,
    ObjectNameRefused,
    ObjectOccupied,
    StoreUnavailable,
)
from rokuon.domain.placement import SEGMENT_BYTES, folder_key
from rokuon.domain.ports import StoredObject

from . import checksums, keys
from .abilities import Abilities, find_out
from .disk import give_name, sync, sync_folder
from .folder_errors import translated
from .part import Abandoned, New, check, new_part, write

PARTS = ".rokuon-parts"
LEFTOVER_AFTER_S = 24 * 3600
_PIECE = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe that somebody left under an object's name must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_MODE = 0o750
_SETTLED_LIMIT = 20_000
_LOOKS = 8


class Folder:
    """Safe to use from several threads, and beside other processes that use the same root."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = root
        self._clock = clock
        self._lock = threading.Lock()
        self._root_fd: int | None = None
        self._identity: tuple[int, int] | None = None
        self._settled: set[str] = set()
        self._swept: set[str] = set()

    def create(self, new: Sequence[New]) -> list[StoredObject | Exception]:
        """Create several objects, step by step beside each other: the disk is waited for once where one by one would wait for each.

        Each gets its own answer; Abandoned where its event was set before it had its name.
        """
        synced: set[str] = set()
        making = [self._create(one, synced) for one in new]
        answers: list[StoredObject | Exception | None] = [None] * len(new)
        while None in answers:
            for at, steps in enumerate(making):
                if answers[at] is None:
                    answers[at] = _next_step(steps)
        return [answer for answer in answers if answer is not None]

    def _create(self, new: New, synced: set[str]) -> Generator[None, None, StoredObject]:
        """Pauses where the bytes are written, and where the name is given. `synced` are folders on the disk with the names so far."""
        *folders, name = _segments(new.key)
        top, below = folders[:1], folders[1:]
        with translated(), self._enter(top, create=True) as start, self._below(start, top, below, create=True) as parent:
            if _is_taken(name, parent):
                raise ObjectExists
            with self._below(start, top, [PARTS], create=True) as parts, new_part(parts) as (part, fd):
                self._sweep(parts, "".join(folders[:1]))
                write(fd, new)
                yield
                sync(fd)
                check(fd, new.body)
                if new.abandoned.is_set():
                    raise Abandoned
                try:
                    give_name(part, parts, name, parent)
                except FileExistsError:
                    _is_taken(name, parent)
                    raise ObjectExists from None
                found = os.fstat(fd)
            yield
            folder = "/".join(folders)
            if folder not in synced:
                sync_folder(parent)
                synced.add(folder)
            return StoredObject(new.key, new.body.size, new.body.crc32c, _version(found))

    def size(self, key: str) -> int | None:
        with translated():
            try:
                with self._open(key) as fd:
                    return os.fstat(fd).st_size
            except ObjectMissing:
                return None

    def stat(self, key: str) -> StoredObject | None:
        """Reads the whole file: its checksum is that of the bytes on disk."""
        with translated():
            try:
                with self._open(key) as fd:
                    size, checksum = checksums.of_file(fd)
                    return StoredObject(key, size, checksum, _version(os.fstat(fd)))
            except ObjectMissing:
                return None

    def read(self, key: str, start: int, end: int | None) -> Generator[bytes]:
        with translated(), self._open(key) as fd:
            size = os.fstat(fd).st_size
            at, stop = start, size if end is None else min(end, size)
            while at < stop and (piece := os.pread(fd, min(_PIECE, stop - at), at)):
                at += len(piece)
                yield piece
            if at < stop:
                raise ObjectMisread(f"{at - start} bytes of {stop - start}")

    def walk(self, prefix: str, after: str) -> Generator[StoredObject]:
        """In byte order of the whole keys. Links, pipes and devices are not objects."""
        with translated():
            yield from self._walk([], os.fsencode(prefix), os.fsencode(after))

    def abilities(self, top: str) -> Abilities:
        """What the disk can do, found out below the folder `top`, which is made where it is not there."""
        with translated(), self._enter([top, PARTS], create=True) as parts:
            return find_out(parts)

    def close(self) -> None:
        with self._lock:
            if self._root_fd is not None:
                os.close(self._root_fd)
            self._root_fd = None

    def _walk(self, folders: list[str], prefix: bytes, after: bytes) -> Iterator[StoredObject]:
        try:
            with self._enter(folders) as fd, os.scandir(fd) as entries:
                found = dict(_listed(entry) for entry in entries)
        except (FileNotFoundError, ObjectOccupied):
            # Taken away since its parent was read: there is nothing in it to list.
            return
        here = "".join(f"{folder}/" for folder in folders).encode()
        for name in sorted(found):
            key = here + name
            if name.endswith(b"/"):
                may_hold = key.startswith(prefix) or prefix.startswith(key)
                if may_hold and (key > after or after.startswith(key)):
                    yield from self._walk([*folders, os.fsdecode(name[:-1])], prefix, after)
            elif (file := found[name]) and key.startswith(prefix) and key > after:
                yield StoredObject(os.fsdecode(key), file.st_size, version=_version(file))

    @contextmanager
    def _open(self, key: str) -> Iterator[int]:
        *folders, name = _segments(key)
        try:
            with self._enter(folders) as parent:
                fd = os.open(name, _FILE, dir_fd=parent)
        except (FileNotFoundError, ObjectOccupied) as error:
            raise ObjectMissing from error
        except OSError as error:
            if not modes.S_ISREG(self._mode(folders, name)):
                raise ObjectOccupied("not a file") from error
            raise
        try:
            if not modes.S_ISREG(os.fstat(fd).st_mode):
                raise ObjectOccupied("not a file")
            yield fd
        finally:
            os.close(fd)

    def _mode(self, folders: list[str], name: str) -> int:
        with self._enter(folders) as parent:
            return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode

    def _enter(self, folders: list[str], *, create: bool = False) -> AbstractContextManager[int]:
        """The innermost folder, open. With `create` the way there exists, and is on the disk, before this yields."""
        return self._below(self._root(), [], folders, create=create)

    @contextmanager
    def _below(self, start: int, path: list[str], folders: list[str], *, create: bool = False) -> Iterator[int]:
        """The same from `start`, an open folder whose way from the root is `path`."""
        fd = None
        try:
            for depth, name in enumerate(folders):
                child = self._child(start if fd is None else fd, name, "/".join([*path, *folders[: depth + 1]]), create=create)
                if fd is not None:
                    os.close(fd)
                fd = child
            if fd is None:
                # Opened anew, not duplicated: duplicates share one position, and two threads would read half a listing each.
                fd = os.open(".", _FOLDER, dir_fd=start)
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def _child(self, parent: int, name: str, path: str, *, create: bool) -> int:
        made = False
        if create and path not in self._settled:
            with suppress(FileExistsError):
                os.mkdir(name, _FOLDER_MODE, dir_fd=parent)
                made = True
        try:
            child = os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not create or made:
                raise
            # Removed by somebody since this process made it.
            self._settled.clear()
            return self._child(parent, name, path, create=True)
        except OSError as error:
            if modes.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise
            raise ObjectOccupied("a folder's name is taken") from error
        if create and (made or path not in self._settled):
            try:
                self._settle(parent, child, name, path, made=made)
            except BaseException:
                os.close(child)
                raise
        return child

    def _settle(self, parent: int, child: int, name: str, path: str, *, made: bool) -> None:
        """Once per folder and process. Another process may have made it and not yet synced it, so syncing is not only for the maker.

        On a disk that takes "Sales" and "sales" for one name (or both spellings of a kana), the folder that opened may be another
        contact center's. One that was just made is nobody else's: making it fails where the disk has it under any spelling.
        """
        if not made:
            self._require_spelled_so(parent, child, name, path)
        sync_folder(parent)
        if len(self._settled) >= _SETTLED_LIMIT:
            self._settled.clear()
        self._settled.add(path)

    def _require_spelled_so(self, parent: int, child: int, name: str, path: str) -> None:
        """Looked up several times: while others enter names, one look may pass over it, and a network disk may show an old listing.

        Raises ObjectOccupied where the listing has the folder under another name, StoreUnavailable where it does not have it at all.
        """
        for look in range(_LOOKS):
            time.sleep(0.002 * look)
            # Opened anew for each look: some network disks show an open folder as it was when it was opened.
            with self._below(parent, [], [], create=False) as fresh:
                with os.scandir(fresh) as entries:
                    listed = [entry.name for entry in entries]
                if name in listed or path in self._settled:
                    return
                if any(_is_same(other, fresh, name, child) for other in listed):
                    raise ObjectOccupied("a folder of almost the same name")
        raise StoreUnavailable("the disk does not list a folder that is there")

    def _root(self) -> int:
        """The root, and still the same one: where a disk was unmounted, its empty mount point must not take the files."""
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BucketMissing("the folder is not there") from error
        if not modes.S_ISDIR(found.st_mode):
            raise BucketUnusable("not a folder")
        with self._lock:
            if self._identity is None:
                self._identity = (found.st_dev, found.st_ino)
            if self._identity != (found.st_dev, found.st_ino):
                raise BucketUnusable("another folder than before: a disk was mounted or unmounted")
            if self._root_fd is None:
                self._root_fd = os.open(self._path, _FOLDER)
            return self._root_fd

    def _sweep(self, parts: int, top: str) -> None:
        """What a killed process left behind, once per process: each of these never became an object."""
        if top in self._swept:
            return
        self._swept.add(top)
        for name in os.listdir(parts):
            with suppress(FileNotFoundError):
                if os.stat(name, dir_fd=parts, follow_symlinks=False).st_mtime < self._clock() - LEFTOVER_AFTER_S:
                    os.unlink(name, dir_fd=parts)


def _segments(key: str) -> list[str]:
    keys.check(key)
    segments = key.split("/")
    if segments[-1] == "":
        raise ObjectNameRefused("a folder is not an object here")
    if any(len(segment.encode()) > SEGMENT_BYTES for segment in segments):
        raise ObjectNameRefused(f"a name of more than {SEGMENT_BYTES} bytes")
    if PARTS in segments:
        raise ObjectNameRefused("the name of Rokuon's own folder")
    return segments


def _listed(entry: "os.DirEntry[str]") -> tuple[bytes, os.stat_result | None]:
    """How an entry sorts among whole keys (a folder's name ends in "/"), and its facts where it is an object."""
    name = os.fsencode(entry.name)
    if entry.name != PARTS and entry.is_dir(follow_symlinks=False):
        return name + b"/", None
    with suppress(FileNotFoundError, UnicodeDecodeError):
        # A name that is not UTF-8 cannot be a key.
        if name.decode() and entry.is_file(follow_symlinks=False):
            return name, entry.stat(follow_symlinks=False)
    return name, None


def _is_same(other: str, parent: int, name: str, child: int) -> bool:
    """Whether the listed name is of the folder that is open as `child` under another spelling. By its inode, and by the spelling where a
    network disk makes up an inode for each name."""
    if folder_key(other) == folder_key(name):
        return True
    with suppress(OSError):
        found, own = os.stat(other, dir_fd=parent, follow_symlinks=False), os.fstat(child)
        return (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)
    return False


def _is_taken(name: str, parent: int) -> bool:
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not modes.S_ISREG(found.st_mode):
        raise ObjectOccupied("not a file")
    # Whoever named it may have died before syncing the folder, and our caller is about to trust what is there.
    sync_folder(parent)
    return True


def _next_step(steps: Generator[None, None, StoredObject]) -> StoredObject | Exception | None:
    """The object, or why there is none; None where steps are left."""
    try:
        next(steps)
    except StopIteration as done:
        answer: StoredObject = done.value
        return answer
    except Exception as error:  # noqa: BLE001 (each of several objects has an answer of its own)
        return error
    return None


def _version(found: os.stat_result) -> str:
    return f"{found.st_ino}-{found.st_mtime_ns}"
