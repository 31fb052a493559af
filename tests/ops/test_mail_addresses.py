"""The normal form of an address: what is one address, and what only looks like it."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.runtime.mail_addresses import is_address, needs_utf8, normal

REAL = "kiss@kiss.example"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Hanako@Example.COM", "hanako@example.com"),
        ("ken@Bücher.example", "ken@xn--bcher-kva.example"),
        ("ken@BÜCHER.example", "ken@xn--bcher-kva.example"),
        ("ken@xn--bcher-kva.example", "ken@xn--bcher-kva.example"),
        ("ken@bu\N{COMBINING DIAERESIS}cher.example", "ken@xn--bcher-kva.example"),
        ("花子@例え.example", "花子@xn--r8jz45g.example"),
        ("ju\N{COMBINING DIAERESIS}rgen@acme.example", "jürgen@acme.example"),
        ("o'neil+calls@acme.example", "o'neil+calls@acme.example"),
        ("operator@localhost", "operator@localhost"),
    ],
)
def test_one_address_has_one_form(written: str, kept: str) -> None:
    assert normal(written) == kept
    assert normal(kept) == kept


@pytest.mark.parametrize(
    "letter", ["\N{LATIN SMALL LETTER DOTLESS I}", "\N{LATIN SMALL LETTER LONG S}", "\N{KELVIN SIGN}", "İ", "ｋ", "к", "ⓚ"]
)
@pytest.mark.parametrize(
    "shape", ["{}iss@kiss.example", "ki{}s@kiss.example", "kiss@{}iss.example", "kiss@k{}ss.example", "kiss@kis{}.example"]
)
def test_a_letter_that_looks_like_another_never_makes_the_same_address(shape: str, letter: str) -> None:
    try:
        assert normal(shape.format(letter)) != REAL
    except ValueError:
        assert not is_address(shape.format(letter))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "hanako",
        "@example.com",
        "hanako@",
        "ha nako@example.com",
        "hanako@example.com\nBcc: all@example.com",
        "hanako@\N{KELVIN SIGN}iss.example",
        "\N{KELVIN SIGN}en@kiss.example",
        "hanako@acme\N{IDEOGRAPHIC FULL STOP}example",
        "hanako@ａｃｍｅ.example",
        "hanako@xn--zzzzzzz99999.example",
        "hanako@xn--bcher-kv.example",
        '"ha@nako"@example.com',
        "hanako@[192.0.2.1]",
        "hanako\0@example.com",
        "hana\N{ZERO WIDTH SPACE}ko@example.com",
        f"{'h' * 250}@example.com",
    ],
)
def test_what_is_no_address_has_no_form(written: str) -> None:
    with pytest.raises(ValueError):
        normal(written)
    assert not is_address(written)


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_written_the_form_is_stable_and_only_plain_letters_lose_their_case(local: str, domain: str) -> None:
    try:
        kept = normal(f"{local}@{domain}.example")
    except ValueError:
        return
    assert normal(kept) == kept
    assert kept.rpartition("@")[2].isascii()
    if not needs_utf8(kept):
        assert local.isascii() and kept.rpartition("@")[0] == local.lower()
    if not domain.isascii():
        assert kept != f"{local}@{domain}.example".lower() and "xn--" in kept
        idna.decode(kept.rpartition("@")[2])
