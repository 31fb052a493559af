"""Disks as people have them: without hard links, without a sync of folders, with short names, with old listings, with other letters.

What the kernel refuses is refused by the kernel (`refused`), in a process of its own.
"""

import asyncio
import errno
import os
import stat as modes
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rokuon.domain.failures import (
    FolderCannotSync,
    FolderNamesRefused,
    FolderNamesTooShort,
    ObjectExists,
    ObjectOccupied,
    StoreUnavailable,
)
from rokuon.stores import folder
from rokuon.stores.local import LocalStore
from rokuon.stores.verification import Advice, Verification, verify
from tests.conformance.harness import body_of
from tests.stores.refused import can_refuse

NOW = datetime(2026, 11, 30, tzinfo=UTC)

ROOT = Path(__file__).parents[2]
KEY = "call-recordings/東京/2026-04-01/山田 太郎 - 1 - 2.mp3"
on_linux = pytest.mark.skipif(not can_refuse(), reason="needs Linux on x86-64 or arm64")


def refusing(root: Path, calls: str, work: str) -> list[str]:
    """The lines that the work prints in a process for which the kernel refuses these calls."""
    script = f"""
import asyncio, datetime, errno, os
from pathlib import Path
from rokuon.domain.failures import StoreError
from rokuon.stores.local import LocalStore
from rokuon.stores.verification import verify
from tests.conformance.harness import body_of
from tests.stores.refused import refuse
refuse({calls})
KEY = {KEY!r}
async def put(store, data=b"x", key=KEY):
    try:
        await store.put(key, body_of(data), content_type="", metadata={{}})
        print("stored")
    except StoreError as failure:
        print(failure.reason)
async def verified(store):
    found = await verify(store, company_id="acme", installation_id="i", now={NOW!r}, clock=lambda: 0, sleep=asyncio.sleep, deadline_s=0)
    print(found.failure.reason if found.failure else "ok", *found.advice)
async def main():
    store = LocalStore(Path({str(root)!r}))
{work}
    await store.close()
asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


async def verified(store: LocalStore) -> Verification:
    return await verify(store, company_id="acme", installation_id="i", now=NOW, clock=lambda: 0, sleep=asyncio.sleep, deadline_s=0)


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


# --- hard links ------------------------------------------------------------------------------------------------------------


@on_linux
@pytest.mark.parametrize("answer", ["EPERM", "EOPNOTSUPP", "ENOSYS", "EINVAL"])
def test_a_disk_without_hard_links_stores_and_replaces_nothing(tmp_path: Path, answer: str) -> None:
    """FAT and many shares say EPERM, SMB says EOPNOTSUPP, some FUSE file systems ENOSYS."""
    work = "    await verified(store)\n    await put(store)\n    await put(store, b'other')\n    await verified(store)"
    said = refusing(tmp_path, f"linkat=errno.{answer}", work)
    assert said == ["ok without_links", "stored", "object_exists", "ok without_links"]
    assert files_below(tmp_path) == ["call-recordings/.rokuon", KEY]
    assert (tmp_path / KEY).read_bytes() == b"x"


@on_linux
@pytest.mark.parametrize("answer", ["EINVAL", "ENOSYS", "EOPNOTSUPP"])
def test_a_disk_on_which_a_name_could_be_replaced_is_refused_with_that_reason(tmp_path: Path, answer: str) -> None:
    """Neither "a fresh grant" nor "give the right to write" would help there."""
    work = "    await put(store)\n    await verified(store)"
    said = refusing(tmp_path, f"linkat=errno.EPERM, renameat2=errno.{answer}", work)
    assert said == ["folder_may_replace", "folder_may_replace"]
    assert files_below(tmp_path) == []


@on_linux
def test_a_right_that_is_missing_is_still_told_as_such(tmp_path: Path) -> None:
    assert refusing(tmp_path, "linkat=errno.EPERM, renameat2=errno.EACCES", "    await put(store)") == ["bucket_forbidden"]
    assert refusing(tmp_path, "linkat=errno.EACCES", "    await put(store)") == ["bucket_forbidden"]


@on_linux
def test_of_many_that_rename_to_one_name_one_succeeds(tmp_path: Path) -> None:
    work = "    await asyncio.gather(*(put(store, bytes([n])) for n in range(40)))"
    said = refusing(tmp_path, "linkat=errno.EPERM", work)
    assert sorted(said) == ["object_exists"] * 39 + ["stored"]
    assert files_below(tmp_path) == [KEY]


# --- sync ------------------------------------------------------------------------------------------------------------------


def refuse_sync(monkeypatch: pytest.MonkeyPatch, of: Callable[[int], bool], number: int = errno.EINVAL) -> list[str]:
    """fsync answers with the number for files of these modes; the files and folders that were synced all the same."""
    real, done = os.fsync, []

    def fsync(fd: int) -> None:
        if of(os.fstat(fd).st_mode):
            raise OSError(number, os.strerror(number))
        real(fd)
        done.append(str(Path(f"/proc/self/fd/{fd}").readlink()))

    monkeypatch.setattr(os, "fsync", fsync)
    return done


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
async def test_a_disk_that_cannot_sync_a_folder_is_synced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    synced = refuse_sync(monkeypatch, modes.S_ISDIR, number)
    store = LocalStore(tmp_path)
    found = await verified(store)
    assert (found.failure, found.advice) == (None, (Advice.SYNCS_WHOLE_DISK,))
    await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    assert any(path.endswith(".part") for path in synced), "the bytes are synced before they get their name"
    await store.close()


@on_linux
def test_a_disk_that_can_be_synced_in_no_way_is_refused_with_that_reason(tmp_path: Path) -> None:
    work = "    await put(store)\n    await verified(store)"
    for calls in ("fsync=errno.EINVAL", "fsync=errno.EINVAL, syncfs=errno.ENOSYS"):
        assert refusing(tmp_path, calls, work) == ["folder_cannot_sync"] * 2
    assert files_below(tmp_path) == []


async def test_a_disk_that_fails_while_it_syncs_is_not_taken_for_one_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_sync(monkeypatch, modes.S_ISREG, errno.EIO)
    store = LocalStore(tmp_path)
    found = await verified(store)
    assert found.failure is not None
    assert (found.failure.reason, found.failure.detail) == ("bucket_unusable", "EIO")
    refuse_sync(monkeypatch, modes.S_ISREG, errno.EINVAL)
    with pytest.raises(FolderCannotSync):
        await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    await store.close()


# --- names -----------------------------------------------------------------------------------------------------------------


def limit_names(monkeypatch: pytest.MonkeyPatch, longest: int, number: int = errno.ENAMETOOLONG) -> None:
    """As eCryptfs (143 bytes) and some encrypted shares: every call that takes a name refuses a longer one."""
    for call in ("open", "mkdir", "link", "stat"):
        real = getattr(os, call)

        def limited(*given: Any, real: Any = real, **more: Any) -> Any:
            paths = [one for one in given if isinstance(one, str | Path)]
            if any(len(os.fsencode(part)) > longest for path in paths for part in Path(path).parts):
                raise OSError(number, os.strerror(number))
            return real(*given, **more)

        monkeypatch.setattr(os, call, limited)


@pytest.mark.parametrize(("longest", "number"), [(143, errno.ENAMETOOLONG), (128, errno.ENAMETOOLONG), (200, errno.EINVAL)])
async def test_verification_finds_the_longest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int, number: int) -> None:
    limit_names(monkeypatch, longest, number)
    store = LocalStore(tmp_path)
    found = await verified(store)
    assert (found.failure, found.longest_name, found.advice) == (None, longest, (Advice.SHORT_NAMES,))
    assert files_below(tmp_path) == ["call-recordings/.rokuon"]
    await store.close()


async def test_a_disk_with_no_room_for_two_ids_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_names(monkeypatch, 127)
    store = LocalStore(tmp_path)
    found = await verified(store)
    assert isinstance(found.failure, FolderNamesTooShort)
    assert files_below(tmp_path) == []
    await store.close()


async def test_a_name_too_long_for_the_disk_holds_the_bucket_and_ends_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_names(monkeypatch, 143)
    store = LocalStore(tmp_path)
    for key in (f"call-recordings/a/{'x' * 144}", f"call-recordings/{'東' * 50}/x"):
        with pytest.raises(FolderNamesTooShort):
            await store.put(key, body_of(b"x"), content_type="", metadata={})
    await store.close()


@pytest.mark.parametrize("number", [errno.EILSEQ, errno.EINVAL])
async def test_a_disk_with_another_character_set_is_found_before_a_recording_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.open

    def ascii_only(path: Any, *given: Any, **more: Any) -> int:
        if not os.fsencode(path).isascii():
            raise OSError(number, os.strerror(number))
        return real(path, *given, **more)

    monkeypatch.setattr(os, "open", ascii_only)
    store = LocalStore(tmp_path)
    assert isinstance((await verified(store)).failure, FolderNamesRefused)
    await store.close()


# --- listings --------------------------------------------------------------------------------------------------------------


class Listings:
    """What the disk lists, in place of what is there: each folder's names go through `seen`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seen: Callable[[list[str]], list[str]]) -> None:
        self._real, self._seen = os.scandir, seen
        monkeypatch.setattr(os, "scandir", self)

    def __call__(self, path: Any) -> Any:
        listing = self

        class Entries:
            def __enter__(self) -> Any:
                with listing._real(path) as entries:
                    found = {entry.name: entry for entry in entries}
                return [type("Entry", (), {"name": name}) for name in listing._seen(list(found))]

            def __exit__(self, *given: object) -> None:
                pass

        return Entries()


async def test_a_folder_just_made_needs_no_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sshfs and NFS go on showing the listing from before for some seconds."""
    store = LocalStore(tmp_path)
    Listings(monkeypatch, lambda names: [])
    await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    await store.put(KEY.replace("2026-04-01", "2026-04-02"), body_of(b"x"), content_type="", metadata={})
    await store.close()


async def test_a_folder_that_another_made_and_nobody_lists_yet_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "call-recordings").mkdir()
    looks = 0

    def late(names: list[str]) -> list[str]:
        nonlocal looks
        looks += 1
        return names if looks > 10 else []

    Listings(monkeypatch, late)
    store = LocalStore(tmp_path)
    with pytest.raises(StoreUnavailable):
        await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    with pytest.raises(ObjectExists):
        await store.put(KEY, body_of(b"x"), content_type="", metadata={})
    await store.close()


@pytest.mark.parametrize("listed", ["Sales", "SALES", "ｓａｌｅｓ"])
async def test_a_folder_listed_under_another_spelling_is_another_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    """By its spelling or, where the disk folds more than that, by its inode: here the other name is a second way to the same folder."""
    (tmp_path / "call-recordings/sales").mkdir(parents=True)
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: real("sales" if path == listed else path, **more))
    Listings(monkeypatch, lambda names: [listed if name == "sales" else name for name in names])
    store = LocalStore(tmp_path)
    with pytest.raises(ObjectOccupied):
        await store.put("call-recordings/sales/x", body_of(b"x"), content_type="", metadata={})
    await store.close()


async def test_verification_leaves_nothing_but_the_marker(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    found = await verified(store)
    assert (found.failure, found.advice, found.longest_name) == (None, (), 255)
    assert files_below(tmp_path) == ["call-recordings/.rokuon"]
    assert list((tmp_path / "call-recordings" / folder.PARTS).iterdir()) == []
    await store.close()
