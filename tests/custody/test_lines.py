"""The writer's form of a line, its signatures and its names: what it makes, and what it refuses."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.custody import canonical, names, sshsig
from rokuon.custody.rokuon_verify import parsed

KEYS = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_a_line_is_read_by_the_verifier_as_it_was_and_is_written_in_one_way(fields: dict[str, Any]) -> None:
    line = canonical.line(fields)
    assert parsed(line) == fields
    assert canonical.line(dict(reversed(fields.items()))) == line
    assert line.count(b"\n") == 1 and b"\r" not in line


@pytest.mark.parametrize("value", [None, 0.5, 2**53, [None], {"Upper": 1}, {"a b": 1}, {1: 1}, b"x", {"a": [1.0]}, "\ud800"])
def test_what_the_format_does_not_know_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical.line({"a": value})


def test_times_are_in_utc_and_cut_below() -> None:
    when = datetime.fromisoformat("2026-03-04T10:02:03.456789+09:00")
    assert canonical.second(when) == "2026-03-04T01:02:03Z"
    assert canonical.millisecond(when) == "2026-03-04T01:02:03.456Z"
    assert canonical.microsecond(when) == "2026-03-04T01:02:03.456789Z"
    assert canonical.known({"a": None, "b": 0, "c": ""}) == {"b": 0, "c": ""}


@given(st.binary(max_size=200))
def test_a_signature_names_its_key_and_no_other_message_has_it(message: bytes) -> None:
    private = "07" * 32
    armored = sshsig.sign(private, message)
    assert armored == sshsig.sign(private, message)
    assert sshsig.signer(message, armored) == sshsig.public_of(private)
    assert sshsig.signer(message + b"x", armored) == ""


@pytest.mark.parametrize("change", [("AAAA", "AAAB"), ("BEGIN", "begin"), ("\n", "\r\n"), ("-----END", " -----END"), ("U1NI", "U1N\nI")])
def test_a_signature_in_any_other_form_is_nobodys(change: tuple[str, str]) -> None:
    armored = sshsig.sign("07" * 32, b"x")
    assert sshsig.signer(b"x", armored.replace(*change, 1)) == ""


@pytest.mark.parametrize("text", ["", "no signature", "-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n", "\n" * 5])
def test_what_is_no_signature_is_nobodys(text: str) -> None:
    assert sshsig.signer(b"x", text) == ""


def test_a_public_key_is_one_line_that_can_be_read_again() -> None:
    public = sshsig.public_of("07" * 32)
    assert sshsig.public_of_line(sshsig.public_line(public)) == public
    for line in ("", "ssh-rsa AAAA", sshsig.public_line(public) + " a comment", sshsig.public_line(public)[:-4]):
        with pytest.raises(ValueError):
            sshsig.public_of_line(line)


def test_a_private_key_is_not_shown() -> None:
    private = sshsig.new_key()
    assert len(private) == 64 and private != sshsig.new_key()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (names.seal("7c2e41d09ab35f68", 12), ("7c2e41d09ab35f68", 12)),
        (names.issue_folder("7c2e41d09ab35f68", 12) + "x.jsonl", None),
        ("call-recordings/.rokuon-custody/7C2E41D09AB35F68/00000012/seal", None),
        ("call-recordings/.rokuon-custody/7c2e41d09ab35f68/12/seal", None),
        (names.seal("7c2e41d09ab35f68", 12) + ".tsr", None),
        (names.README, None),
    ],
)
def test_the_key_of_a_seal_is_told_from_others(key: str, place: tuple[str, int] | None) -> None:
    assert names.parse_seal(key) == place


def test_a_line_is_plain_json() -> None:
    line = canonical.line({"b": '営業\t"', "a": [True, {"c": 1}], "at": canonical.second(datetime(2026, 1, 2, tzinfo=UTC))})
    assert line == '{"a":[true,{"c":1}],"at":"2026-01-02T00:00:00Z","b":"営業\\t\\""}\n'.encode()
    assert json.loads(line)["b"] == '営業\t"'
