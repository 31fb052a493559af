"""Counts what a person's hands do in a browser, and compares it with the table in docs/design/clicks.md.

A press of the mouse is a click, also one that only puts the cursor into a field to search in; a choice from a list is two. A field that is
filled in is not a click, because it is typed, and a key that is pressed is a key.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .screen import Screen

TABLE = Path(__file__).resolve().parents[2] / "docs" / "design" / "clicks.md"

LISTEN = """
(() => {
  const filled = new WeakSet();
  const seen = (event, kind) => event.isTrusted && window.handDid(kind);
  addEventListener('pointerdown', event => seen(event, 'clicks'), true);
  addEventListener('keydown', event => seen(event, 'keys'), true);
  addEventListener('input', event => {
    if (event.target.matches('select')) { window.handDid('choices'); return; }
    if (event.target.matches('[type=checkbox], [type=radio]') || filled.has(event.target)) return;
    filled.add(event.target);
    window.handDid('fields');
  }, true);
})();
"""


@dataclass
class Hand:
    """What was done so far."""

    did: Counter[str] = field(default_factory=Counter)
    _counts: bool = True

    @property
    def effort(self) -> tuple[int, int, int]:
        """Clicks, filled fields and keys."""
        return self.did["clicks"] + 2 * self.did["choices"], self.did["fields"], self.did["keys"]

    def click(self) -> None:
        """A click outside of the browser's page: on a link in a mail or a terminal."""
        self.did["clicks"] += 1

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What a test does here is not part of the story, such as a mistake on purpose."""
        self._counts = False
        try:
            yield
        finally:
            self._counts = True

    def _saw(self, _source: Any, kind: str) -> None:
        if self._counts:
            self.did[kind] += 1


def watch(screen: Screen) -> Hand:
    """Count from the next page of this screen on. Without JavaScript there is nothing to count with."""
    hand = Hand()
    screen.context.expose_binding("handDid", hand._saw)
    screen.context.add_init_script(LISTEN)
    return hand


def documented(story: str) -> tuple[int, int, int]:
    """Return what the table says of a story now. Raises KeyError for a story that it does not have."""
    rows = re.findall(r"^\| ([^|]+?) \|[^|]*\| (\d+) \| (\d+) \| (\d+) \|", TABLE.read_text(), re.MULTILINE)
    known = {name: (int(clicks), int(fields), int(keys)) for name, clicks, fields, keys in rows}
    return known[story]
