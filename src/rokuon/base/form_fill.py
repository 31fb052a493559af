"""Fill a form in the HTML of one of our pages with values that were typed before.

Only the first form that sends to the given address and has a field to fill in is changed; the rest of the page stays as it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

Values = Mapping[str, Sequence[str]]

NEVER = {"password", "file", "submit", "button", "image", "reset"}
"""Types of inputs that are never filled."""
TICKS = {"checkbox", "radio"}


@dataclass
class _Form:
    """A form of the page. `sends_to` are its addresses; `around` the `details` that have to be open for its fields to be seen."""

    begins: int
    sends_to: list[str]
    around: list[tuple[int, str]]
    typed: bool = False
    edits: list[tuple[int, str, str]] = field(default_factory=list)
    """Position, old text, new text."""


class _Reader(HTMLParser):
    """Collects the forms of a page, with the edits that would fill them."""

    def __init__(self, page: str, values: Values) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Form] = []
        self._values, self._open, self._details = values, False, list[tuple[int, str]]()
        self._select = self._area = ""
        self._area_begins = -1
        self._starts = [0]
        # As HTMLParser counts lines: no other character ends one.
        for line in page.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._page = page
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        text = self.get_starttag_text() or ""
        if tag == "details":
            self._details.append((self._at(), text))
        elif tag == "form":
            self.forms.append(_Form(self._at() + len(text), [given.get("action", "")], list(self._details)))
            self._open = True
        elif self._open:
            self._field(tag, given, text)

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self._details:
            self._details.pop()
        elif tag == "form":
            self._open = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area:
            old = self._page[self._area_begins : self._at()]
            self._edit(self._area_begins, old, escape(self._values[self._area][0]))
            self._area = ""

    def _field(self, tag: str, given: dict[str, str], text: str) -> None:
        name, kind = given.get("name", ""), given.get("type", "text").lower()
        if "formaction" in given:
            self.forms[-1].sends_to.append(given["formaction"])
        if tag == "option" and self._select:
            value = given.get("value", "")
            self._mark(text, "selected", on=value in self._values[self._select])
        elif tag not in ("input", "select", "textarea"):
            return
        elif tag == "input" and kind in TICKS:
            # A box that was not ticked is not sent, so its name may be missing from the values.
            self.forms[-1].typed = True
            self._mark(text, "checked", on=given.get("value", "on") in self._values.get(name, ()))
        elif name not in self._values or (tag == "input" and kind in NEVER):
            return
        elif tag == "select":
            self._select, self.forms[-1].typed = name, True
        elif tag == "textarea":
            self._area, self._area_begins, self.forms[-1].typed = name, self._at() + len(text), True
        else:
            self.forms[-1].typed |= kind != "hidden"
            bare = _without(text, "value")
            self._edit(self._at(), text, f'{bare[:-1].rstrip("/ ")} value="{escape(self._values[name][0])}">')

    def _mark(self, text: str, attribute: str, *, on: bool) -> None:
        bare = _without(text, attribute)
        self._edit(self._at(), text, f"{bare[:-1].rstrip('/ ')} {attribute}>" if on else bare)

    def _edit(self, at: int, old: str, new: str) -> None:
        self.forms[-1].edits.append((at, old, new))

    def _at(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column


def _without(tag: str, attribute: str) -> str:
    return re.sub(rf"""\s{attribute}(\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?(?=[\s>/])""", "", tag)


def fill(page: str, sends_to: str, values: Values, hidden: Mapping[str, str]) -> str:
    """Return the page with the values in the form that sends to `sends_to`, and with the hidden fields added to it. An address "" in the
    page means `sends_to`, so give the address of the page itself only for its own form. Values of fields that the form does not have, and
    of passwords, files and buttons, are left out."""
    for form in _Reader(page, values).forms:
        if form.typed and (sends_to in form.sends_to or "" in form.sends_to):
            added = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items())
            edits = [*form.edits, (form.begins, "", added)]
            edits += [(at, text, f"{_without(text, 'open')[:-1]} open>") for at, text in form.around]
            return _edited(page, edits)
    return page


def _edited(page: str, edits: list[tuple[int, str, str]]) -> str:
    for at, old, new in sorted(edits, reverse=True):
        page = page[:at] + new + page[at + len(old) :]
    return page
