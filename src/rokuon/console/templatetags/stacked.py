"""Template tag for tables that become cards where the screen is narrow: each cell gets the name of its column as `data-label`.

The style sheet shows the label before the cell when rows are cards. A cell without content and a column whose name is for screen readers
alone get none. The markup between the tags is ours, so names from outside are escaped in it and contain no tag.
"""

import re
from collections.abc import Iterator

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_TAG = re.compile(r"<(/?)(table|thead|tr|td|th)\b([^>]*)>")
_HEAD = re.compile(r"<thead\b.*?</thead>", re.DOTALL)
_NAME = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
_EMPTY = re.compile(r"\s*</t[dh]>")
_COLSPAN = re.compile(r'colspan="(\d+)"')
_CLASS = 'class="'


def stack(html: str) -> str:
    """Return the table as one that can be shown as cards. Raises ValueError for anything but one table whose class is named."""
    names, column, at, parts = list(_names(html)), 0, 0, []
    inside = _HEAD.search(html)
    tables = 0
    for tag in _TAG.finditer(html):
        closing, element, attributes = tag.groups()
        if element == "table" and not closing:
            tables += 1
            if tables > 1 or _CLASS not in attributes:
                raise ValueError("the block tag stacked takes one table with a class")
            parts += [html[at : tag.start()], tag.group().replace(_CLASS, f"{_CLASS}stacked ", 1)]
            at = tag.end()
        elif element == "tr":
            column = 0
        elif element in ("td", "th") and not closing and not (inside and tag.start() < inside.end()):
            name = names[column] if column < len(names) else ""
            wide = _COLSPAN.search(attributes)
            column += int(wide.group(1)) if wide else 1
            if name and element == "td" and not wide and not _EMPTY.match(html, tag.end()):
                parts += [html[at : tag.start()], f'<td data-label="{name}"{attributes}>']
                at = tag.end()
    if not tables:
        raise ValueError("the block tag stacked takes one table with a class")
    return "".join([*parts, html[at:]])


def _names(html: str) -> Iterator[str]:
    """Yield the name of each column, escaped for an attribute; "" for one that is not shown."""
    head = _HEAD.search(html)
    if head is None or "visually-hidden" in head.group().partition(">")[0]:
        return
    for attributes, inner in _NAME.findall(head.group()):
        hidden = "visually-hidden" in attributes or "visually-hidden" in inner
        text = "" if hidden else " ".join(re.sub(r"<[^>]*>", "", inner).split())
        wide = _COLSPAN.search(attributes)
        yield from [text.replace('"', "&quot;")] * (int(wide.group(1)) if wide else 1)


class _Stacked(template.Node):
    def __init__(self, content: NodeList) -> None:
        self._content = content

    def render(self, context: Context) -> SafeString:
        return mark_safe(stack(self._content.render(context)))  # noqa: S308 (already escaped)


@register.tag
def stacked(parser: Parser, _token: Token) -> template.Node:
    """{% stacked %}<table class="dense">...</table>{% endstacked %}"""
    content = parser.parse(("endstacked",))
    parser.delete_first_token()
    return _Stacked(content)
