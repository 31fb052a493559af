"""`make audit` finds known vulnerabilities of pinned packages offline, and reports when it cannot decide."""

import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tools import audit

NOW = datetime(2026, 11, 29, tzinfo=UTC)
Said = pytest.CaptureFixture[str]
DJANGO = next(iter(audit.pins(audit.REQUIREMENTS)["django"]))


def record(*events: dict[str, str], name: str = "Django", **more: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}
    return {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "modified": NOW.isoformat(), "affected": [affected]} | more


def told(folder: Path, capsys: Said, *records: dict[str, Any], now: datetime = NOW) -> tuple[int, str]:
    for number, one in enumerate(records):
        (folder / f"{number}.json").write_text(json.dumps(one))
    code = audit.main(["--data", str(folder)], now)
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("events", "fixed"),
    [
        ([{"introduced": "0"}], "not mended"),
        ([{"introduced": "0"}, {"fixed": "99"}], "mended in 99"),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"fixed": "98"}], "mended in 98"),
        ([{"introduced": DJANGO}, {"last_affected": DJANGO}], "not mended"),
        ([{"fixed": "99"}, {"introduced": "4.2"}], "mended in 99"),
    ],
)
def test_a_pin_within_a_range_is_found(tmp_path: Path, capsys: Said, events: list[dict[str, str]], fixed: str) -> None:
    code, said = told(tmp_path, capsys, record(*events))
    assert (code, "PYSEC-2026-1 CVE-2026-1" in said, fixed in said, f"django {DJANGO}" in said) == (1, True, True, True)


@pytest.mark.parametrize(
    "one",
    [
        record({"introduced": "0"}, {"fixed": DJANGO}),
        record({"introduced": "99"}),
        record({"introduced": "0"}, {"last_affected": "1.0"}),
        record({"introduced": "0"}, name="django-unrelated"),
        record({"introduced": "0"}, withdrawn="2026-01-01T00:00:00Z"),
        record({"introduced": "0"}) | {"affected": [{"package": {"ecosystem": "npm", "name": "django"}, "versions": [DJANGO]}]},
    ],
)
def test_what_does_not_concern_a_pin_is_no_finding(tmp_path: Path, capsys: Said, one: dict[str, Any]) -> None:
    assert told(tmp_path, capsys, one)[0] == 0


def test_a_version_that_is_named_is_found_and_a_zip_is_read(tmp_path: Path, capsys: Said) -> None:
    named = record() | {"affected": [{"package": {"ecosystem": "PyPI", "name": "DJANGO"}, "versions": ["1.0", DJANGO]}]}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-2026-1.json", json.dumps(named))
    assert audit.main(["--data", str(tmp_path / "all.zip")], NOW) == 1
    assert DJANGO in capsys.readouterr().out


def test_old_data_say_nothing_about_today(tmp_path: Path, capsys: Said) -> None:
    code, said = told(tmp_path, capsys, record({"introduced": "99"}), now=NOW + timedelta(days=31))
    assert (code, "older than 30 days" in said) == (2, True)


def test_without_data_it_is_said_that_nothing_was_audited(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROKUON_ADVISORIES", raising=False)
    assert audit.main([], NOW) == 2
    assert audit.main(["--data", str(tmp_path / "none")], NOW) == 2
    assert audit.main(["--optional"], NOW) == 0
    assert capsys.readouterr().out.count("NOT AUDITED") == 3


def test_every_pin_of_both_files_is_read() -> None:
    text = "".join(path.read_text() for path in audit.REQUIREMENTS.glob("*.txt"))
    wanted = {line.split("==")[0].split("[")[0] for line in text.splitlines() if re.match(r"^[A-Za-z0-9]", line)}
    assert {audit.canonicalize_name(name) for name in wanted} == set(audit.pins(audit.REQUIREMENTS))
    assert len(wanted) > 60
