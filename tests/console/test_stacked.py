"""Tables that become cards: each cell is named by its column, whatever the columns and the names in it are."""

import pytest
from django.template import Context, Template

from rokuon.console.templatetags.stacked import stack

HEAD = '<thead><tr><th scope="col"><span class="visually-hidden">Selected</span></th><th scope="col">Call</th><th>Since</th></tr></thead>'


def test_each_cell_has_the_name_of_its_column_and_the_name_of_a_row_has_none() -> None:
    html = stack(
        f'<table class="dense">{HEAD}<tbody><tr><td><input></td><th scope="row">7</th><td class="num">now</td></tr></tbody></table>'
    )
    assert '<table class="stacked dense">' in html
    assert '<td><input></td><th scope="row">7</th><td data-label="Since" class="num">now</td>' in html


def test_columns_are_counted_anew_in_each_row_and_over_a_cell_that_spans_several() -> None:
    rows = '<tr><td colspan="2">all</td><td>a</td></tr><tr><td>1</td><td>2</td><td>3</td></tr>'
    html = stack(f'<table class="dense">{HEAD}<tbody>{rows}</tbody></table>')
    assert '<td colspan="2">all</td><td data-label="Since">a</td>' in html
    assert '<td>1</td><td data-label="Call">2</td><td data-label="Since">3</td>' in html


def test_an_empty_cell_and_a_table_without_a_head_get_no_names() -> None:
    assert "data-label" not in stack(f'<table class="dense">{HEAD}<tbody><tr><td>x</td><td> </td><td></td></tr></tbody></table>')
    assert "data-label" not in stack('<table class="dense"><tbody><tr><td>x</td></tr></tbody></table>')
    hidden = '<table class="dense"><thead class="visually-hidden"><tr><th>State</th></tr></thead><tr><td>x</td></tr></table>'
    assert "data-label" not in stack(hidden)


@pytest.mark.parametrize("name", ['"><td data-label="x" onmouseover="__xss()">', "<td>", "</thead>", "' x=1"])
def test_a_name_from_outside_stays_text_in_a_cell_and_in_a_label(name: str) -> None:
    template = Template(
        '{% stacked %}<table class="dense"><thead><tr><th>{{ name }}</th></tr></thead><tr><td>{{ name }}</td></tr></table>{% endstacked %}'
    )
    html = template.render(Context({"name": name}))
    assert html.count("<td") == html.count("</td>") == 1
    assert html.count("<thead>") == html.count("</thead>") == 1
    assert "onmouseover" not in html or "&quot;x&quot; onmouseover=&quot;" in html


@pytest.mark.parametrize("html", ["", "<p>no table</p>", "<table><tr></tr></table>", '<table class="a"></table><table class="b"></table>'])
def test_anything_but_one_table_with_a_class_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="one table with a class"):
        stack(html)
