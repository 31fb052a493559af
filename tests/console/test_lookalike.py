"""Names that are not what they look like are marked, and ordinary names of the world are not (Q16)."""

import pytest
from django.template import engines

from rokuon.console.templatetags.rokuon import path
from rokuon.console.web.confusable_names import oddity
from rokuon.simulator import names


@pytest.mark.parametrize(
    "name",
    ["evil\u202egpj.exe", "a\u200bdmin", "\u2066x\u2069", "soft\u00adhyphen", "\ufeffBob", "Pаypal", "Αnn", "Sаles 1", "山田 Вob"],
)
def test_a_name_that_is_not_what_it_looks_like_is_marked(name: str) -> None:
    assert oddity(name)
    page = engines["django"].from_string("{% name who %}").render({"who": name})
    assert page.startswith(f"<bdi>{name}</bdi><span")
    assert oddity(name) in page


@pytest.mark.parametrize(
    "name",
    [
        "山田 太郎",
        "ﾔﾏﾀﾞ ﾀﾛｳ",
        "Tanaka 田中",
        "Иван Петров",
        "Ελένη",
        "سارة أحمد",
        "👩‍💻 Agent",
        "🏴\U000e0067\U000e0062\U000e007f",
        "José",
        "می‌خواهم",
        "辻\U000e0100 一郎",
        "Иван (Sales)",
        "Bob",
        "",
    ],
)
def test_the_names_of_the_world_are_not(name: str) -> None:
    assert oddity(name) == ""


def test_a_mark_holds_no_markup_of_the_name() -> None:
    page = engines["django"].from_string("{% name who %}").render({"who": "\u202e<img src=x onerror=alert(1)>"})
    assert "<img" not in page


def test_of_what_people_really_write_hardly_any_is_marked() -> None:
    marked = [name for name in (*names.CENTERS, *names.TEAMS) if oddity(name.replace("\0", ""))]
    assert len(marked) < 4


def test_a_folder_from_right_to_left_turns_no_other_part_round() -> None:
    """Without a part of its own, the date after an Arabic folder would be shown before it."""
    shown = str(path("call-recordings/مركز/2026-11-22/<b>.mp3"))
    assert shown == ('<bdi dir="ltr"><bdi>call-recordings</bdi>/<bdi>مركز</bdi>/<bdi>2026-11-22</bdi>/<bdi>&lt;b&gt;.mp3</bdi></bdi>')
