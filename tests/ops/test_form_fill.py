"""A form of a page is filled with what was typed before, and nothing else of the page changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.base.form_fill import fill

TOKEN = {"draft": "tok"}


def form(inside: str, action: str = "/a/") -> str:
    return f'<p>before &amp; "after"</p>\n<form method="post" action="{action}">{inside}</form><p>©</p>'


@pytest.mark.parametrize(
    ("inside", "typed", "filled"),
    [
        ('<input name="x" value="old" required>', ["new"], '<input name="x" required value="new">'),
        ('<input name="x">', ['"><script>'], '<input name="x" value="&quot;&gt;&lt;script&gt;">'),
        ('<input name="x" type="text" value=\'a\' />', ["b"], '<input name="x" type="text" value="b">'),
        ('<textarea name="x">old</textarea>', ["</textarea><b>"], '<textarea name="x">&lt;/textarea&gt;&lt;b&gt;</textarea>'),
        ('<input name="x" type="checkbox" value="1" checked>', ["2"], '<input name="x" type="checkbox" value="1">'),
        ('<input name="x" type="radio" value="1">', ["1"], '<input name="x" type="radio" value="1" checked>'),
        (
            '<select name="x"><option value="1" selected>a</option><option value="2">b</option></select>',
            ["2"],
            '<select name="x"><option value="1">a</option><option value="2" selected>b</option></select>',
        ),
    ],
)
def test_every_kind_of_field_takes_what_was_typed(inside: str, typed: list[str], filled: str) -> None:
    assert fill(form(inside), "/a/", {"x": typed}, TOKEN) == form('<input type="hidden" name="draft" value="tok">' + filled)


def test_a_box_that_was_unticked_is_cleared() -> None:
    assert "checked" not in fill(form('<input type="checkbox" name="on" checked><input name="x">'), "/a/", {"x": ["1"]}, TOKEN)


@pytest.mark.parametrize("kind", ["password", "file", "submit"])
def test_a_password_a_file_and_a_button_are_never_filled(kind: str) -> None:
    field = f'<input name="x" type="{kind}">'
    assert field in fill(form(field + '<input name="y">'), "/a/", {"x": ["secret"], "y": ["1"]}, TOKEN)


def test_only_the_form_that_sends_to_the_address_is_filled() -> None:
    page = form('<input name="x">', "/b/") + form('<input name="x">')
    assert fill(page, "/a/", {"x": ["1"]}, TOKEN).count('value="1"') == 1
    assert fill(page, "/c/", {"x": ["1"]}, TOKEN) == page


def test_of_several_such_forms_the_one_with_a_field_to_fill_in_is_taken() -> None:
    page = form('<input type="hidden" name="x" value="theirs">') + form('<input name="x"><input type="hidden" name="h" value="0">')
    filled = fill(page, "/a/", {"x": ["mine"], "h": ["7"]}, TOKEN)
    assert 'value="theirs"' in filled and 'value="mine"' in filled and 'name="h" value="7"' in filled


def test_a_button_may_name_the_address() -> None:
    page = '<form action="/b/"><input name="x"><button formaction="/a/">go</button></form>'
    assert 'value="1"' in fill(page, "/a/", {"x": ["1"]}, TOKEN)


def test_what_is_folded_away_is_opened() -> None:
    page = f"<details><summary>s</summary>{form('<input name=x>')}</details><details></details>"
    assert fill(page, "/a/", {"x": ["1"]}, TOKEN).count("<details open>") == 1


@given(st.text(), st.text())
def test_whatever_was_typed_the_rest_of_the_page_stays(line: str, typed: str) -> None:
    around = line.replace("<", "").replace("&", "")
    page = around + form('<input name="x">')
    filled = fill(page, "/a/", {"x": [typed]}, TOKEN)
    assert filled.startswith(around + '<p>before &amp; "after"</p>\n<form') and filled.endswith("</form><p>©</p>")
