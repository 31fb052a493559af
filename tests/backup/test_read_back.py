"""An object is read back whole, and anything that is not what was verified is said."""

import hashlib
from pathlib import Path

import pytest

from rokuon.backup.limits import MemoryBudget, TransferLimits
from rokuon.backup.read_back import VerifiedObject, read_back
from rokuon.domain.failures import ObjectDiffers, ObjectMissing, RecordingDurationDiffers, RecordingNotAudio, RokuonError
from rokuon.domain.ports import Body
from rokuon.stores.checksums import crc32c
from rokuon.stores.memory import MemoryStore
from tests.audio import length_ms, mp3

KEY = "call-recordings/Sales/2026-09-21/Ann - c1 - r1.mp3"
AUDIO = mp3(1)


def verified(data: bytes = AUDIO, audio_ms: int | None = length_ms()) -> VerifiedObject:
    return VerifiedObject(KEY, len(data), hashlib.sha256(data).hexdigest(), audio_ms)


async def read(expected: VerifiedObject, data: bytes | None, spool: Path, **limits: int) -> Body:
    store = MemoryStore()
    if data is not None:
        body = Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data=data)
        await store.put(KEY, body, content_type="audio/mpeg", metadata={})
    given = TransferLimits(spool, **limits)
    async with read_back(expected, store, given, MemoryBudget(given.memory)) as found:
        assert (found.path or spool).exists()
        return found


async def test_what_was_verified_is_read_back(tmp_path: Path) -> None:
    assert (await read(verified(), AUDIO, tmp_path)).data == AUDIO


async def test_a_large_one_goes_through_a_file_that_is_removed(tmp_path: Path) -> None:
    body = await read(verified(), AUDIO, tmp_path, small=100)
    assert (body.data, body.sha256) == (None, verified().sha256)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("small", [100, 1 << 20])
@pytest.mark.parametrize("data", [AUDIO[:-1], AUDIO + b"\0", AUDIO[:-1] + b"?", b""], ids=["shorter", "longer", "altered", "empty"])
async def test_other_bytes_are_refused(tmp_path: Path, data: bytes, small: int) -> None:
    with pytest.raises(ObjectDiffers, match="verified"):
        await read(verified(), data, tmp_path, small=small)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "data", "refused"),
    [
        (verified(), None, ObjectMissing),
        (verified(b"no audio at all", 1000), b"no audio at all", RecordingNotAudio),
        (verified(AUDIO, length_ms() + 1), AUDIO, RecordingDurationDiffers),
    ],
    ids=["missing", "not audio", "another length"],
)
async def test_what_is_missing_or_no_longer_audio_is_refused(
    tmp_path: Path, expected: VerifiedObject, data: bytes | None, refused: type[RokuonError]
) -> None:
    with pytest.raises(refused):
        await read(expected, data, tmp_path)


async def test_what_a_person_accepted_need_not_be_audio(tmp_path: Path) -> None:
    assert (await read(verified(b"no audio at all", None), b"no audio at all", tmp_path)).size == 15
