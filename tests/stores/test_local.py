"""What only a folder can get wrong: links, rights, full disks, crashes, and disks that fold names."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rokuon.domain.failures import (
    BucketFull,
    BucketMissing,
    BucketUnusable,
    ChecksumRefused,
    ObjectExists,
    ObjectMissing,
    ObjectNameRefused,
    ObjectOccupied,
    StoreError,
    StoreUnavailable,
)
from rokuon.domain.ports import Body, StoredObject
from rokuon.stores import folder, part
from rokuon.stores.local import LocalStore
from tests.conformance.harness import body_of, spooled

AGENT = "山田 太郎"
KEY = f"call-recordings/東京/2026-04-01/{AGENT} - 1 - 2.mp3"
SOURCES = Path(folder.__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    opened = LocalStore(tmp_path)
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def open_to_others() -> Iterator[Path]:
    """A folder that another user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let its tests mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def put(store: LocalStore, key: str = KEY, data: bytes = b"x") -> StoredObject:
    return await store.put(key, body_of(data), content_type="", metadata={})


async def keys_of(store: LocalStore) -> list[str]:
    return [found.key async for found in store.list("")]


def in_a_process(root: Path, prelude: str, size: int = 1024, key: str = KEY) -> str:
    """The reason code that a put ends with, or "stored"."""
    script = f"""
import asyncio, os, sys
from pathlib import Path
from rokuon.domain.failures import StoreError
from rokuon.domain.ports import Body
from rokuon.stores.checksums import crc32c
from rokuon.stores.local import LocalStore
data = bytes({size})
async def main():
    store = LocalStore(Path({str(root)!r}))
    try:
        await store.put({key!r}, Body(len(data), "", crc32c(data), data), content_type="", metadata={{}})
        print("stored")
    except StoreError as failure:
        print(failure.reason)
    await store.close()
{prelude}
asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


# --- the root --------------------------------------------------------------------------------------------------------------


async def test_a_root_that_is_a_file_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for root, expected in ((tmp_path / "file", BucketUnusable), (tmp_path / "none", BucketMissing), (tmp_path / "file/x", BucketMissing)):
        store = LocalStore(root)
        with pytest.raises(expected):
            await put(store)
        with pytest.raises(expected):
            await store.stat(KEY)
        with pytest.raises(expected):
            await keys_of(store)
        await store.close()
    assert (tmp_path / "file").read_text() == "x"
    assert not (tmp_path / "none").exists()


async def test_a_root_that_appears_later_is_used_without_a_restart(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "late")
    with pytest.raises(BucketMissing):
        await put(store)
    (tmp_path / "late").mkdir()
    await put(store)
    await store.close()


async def test_an_empty_mount_point_does_not_take_the_files_of_its_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    store = LocalStore(tmp_path / "disk")
    await put(store)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    (tmp_path / "disk").mkdir()
    with pytest.raises(BucketUnusable):
        await put(store, "call-recordings/b")
    assert list((tmp_path / "disk").iterdir()) == []
    await store.close()


@as_root
def test_a_folder_of_another_user_is_forbidden(open_to_others: Path) -> None:
    assert in_a_process(open_to_others, "os.setgid(65534); os.setuid(65534)") == "bucket_forbidden"
    open_to_others.chmod(0o777)
    assert in_a_process(open_to_others, "os.setgid(65534); os.setuid(65534)") == "stored"


async def test_a_read_only_disk_is_unusable_and_still_readable(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    await put(store)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(BucketUnusable):
        await put(store, "call-recordings/b")
    assert await keys_of(store) == [KEY]
    await store.close()


async def test_a_full_disk_holds_the_bucket_and_leaves_nothing_half_named(small_disk: Path, tmp_path: Path) -> None:
    store = LocalStore(small_disk)
    await put(store, "a/kept", bytes(1024 * 1024))
    for body in (body_of(bytes(4 * 1024 * 1024)), spooled(bytes(4 * 1024 * 1024), tmp_path / "spool")):
        with pytest.raises(BucketFull):
            await store.put("a/b", body, content_type="", metadata={})
    assert await keys_of(store) == ["a/kept"]
    assert list((small_disk / "a" / folder.PARTS).iterdir()) == []
    (small_disk / "a/kept").unlink()
    await put(store, "a/b", bytes(1024 * 1024))
    await store.close()


def test_a_file_beyond_the_limit_of_the_process_is_too_large_and_the_bucket_not_full(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))"
    assert in_a_process(tmp_path, limit, size=100_000) == "object_too_large"
    assert in_a_process(tmp_path, limit, size=10_000) == "stored"


# --- names -----------------------------------------------------------------------------------------------------------------


async def test_a_link_in_the_path_is_not_followed(store: LocalStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "call-recordings").symlink_to(outside)
    with pytest.raises(ObjectOccupied):
        await put(store)
    (outside / "secret").write_text("s")
    (tmp_path / "link").symlink_to(outside / "secret")
    assert await store.stat("call-recordings/secret") is None
    with pytest.raises(ObjectMissing):
        [piece async for piece in store.read("call-recordings/secret")]
    with pytest.raises(ObjectOccupied):
        [piece async for piece in store.read("link")]
    assert await keys_of(store) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
async def test_a_name_taken_by_something_else_is_told_apart_from_an_object(store: LocalStore, tmp_path: Path, kind: str) -> None:
    name = tmp_path / "x"
    match kind:
        case "link":
            (tmp_path / "target").write_text("t")
            name.symlink_to(tmp_path / "target")
        case "dangling":
            name.symlink_to(tmp_path / "nowhere")
        case "folder":
            name.mkdir()
        case "pipe":
            os.mkfifo(name)
    with pytest.raises(ObjectOccupied):
        await put(store, "x")
    with pytest.raises(ObjectOccupied):
        await store.stat("x")
    assert not (tmp_path / "nowhere").exists()


async def test_a_folder_s_name_taken_by_a_file_is_told(store: LocalStore) -> None:
    await put(store, "call-recordings")
    with pytest.raises(ObjectOccupied):
        await put(store)
    assert await store.stat(KEY) is None


@pytest.mark.parametrize("key", ["a/.rokuon-parts/x", ".rokuon-parts", "a/b/"])
async def test_names_that_are_not_objects_of_a_folder_are_refused(store: LocalStore, key: str, tmp_path: Path) -> None:
    with pytest.raises(ObjectNameRefused):
        await put(store, key)
    assert list(tmp_path.iterdir()) == []


async def test_a_segment_longer_than_the_disk_allows_is_refused(store: LocalStore) -> None:
    with pytest.raises(ObjectNameRefused):
        await put(store, "a/" + "x" * 256)
    with pytest.raises(ObjectNameRefused):
        await put(store, "x" * 256 + "/a")


async def test_file_names_that_are_not_utf8_are_no_objects(store: LocalStore, tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))).write_text("x")
    await put(store, "a")
    assert await keys_of(store) == ["a"]


async def test_what_is_in_a_folder_whose_name_is_no_key_is_no_object(store: LocalStore, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    folder.mkdir()
    (folder / "x").write_text("x")
    deep = tmp_path
    for _level in range(5):
        deep /= "d" * 250
        deep.mkdir()
    (deep / "x").write_text("x")
    await put(store, "a")
    assert await keys_of(store) == ["a"]
    assert [one.key for one in (await store.page("")).objects] == ["a"]


# --- durability and crashes ------------------------------------------------------------------------------------------------


async def test_bytes_are_on_disk_before_the_name_and_the_name_before_the_answer(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    real = os.fsync

    def watched(fd: int) -> None:
        seen.append((str(Path(f"/proc/self/fd/{fd}").readlink()).removeprefix(f"{tmp_path}"), (tmp_path / "a/b/x").exists()))
        real(fd)

    monkeypatch.setattr(os, "fsync", watched)
    await put(store, "a/b/x")
    places = [place for place, _ in seen]
    named = [place for place, there in seen if there]
    assert named == ["/a/b"]
    assert places[:2] == ["", "/a"]
    assert sum(place.endswith(".part") for place in places) == 1
    seen.clear()
    await put(store, "a/b/y")
    assert [place.endswith(".part") or place for place, _ in seen] == [True, "/a/b"]


async def test_cancelling_stops_the_writing_too(store: LocalStore, tmp_path: Path) -> None:
    """The source is a pipe, so that the test sees when nobody reads it any more."""
    os.mkfifo(tmp_path / "pipe")
    task = asyncio.create_task(store.put("a/b", Body(2**30, "", 0, None, tmp_path / "pipe"), content_type="", metadata={}))
    pipe = await asyncio.to_thread((tmp_path / "pipe").open, "wb", 0)
    await asyncio.to_thread(pipe.write, bytes(1024 * 1024))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    taken = 0
    with suppress(BrokenPipeError):
        while taken < 64:
            await asyncio.to_thread(pipe.write, bytes(1024 * 1024))
            taken += 1
    pipe.close()
    await store.close()
    assert taken < 64
    assert list((tmp_path / "a" / folder.PARTS).iterdir()) == []


def test_what_was_given_up_just_before_its_name_does_not_get_it(tmp_path: Path) -> None:
    class GivenUpLater(threading.Event):
        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 1

    used = folder.Folder(tmp_path)
    (answer,) = used.create([part.New("a/b", body_of(b"x"), GivenUpLater())])
    assert isinstance(answer, part.Abandoned)
    assert not (tmp_path / "a/b").exists()
    used.close()


def test_objects_made_together_have_answers_of_their_own(tmp_path: Path) -> None:
    used = folder.Folder(tmp_path)
    given_up = threading.Event()
    given_up.set()
    names = {"a/x": threading.Event(), "a/y": given_up, "a/x ": threading.Event(), "a/z": threading.Event()}
    wrong = Body(1, "", 0, data=b"two bytes and more")
    made = used.create([part.New(name.strip(), wrong if name == "a/z" else body_of(name.encode()), event) for name, event in names.items()])
    assert [type(one) for one in made] == [StoredObject, part.Abandoned, ObjectExists, ChecksumRefused]
    assert (tmp_path / "a/x").read_bytes() == b"a/x"
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [folder.PARTS, "x"]
    assert list((tmp_path / "a" / folder.PARTS).iterdir()) == []
    used.close()


def test_two_threads_that_open_one_folder_read_whole_listings(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    used = folder.Folder(tmp_path)
    with used._enter([]) as one, used._enter([]) as other, os.scandir(one) as entries:
        next(entries)
        assert sorted(entry.name for entry in os.scandir(other)) == ["a", "b", "c"]
    used.close()


def test_a_killed_process_leaves_no_name(tmp_path: Path) -> None:
    script = f"""
import asyncio
from pathlib import Path
from rokuon.domain.ports import Body
from rokuon.stores.local import LocalStore
async def main():
    store = LocalStore(Path({str(tmp_path)!r}))
    await store.put("a/b/x", Body(2**40, "", 0, None, Path("/dev/zero")), content_type="", metadata={{}})
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(SOURCES)})
    try:
        parts = tmp_path / "a" / folder.PARTS
        for _ in range(2000):
            if parts.exists() and any(part.stat().st_size for part in parts.iterdir()):
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert len(list(parts.iterdir())) == 1
    store = LocalStore(tmp_path)
    assert asyncio.run(store.stat("a/b/x")) is None
    asyncio.run(store.close())


async def test_leftovers_are_swept_after_a_day_and_not_before(tmp_path: Path) -> None:
    parts = tmp_path / "a" / folder.PARTS
    parts.mkdir(parents=True)
    now = time.time()
    for name, age in (("old.part", 25), ("young.part", 23)):
        (parts / name).write_text("x")
        os.utime(parts / name, (now - age * 3600, now - age * 3600))
    store = LocalStore(tmp_path)
    await put(store, "a/b")
    assert [part.name for part in parts.iterdir()] == ["young.part"]
    await store.close()


async def test_a_folder_removed_while_running_is_made_again(store: LocalStore, tmp_path: Path) -> None:
    await put(store, "a/b/c/x")
    for gone in ("a/b/c/x", "a/b/c", "a/b", f"a/{folder.PARTS}"):
        (tmp_path / gone).unlink() if (tmp_path / gone).is_file() else (tmp_path / gone).rmdir()
    await put(store, "a/b/c/y")
    assert await keys_of(store) == ["a/b/c/y"]


async def test_many_new_folders_at_once_disturb_each_other_neither_here_nor_in_another_process(tmp_path: Path) -> None:
    stores = [LocalStore(tmp_path), LocalStore(tmp_path)]
    wanted = [f"call-recordings/{center}/{day}/{at}" for center in range(8) for day in range(4) for at in range(2)]
    outcomes = await asyncio.gather(*(put(store, key) for key in wanted for store in stores), return_exceptions=True)
    assert sum(isinstance(outcome, StoredObject) for outcome in outcomes) == len(wanted)
    assert sum(isinstance(outcome, ObjectExists) for outcome in outcomes) == len(wanted)
    assert await keys_of(stores[0]) == sorted(wanted)
    for store in stores:
        await store.close()


@pytest.mark.parametrize(("umask", "file_mode", "folder_mode"), [(0, 0o640, 0o750), (0o022, 0o640, 0o750), (0o077, 0o600, 0o700)])
async def test_nobody_else_can_read_recordings(store: LocalStore, tmp_path: Path, umask: int, file_mode: int, folder_mode: int) -> None:
    before = os.umask(umask)
    try:
        await put(store, "a/b")
    finally:
        os.umask(before)
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == file_mode
    assert (tmp_path / "a").stat().st_mode & 0o777 == folder_mode


async def test_no_error_shows_the_name_of_an_agent(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "call-recordings/東京/2026-04-01").mkdir(parents=True)
    (tmp_path / KEY).mkdir()
    with pytest.raises(StoreError) as occupied:
        await put(store)
    with pytest.raises(StoreError) as long:
        await put(store, f"a/{AGENT}" + "x" * 256)
    for failure in (occupied, long):
        assert AGENT not in "".join(traceback.format_exception(failure.value)).replace(f'AGENT = "{AGENT}"', "")


async def test_files_are_closed_after_every_way_out(store: LocalStore, tmp_path: Path) -> None:
    await put(store, "a/b", os.urandom(3 * 1024 * 1024))
    (tmp_path / "pipe").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        async for _ in store.read("a/b"):
            break
        for key in ("a/b", "a/b/c", "pipe"):
            with pytest.raises(StoreError):
                await put(store, key)
        with pytest.raises(StoreError):
            await store.stat("pipe")
        async for _ in store.list(""):
            break
    await asyncio.sleep(0.05)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def test_folders_made_by_many_at_once_are_never_taken_for_folders_of_another_spelling(tmp_path: Path) -> None:
    """Reading a folder while others enter names into it may pass over a name that is there (seen on ext4, once in a thousand)."""
    for number in range(25):
        root = tmp_path / str(number)
        root.mkdir()
        stores = [LocalStore(root), LocalStore(root)]
        puts = [
            stores[n % 2].put(
                f"call-recordings/center {n % 6}/2026-10-{n % 28 + 1:02d}/{n}.mp3", body_of(b"x"), content_type="", metadata={}
            )
            for n in range(60)
        ]
        assert len(await asyncio.gather(*puts)) == 60
        for store in stores:
            await store.close()


# --- a disk that hangs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write", "stat", "list", "read"])
async def test_d24_a_disk_that_hangs_is_unavailable_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    back = threading.Event()
    real_sync, real_open = os.fsync, os.open
    store = LocalStore(tmp_path, hangs_after_s=0.2)
    await put(store, "a/before")
    if step == "write":
        monkeypatch.setattr(os, "fsync", lambda fd: back.wait() and real_sync(fd))
    else:
        monkeypatch.setattr(os, "open", lambda *given, **more: back.wait() and real_open(*given, **more))
    try:
        with pytest.raises(StoreUnavailable, match="no answer from the disk"):
            match step:
                case "write":
                    await put(store, "a/late")
                case "stat":
                    await store.stat("a/before")
                case "list":
                    [one async for one in store.list("")]
                case "read":
                    [piece async for piece in store.read("a/before")]
    finally:
        back.set()
    monkeypatch.undo()
    await store.close()
    again = LocalStore(tmp_path)
    assert [one.key async for one in again.list("")] == ["a/before"], "what nobody waited for got no name"
    await again.close()


async def test_d24_closing_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: back.wait() and real(fd))
    store = LocalStore(tmp_path, hangs_after_s=0.1)
    try:
        with pytest.raises(StoreUnavailable):
            await put(store, "a/late")
        await asyncio.wait_for(store.close(), 10)
    finally:
        back.set()
