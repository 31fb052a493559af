"""Stores objects as files below one folder, with blocking calls; `local` runs them on threads.

Every step opens the next folder relative to an open folder without following links. So nothing outside the root is ever touched, not even
if someone replaces a folder with a link meanwhile. A body is written under a temporary name in `.rokuon-parts`, synced, read back, and only
then gets its final name (`disk`), which fails if that name is taken. So an object appears complete or not at all, and never replaces
another.
"""

import os
import stat as modes
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from rokuon.domain.bucket_listing import ListedObject, ListedPage
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
# O_NONBLOCK: opening a pipe under an object's name must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_MODE = 0o750
_SETTLED_LIMIT = 20_000
_LOOKS = 8


class Folder:
    """A folder of objects. Safe to use from several threads, and while other processes use the same root."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = root
        self._clock = clock
        self._lock = threading.Lock()
        self._root_fd: int | None = None
        self._identity: tuple[int, int] | None = None
        self._settled: set[str] = set()
        self._swept: set[str] = set()

    def create(self, new: Sequence[New]) -> list[StoredObject | Exception]:
        """Create several objects together, one step of all after the other, so that there is one wait for the disk instead of one for each.

        Each object gets its own answer; Abandoned if its event was set before the object had its name.
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
        """Create one object. Yields after writing the bytes and after giving the name. `synced` are the folders that were synced
        already."""
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
        """Return an object's facts. Reads the whole file, because the checksum is that of the bytes on disk."""
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
        """List the objects in byte order of the whole keys. Links, pipes and devices are not objects, nor is a path that can be no key:
        one that is not UTF-8, or longer than 1,024 bytes."""
        with translated():
            for key, file in self._files([], os.fsencode(prefix), os.fsencode(after)):
                yield StoredObject(os.fsdecode(key), file.st_size, version=_version(file))

    def page(self, prefix: str, after: str, limit: int) -> ListedPage:
        """Return the next objects for an inventory. A file has no checksum, and no time of creation that every disk keeps."""
        with translated():
            found = [
                ListedObject(os.fsdecode(key), file.st_size, version=_version(file), updated_at=_at(file))
                for key, file in islice(self._files([], os.fsencode(prefix), os.fsencode(after)), limit + 1)
            ]
        return ListedPage(found[:limit], last=len(found) <= limit)

    def abilities(self, top: str) -> Abilities:
        """Detect what the disk can do, below the folder `top`, which is created if it does not exist."""
        with translated(), self._enter([top, PARTS], create=True) as parts:
            return find_out(parts)

    def close(self) -> None:
        with self._lock:
            if self._root_fd is not None:
                os.close(self._root_fd)
            self._root_fd = None

    def _files(self, folders: list[str], prefix: bytes, after: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        try:
            with self._enter(folders) as fd, os.scandir(fd) as entries:
                found = dict(_listed(entry) for entry in entries)
        except (FileNotFoundError, ObjectOccupied):
            # Removed since its parent was read: there is nothing in it to list.
            return
        here = "".join(f"{folder}/" for folder in folders).encode()
        for name in sorted(found):
            key = here + name
            if name.endswith(b"/"):
                may_hold = key.startswith(prefix) or prefix.startswith(key)
                if may_hold and (key > after or after.startswith(key)):
                    yield from self._files([*folders, os.fsdecode(name[:-1])], prefix, after)
            elif (file := found[name]) and key.startswith(prefix) and key > after and len(key) <= keys.MAX_BYTES:
                yield key, file

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
        """Open the innermost folder. With `create`, the path to it exists, and is synced, before this yields."""
        return self._below(self._root(), [], folders, create=create)

    @contextmanager
    def _below(self, start: int, path: list[str], folders: list[str], *, create: bool = False) -> Iterator[int]:
        """Like `_enter`, but from `start`, an open folder whose path from the root is `path`."""
        fd = None
        try:
            for depth, name in enumerate(folders):
                child = self._child(start if fd is None else fd, name, "/".join([*path, *folders[: depth + 1]]), create=create)
                if fd is not None:
                    os.close(fd)
                fd = child
            if fd is None:
                # Opened again, not duplicated: duplicates share one position, and two threads would each read half a listing.
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
            # Removed by another process or a person since this process made it.
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
        """Check and sync a folder, once per folder and process. Another process may have made the folder and not synced it yet, so this
        process syncs it in any case.

        On a disk that treats "Sales" and "sales" (or both spellings of a kana) as one name, the folder that opened may be another contact
        center's. A folder that was just made is no other's, because making it fails if the disk has it under any spelling.
        """
        if not made:
            self._require_spelled_so(parent, child, name, path)
        sync_folder(parent)
        if len(self._settled) >= _SETTLED_LIMIT:
            self._settled.clear()
        self._settled.add(path)

    def _require_spelled_so(self, parent: int, child: int, name: str, path: str) -> None:
        """Check that the disk lists the folder under exactly this name. It looks several times, because a listing may miss the name while
        others add names, and because a network disk may return an old listing.

        Raises ObjectOccupied if the listing has the folder under another name, StoreUnavailable if it does not have it at all.
        """
        for look in range(_LOOKS):
            time.sleep(0.002 * look)
            # Opened again for each look: some network disks show an open folder as it was when it was opened.
            with self._below(parent, [], [], create=False) as fresh:
                with os.scandir(fresh) as entries:
                    listed = [entry.name for entry in entries]
                if name in listed or path in self._settled:
                    return
                if any(_is_same(other, fresh, name, child) for other in listed):
                    raise ObjectOccupied("a folder of almost the same name")
        raise StoreUnavailable("the disk does not list a folder that is there")

    def _root(self) -> int:
        """Open the root and check that it is still the same folder: after a disk was unmounted, its empty mount point must not receive
        the files."""
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
        """Remove files that a killed process left behind, once per process. None of these ever became an object."""
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
    """Return an entry's sort key among whole keys (a folder's name ends in "/"), and its facts if it is an object."""
    name = os.fsencode(entry.name)
    try:
        name.decode()
    except UnicodeDecodeError:
        # A name that is not UTF-8 cannot be a key, nor can what is in such a folder.
        return name, None
    if entry.name != PARTS and entry.is_dir(follow_symlinks=False):
        return name + b"/", None
    with suppress(FileNotFoundError):
        if entry.is_file(follow_symlinks=False):
            return name, entry.stat(follow_symlinks=False)
    return name, None


def _is_same(other: str, parent: int, name: str, child: int) -> bool:
    """Whether the listed name is another spelling of the folder that is open as `child`. Compares the inodes, and also the spelling,
    because a network disk may invent an inode for each name."""
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
    # The process that named it may have died before syncing the folder, and our caller is about to rely on the file.
    sync_folder(parent)
    return True


def _next_step(steps: Generator[None, None, StoredObject]) -> StoredObject | Exception | None:
    """Run the next step. Return the object, or the error; None if steps are left."""
    try:
        next(steps)
    except StopIteration as done:
        answer: StoredObject = done.value
        return answer
    except Exception as error:  # noqa: BLE001 (each of several objects has an answer of its own)
        return error
    return None


def _at(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime_ns // 1_000_000_000, UTC)


def _version(found: os.stat_result) -> str:
    return f"{found.st_ino}-{found.st_mtime_ns}"
