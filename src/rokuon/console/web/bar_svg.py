"""Bars of a series of days as SVG: each bar a link, its parts one above the other. No inline style; parts differ in pattern and colour.

The page contains the patterns once (`console/overview/patterns.html`). As in the calendar, the drawing is for people who see it and have a
pointer; a table beside it says the same (docs/design/console.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe

STEP, WIDTH, HEIGHT = 8, 6, 96
AXIS, SCALE = 16, 64
"""Height of the row of dates below the bars, and width of the column of numbers to their right."""
SMALLEST = 2.0
"""A part that is not zero is at least this high: one failure among a thousand recordings is seen."""
PATTERNED = ("failed", "pending")


@dataclass(frozen=True, slots=True)
class Bar:
    """`parts` are names (of a class and a pattern) with values, from the bottom. `date` is shown below the bar, "" for none."""

    url: str
    title: str
    parts: Sequence[tuple[str, float]]
    date: str = ""

    @property
    def value(self) -> float:
        return sum(value for _name, value in self.parts)


def drawn(bars: Sequence[Bar], scale: str) -> SafeString:
    """Return the bars on one scale. `scale` is the value of the highest one in words."""
    highest = max((bar.value for bar in bars), default=0) or 1
    inside = [f'<path class="grid" d="M0 .5H{len(bars) * STEP}M0 {HEIGHT + 0.5}H{len(bars) * STEP}"/>']
    for number, bar in enumerate(bars):
        inside.append(_bar(bar, number * STEP + 1, highest))
        if bar.date:
            inside.append(f'<text class="axis" x="{number * STEP}" y="{HEIGHT + AXIS - 3}">{escape(bar.date)}</text>')
    inside.append(f'<text class="axis" x="{len(bars) * STEP + 4}" y="9">{escape(scale)}</text>')
    width, height = len(bars) * STEP + SCALE, HEIGHT + AXIS
    return mark_safe(  # noqa: S308 (numbers of our own, and words and addresses that were escaped)
        f'<svg class="bars" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" focusable="false">'
        f"{''.join(inside)}</svg>"
    )


def _bar(bar: Bar, left: int, highest: float) -> str:
    """Draw the parts from the bottom, and over them the whole column as the link: a low bar is as easy to hit as a high one."""
    top, drawn_parts = float(HEIGHT), []
    for name, value in bar.parts:
        if not value:
            continue
        height = max(SMALLEST, round(value / highest * HEIGHT, 1))
        top = max(0.0, top - height)
        fill = f' fill="url(#bar-{name})"' if name in PATTERNED else ""
        drawn_parts.append(f'<rect class="bar-{name}"{fill} x="{left}" y="{top:g}" width="{WIDTH}" height="{height:g}"/>')
    column = f'<rect class="bar-column" x="{left - 1}" y="0" width="{STEP}" height="{HEIGHT}"><title>{escape(bar.title)}</title></rect>'
    return f'{"".join(drawn_parts)}<a href="{escape(bar.url)}" tabindex="-1">{column}</a>'
