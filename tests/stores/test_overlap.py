"""Folders that lie one inside the other, whatever way leads there."""

import subprocess
from pathlib import Path

import pytest

from rokuon.stores.folder_kind import overlap


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    (tmp_path / "outer/inner/deep").mkdir(parents=True)
    (tmp_path / "outer2").mkdir()
    return tmp_path / "outer"


def test_the_same_and_one_inside_the_other_overlap_both_ways(outer: Path) -> None:
    for other in (outer, outer / "inner", outer / "inner/deep", outer / "not there yet/deep"):
        assert overlap(outer, other)
        assert overlap(other, outer)


def test_a_name_that_only_begins_alike_does_not(outer: Path) -> None:
    assert not overlap(outer, outer.with_name("outer2"))
    assert not overlap(outer.with_name("outer3"), outer)
    assert not overlap(outer / "inner", outer / "other")


def test_a_link_is_what_it_leads_to(outer: Path) -> None:
    link = outer.with_name("link")
    link.symlink_to(outer / "inner")
    assert overlap(link, outer)
    assert overlap(outer, link / "deep")
    assert not overlap(link, outer.with_name("outer2"))


def test_a_bind_mount_shows_the_same_folder_under_another_path(outer: Path) -> None:
    bound = outer.with_name("bound")
    bound.mkdir()
    if subprocess.run(["mount", "--bind", str(outer), str(bound)], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let its tests mount a folder")
    try:
        assert overlap(bound, outer)
        assert overlap(bound / "inner", outer)
        assert overlap(outer / "inner/deep", bound)
    finally:
        subprocess.run(["umount", "-l", str(bound)], check=True)
