"""A stranger draws the sample of a drill from the custody files alone, fetches it by name, and checks only it."""

import json
import shutil
import subprocess
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import drills as actions
from rokuon.custody.chains import latest_seal
from rokuon.custody.models import SealChain, SigningKey
from rokuon.ledger import drills
from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.ledger.drills import Lot, ReadResult
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from tests.custody import listings
from tests.custody.backed_up import backed_up, seal
from tests.custody.on_disk import DAY, OnDisk
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN, WRONG_INPUT, filled, plain, verify
from tests.custody.shipped import prove
from tests.custody.writer import Bucket as Written
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig

__all__ = ["rig_of"]

CUSTODY = Path("call-recordings", ".rokuon-custody")


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    """A bucket with a seal of all that was verified in it."""
    rig = backed_up(rig_of)
    seal(rig)
    return rig


def sampled(rig: Rig, folder: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code, said = prove(folder, SigningKey.objects.get().public, "--now", f"{rig.clock():%Y-%m-%dT%H:%M:%SZ}", "--json", *arguments)
    return code, [json.loads(line) for line in said.splitlines()]


def begun(rig: Rig, seed: str) -> Drill:
    """A drill of about half of the recordings."""
    bucket = Bucket.objects.select_related("company").get()
    return actions.begin_drill(bucket, Lot(seed, 950_000, 300_000), None, COMMAND_LINE, rig.clock())


def keys(drill: Drill) -> list[str]:
    return list(DrawnRecording.objects.filter(drill=drill).order_by("place").values_list("copy__key", flat=True))


def finished(drill: Drill, bad: int = 0) -> None:
    drills.record(drill.pk, [ReadResult(at, "object_missing" if at <= bad else "whole") for at in range(1, drill.drawn + 1)])
    assert drills.finish(drill.pk, drill.started_at) is not None


@pytest.mark.parametrize("seed", ["", "Audit 2026", "監査 が"])
def test_the_verifier_draws_the_sample_of_the_drill_names_it_and_checks_only_it(rig: Rig, tmp_path: Path, seed: str) -> None:
    drill = begun(rig, seed or latest_seal(Bucket.objects.get().pk))
    wanted = ["--sample", str(drill.drawn), *(["--seed", unicodedata.normalize("NFD", seed)] if seed else [])]
    assert 2 <= drill.drawn < drill.population
    code, said = sampled(rig, rig.bucket_folder(), *wanted)
    drawn = [one for one in said if one.get("code") == "drawn"]
    assert (code, [one["path"] for one in drawn]) == (PROVEN, keys(drill)), said
    assert said[-1]["says"].startswith("PROVEN of the sample")
    assert (said[-1]["of"], said[-1]["drawn"], said[-1]["read"]) == (drill.population, drill.drawn, drill.drawn)

    shutil.copytree(rig.bucket_folder() / CUSTODY, tmp_path / CUSTODY)
    code, said = sampled(rig, tmp_path, *wanted)
    fetch = [one for one in said if one.get("code") == "to_fetch"]
    assert (code, [one["key_sha256"] for one in fetch]) == (NOT_PROVEN, [one["key_sha256"] for one in drawn]), "from the manifests alone"
    assert all({"folder", "day", "call", "recording"} <= set(one) for one in fetch), "which says where to look for each"

    command = "find call-recordings -name '*.mp3' -exec sha256sum {} +"
    listing = tmp_path / "listing"
    listing.write_text(subprocess.run(["sh", "-c", command], cwd=rig.bucket_folder(), capture_output=True, text=True, check=True).stdout)
    code, said = sampled(rig, tmp_path, *wanted, "--listing", str(listing))
    names = [one["path"] for one in said if one.get("code") == "to_fetch"]
    assert (code, names) == (NOT_PROVEN, keys(drill)), "a listing gives the names"
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(rig.bucket_folder() / name, tmp_path / name)
    assert sampled(rig, tmp_path, *wanted)[0] == PROVEN

    (tmp_path / names[0]).write_bytes(b"altered")
    code, said = sampled(rig, tmp_path, *wanted)
    assert (code, [one["code"] for one in said if one["type"] == "finding"]) == (FINDINGS, ["changed"])


def test_what_was_not_drawn_is_not_looked_at_and_nobody_says_it_was(rig: Rig) -> None:
    drill = begun(rig, "x")
    other = Copy.objects.filter(state="verified").exclude(key__in=keys(drill)).first()
    assert other is not None
    (rig.bucket_folder() / other.key).unlink()
    code, said = sampled(rig, rig.bucket_folder(), "--sample", str(drill.drawn), "--seed", "x")
    assert (code, f"The other {drill.population - drill.drawn} were not looked for." in said[-1]["says"]) == (PROVEN, True)
    assert "all sealed recordings" not in json.dumps(said)


def test_a_drawn_recording_that_a_listing_lacks_is_missing(tmp_path: Path) -> None:
    bucket = filled(tmp_path / "bucket")
    name = next(path for path in sorted(bucket.root.rglob("*.mp3")) if ".rokuon-aside" not in path.parts)
    whole = verify(bucket, "--sample", "99", "--seed", "x")
    assert whole.code == PROVEN
    name.unlink()
    listing = tmp_path / "listing"
    listing.write_text(listings.SHAPES["sha256sum"](bucket))
    answer = verify(bucket, "--sample", "99", "--seed", "x", "--listing", listing)
    assert (answer.code, answer.findings) == (FINDINGS, {"missing"})


def test_the_next_seal_says_what_the_last_drill_found_and_the_verifier_shows_it(rig: Rig) -> None:
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public)
    assert "restore drill" not in said
    drill = begun(rig, "Audit 2026")
    finished(drill, bad=1)
    begun(rig, "not finished")
    rig.pass_time()
    seal(rig)
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public, "--now", f"{rig.clock():%Y-%m-%dT%H:%M:%SZ}")
    assert code == PROVEN, said
    figures = (
        f"{drill.drawn} of {drill.drawn} drawn recordings were read back, out of {drill.population}; 1 of them were damaged or missing."
    )
    assert "seed Audit 2026" in said and figures in said


def test_the_seed_of_a_drill_is_the_seal_made_last_also_if_the_clock_was_set_back(transactional_db: None, tmp_path: Path) -> None:
    disk = OnDisk(tmp_path / "bucket")
    assert latest_seal(disk.bucket.pk) == ""
    disk.recording(1, DAY)
    disk.issue()
    disk.now -= timedelta(days=2)
    disk.go_on()
    disk.backed_up()
    disk.issue()
    name = SealChain.objects.get(bucket=disk.bucket, closed_at=None).name
    assert latest_seal(disk.bucket.pk) == disk.sha256((disk.issue_folder(1, name) / "seal").read_bytes())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sample", "0"),
        ("--sample", "-3"),
        ("--sample", "many"),
        ("--seed", "x"),
        ("--sample", "3", "--seed", ""),
        ("--sample", "3", "--sums"),
        ("--sample", "3", "--from", "2026-10-30"),
    ],
)
def test_a_sample_that_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = plain(filled(tmp_path).root, *arguments)
    assert (code, out, bool(err)) == (WRONG_INPUT, "", True)


def test_an_empty_sample_proves_nothing(tmp_path: Path) -> None:
    bucket = Written(tmp_path)
    bucket.issue()
    assert verify(bucket).code == PROVEN
    answer = verify(bucket, "--sample", "9", "--seed", "x")
    assert (answer.code, answer.findings, answer.said[-1]["drawn"]) == (NOT_PROVEN, set(), 0)
    assert "no recording is sealed, so none was drawn" in answer.said[-1]["says"]


def test_a_name_of_a_listing_is_said_as_it_is_also_with_spaces_that_nobody_sees(tmp_path: Path) -> None:
    bucket = Written(tmp_path)
    bucket.copy("2026-10-30", agent="山田　太郎")
    bucket.issue()
    (name,) = (path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.mp3"))
    assert "\u3000" in name
    listing = tmp_path / "listing"
    listing.write_text(listings.SHAPES["sha256sum"](bucket))
    only = tmp_path / "custody"
    shutil.copytree(tmp_path / CUSTODY, only / CUSTODY)
    code, out, _ = plain(
        only, "--now", bucket.now, "--trust", bucket.key.fingerprint, "--sample", "1", "--seed", "x", "--listing", listing, "--json"
    )
    (fetch,) = [one for one in map(json.loads, out.splitlines()) if one.get("code") == "to_fetch"]
    assert (code, fetch["name"]) == (NOT_PROVEN, name), "so that it can be fetched by it"
    assert "\u3000" not in out, "and nothing that steers a terminal is printed"


def test_a_sample_is_said_in_japanese_too(tmp_path: Path) -> None:
    bucket = filled(tmp_path)
    code, out, _ = plain(
        bucket.root, "--trust", bucket.key.fingerprint, "--now", bucket.now, "--sample", "2", "--seed", "x", "--lang", "ja"
    )
    assert (code, "シード x で 2 件を抽出しました" in out, "抽出分について証明されました" in out) == (PROVEN, True, True)
