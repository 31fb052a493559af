"""One module formats dates for people: `base.dates`. No template and no other module formats one by itself."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rokuon"
HELPER = SOURCE / "base" / "dates.py"

IN_TEMPLATES = re.compile(
    r"\|\s*(date|time|timesince|timeuntil|naturaltime|naturalday|localtime|utc|timezone)\b|\{%\s*(now|localtime|timezone)\b"
)
IN_CODE = re.compile(r"\bstrftime\b|\bdate_format\b|\btime_format\b|:%[YmdHb]|%H:%M|\bctime\(|\bhumanize\b|%Y-%m-%d")

FOR_MACHINES = {
    "base/dates.py": "the helper",
    "custody/canonical.py": "times in custody files",
    "custody/rokuon_verify.py": "the verifier, which imports nothing",
    "runtime/dumps.py": "file names of dumps",
    "stores/gcs_signing.py": "a signature's time",
    "console/recordings/forms.py": "how a date field is read",
}


def read(pattern: str) -> list[tuple[str, str]]:
    """Return the names and texts of files, without the simulator, which plays Dialpad."""
    found = [path for path in sorted(SOURCE.rglob(pattern)) if "simulator" not in path.parts and "migrations" not in path.parts]
    return [(path.relative_to(SOURCE).as_posix(), path.read_text()) for path in found]


def test_no_template_formats_a_date_by_itself() -> None:
    own = [name for ending in ("*.html", "*.txt") for name, text in read(ending) if IN_TEMPLATES.search(text)]
    assert own == [], "use {% moment %} for a time, {% day %} for a date"


def test_no_module_but_the_helper_formats_a_date_for_people() -> None:
    own = {name for name, text in read("*.py") if IN_CODE.search(text)}
    assert own - FOR_MACHINES.keys() == set(), "use a function of base/dates.py"
    assert FOR_MACHINES.keys() - own == set(), "it formats none any more: take it from the list"


@pytest.mark.parametrize("text", ['{{ day|date:"Y-m-d" }}', "{{ at|timesince }}", "{% now 'Y' %}", "{{ when|time }}"])
def test_the_rule_for_templates_sees_what_it_forbids(text: str) -> None:
    assert IN_TEMPLATES.search(text)


@pytest.mark.parametrize("text", ['f"{when:%Y-%m-%d}"', "when.strftime(form)", 'date_format(day, "DATE_FORMAT")'])
def test_the_rule_for_code_sees_what_it_forbids(text: str) -> None:
    assert IN_CODE.search(text)


def test_the_rules_leave_alone_what_formats_no_date() -> None:
    assert not IN_TEMPLATES.search('{% moment row.at row.zone %} {{ count|number }} <input type="date">')
    assert not IN_CODE.search("found.isoformat()")
