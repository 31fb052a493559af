"""The man page: current (tests/meta/test_docs.py), complete in both languages, and text that roff reads as it is meant."""

import re
import shutil
import subprocess

import pytest
from tools import man_page

from rokuon.cli.examples import EXAMPLES

from .test_docs import REFERENCE

PAGES = ["man/rokuon.1", "man/ja/rokuon.1"]
REQUESTS = {".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nf", ".fi", ".ad", '.\\"'}


@pytest.mark.parametrize("name", PAGES)
def test_every_command_has_its_section(name: str) -> None:
    page = (REFERENCE / name).read_text().replace("\\-", "-")
    assert set(EXAMPLES) - set(re.findall(r"^\.SS (.+)$", page, re.MULTILINE)) == set()


@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_read_as_a_request(name: str) -> None:
    lines = (REFERENCE / name).read_text().splitlines()
    assert {line.split()[0] for line in lines if line.startswith((".", "'"))} <= REQUESTS


@pytest.mark.parametrize(("plain", "roff"), [(".hidden file", "\\&.hidden file"), ("a\\b", "a\\eb"), ("--yes", "\\-\\-yes")])
def test_text_that_roff_would_take_for_its_own_is_escaped(plain: str, roff: str) -> None:
    assert man_page.text(plain) == roff


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff on this machine")
def test_groff_has_nothing_to_warn_of(name: str) -> None:
    command = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", str(REFERENCE / name)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr == ""
