"""The verifier stands alone: one file, the standard library, an old Python, no network, nothing written, bounded memory, two languages."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from rokuon.custody import rokuon_verify
from rokuon.custody.rokuon_verify import JAPANESE, README_SHA256

from .listings import gcloud_ls, sha256sum, written
from .rig import FINDINGS, NOT_PROVEN, PROVEN, filled, plain, verify
from .writer import Bucket, sha256

SOURCE = Path(rokuon_verify.__file__)
TREE = ast.parse(SOURCE.read_text())


def pythons() -> Iterator[str]:
    """Yield the oldest Python that the verifier promises to run on, wherever pyenv or the path has it, and the running one."""
    for version in ("3.9", "3.10"):
        known = [shutil.which(f"python{version}"), *(Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")]
        for path in filter(None, known):
            if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
                yield str(path)
                return


def run(python: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [python, "-I", "-S", "-W", "error", str(SOURCE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env={"PATH": os.environ["PATH"], **environment})


def test_it_imports_nothing_but_the_standard_library() -> None:
    names = {alias.name for node in ast.walk(TREE) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not names & {"socket", "ssl", "http", "urllib.request", "subprocess", "ctypes", "importlib", "pickle", "asyncio"}


def test_it_runs_under_an_old_python_without_any_package(outer: Path) -> None:
    old = next(pythons(), None)
    if old is None:
        pytest.skip("no Python 3.9 or 3.10 on this machine")
    bucket = filled(outer)
    given = [bucket.root, "--trust", bucket.key.fingerprint, "--now", bucket.now]
    done = run(old, *given)
    assert (done.returncode, done.stderr) == (PROVEN, b"")
    assert run(old, "--listing", written(bucket, gcloud_ls), bucket.custody, *given[1:]).returncode == PROVEN
    next(bucket.top.glob("Billing/*/*.mp3")).unlink()
    assert run(old, *given, "--lang", "ja").returncode == FINDINGS


def test_it_writes_nothing_and_needs_no_right_to(outer: Path) -> None:
    bucket = filled(outer)

    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in outer.rglob("*")}

    before = state()
    assert run(sys.executable, bucket.root, "--trust", bucket.key.fingerprint, "--now", bucket.now).returncode == PROVEN
    assert state() == before


def test_it_prints_in_any_locale(outer: Path) -> None:
    bucket = filled(outer)
    done = run(sys.executable, bucket.root, "--lang", "ja", "--now", bucket.now, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == NOT_PROVEN
    assert "営業部 コンタクトセンター" in done.stdout.decode()


def test_the_readme_of_the_bucket_is_the_text_that_it_knows() -> None:
    assert sha256(resources.files("rokuon.custody").joinpath("README.txt").read_bytes()) == README_SHA256


# The sums.


def test_the_sums_are_what_coreutils_checks(outer: Path) -> None:
    bucket = filled(outer)
    done = run(sys.executable, bucket.root, "--sums", "--trust", bucket.key.fingerprint, "--now", bucket.now)
    assert done.returncode == PROVEN
    recordings = [path for path in bucket.top.rglob("*") if path.is_file()]
    assert len(done.stdout.splitlines()) == len(recordings)
    check = subprocess.run(["sha256sum", "-c", "--strict"], input=done.stdout, cwd=bucket.root, capture_output=True, check=False)
    assert check.returncode == 0
    audio = next(bucket.top.glob("Billing/*/*.mp3"))
    audio.write_bytes(bytes(audio.stat().st_size))
    check = subprocess.run(["sha256sum", "-c", "--quiet"], input=done.stdout, cwd=bucket.root, capture_output=True, check=False)
    assert (check.returncode, audio.name in check.stdout.decode()) == (1, True)


def test_the_sums_name_what_is_missing_on_standard_error(outer: Path) -> None:
    bucket = filled(outer)
    next(bucket.top.glob("Billing/*/*.mp3")).unlink()
    done = run(sys.executable, bucket.root, "--sums", "--trust", bucket.key.fingerprint, "--now", bucket.now)
    assert (done.returncode, b"! missing" in done.stderr, b"missing" in done.stdout) == (FINDINGS, True, False)


def test_the_sums_of_a_listing_need_no_audio(outer: Path) -> None:
    bucket = filled(outer)
    expected = sha256sum(bucket, start="")
    listing = written(bucket, gcloud_ls)
    done = run(sys.executable, "--listing", listing, bucket.custody, "--sums", "--trust", bucket.key.fingerprint, "--now", bucket.now)
    assert sorted(done.stdout.decode().splitlines()) == sorted(expected.splitlines())


# Words.


def sentences() -> set[str]:
    """Every text that the file shows: arguments of `say`, `finding` and `note`, and what is assigned to `said` for them."""
    found = set(rokuon_verify.HEADS) | {"call", "recording"}
    for node in ast.walk(TREE):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = {"say": 0, "finding": 1, "note": 1}.get(name)
            shown = [node.args[place]] if place is not None and len(node.args) > place else []
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "said":
            shown = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        else:
            shown = []
        found |= {one.value for one in shown if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_every_sentence_has_its_japanese_and_no_other_is_kept() -> None:
    assert len(sentences()) > 80
    assert sentences() == set(JAPANESE)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|--[a-z-]+|https?://\S+", text))


@pytest.mark.parametrize("english", sorted(JAPANESE))
def test_a_translation_keeps_placeholders_and_options(english: str) -> None:
    assert placeholders(JAPANESE[english]) == placeholders(english)


def test_findings_and_the_last_sentence_are_in_the_language_that_was_asked_for(outer: Path) -> None:
    bucket = filled(outer)
    next(bucket.top.glob("Billing/*/*.mp3")).unlink()
    _code, english, _err = plain(bucket.root, "--now", bucket.now)
    _code, japanese, _err = plain(bucket.root, "--now", bucket.now, "--lang", "ja")
    assert "! missing  Billing/2026-10-3" in english
    assert "FINDINGS: missing 1." in english
    assert "! missing  Billing/2026-10-3" in japanese
    assert "問題あり: missing 1。" in japanese


def test_the_help_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    for language, word in (("en", "fingerprint that the company confirmed"), ("ja", "会社が確認したフィンガープリント")):
        with pytest.raises(SystemExit):
            rokuon_verify.main(["--help", "--lang", language])
        shown = capsys.readouterr().out.replace("\n", " ")
        assert word in re.sub(" +", " ", shown)


# What it costs.


def test_a_long_listing_is_read_in_pieces(outer: Path) -> None:
    """Of a listing of some megabytes, no more than a piece is in memory: the parser is fed a file that ends late."""
    bucket = Bucket(outer)
    bucket.copy("2026-10-30")
    bucket.issue()
    rows = gcloud_ls(bucket).rstrip("]\n ")
    stray = ',\n{"url": "gs://acme-call-recordings/other/%d#1", "type": "cloud_object", "metadata": {"name": "other/%d", "size": "1", '
    stray += '"bucket": "acme-call-recordings", "generation": "1", "timeCreated": "2026-10-30T00:00:00Z", "md5Hash": "%s"}}'
    listing = outer / "long.json"
    listing.write_text(rows + "".join(stray % (n, n, "x" * (n % 700)) for n in range(6000)) + "\n]\n")
    assert listing.stat().st_size > 2_000_000
    assert verify(bucket, "--listing", listing, folder=bucket.custody).code == PROVEN
