"""Names that no store may create."""

import pytest

from rokuon.domain.failures import ObjectNameRefused
from rokuon.stores import keys


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/./b",
        "a//b",
        "a/b//",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\x7fb",
        "\ud800",
        ".well-known/acme-challenge/x",
        "x" * 1025,
        "あ" * 342,
    ],
)
def test_a_name_that_could_escape_or_break_is_refused(key: str) -> None:
    with pytest.raises(ObjectNameRefused):
        keys.check(key)


@pytest.mark.parametrize("key", ["a", "call-recordings/", "a/b/c.mp3", "あ" * 341, "x" * 1024, "．．/…", "a b/ c", "~/x", ".hidden"])
def test_a_strange_but_harmless_name_passes(key: str) -> None:
    keys.check(key)
