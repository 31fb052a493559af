"""A curve of values over time as SVG: an area under a line, as wide as the page. Words and numbers stand beside it as text, so that they
are as large on a phone as elsewhere."""

from collections.abc import Sequence

from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 600, 100


def drawn(values: Sequence[float]) -> SafeString:
    """Return the curve of these values, evenly spaced in time, from zero to the highest. Each value is a step of the same width."""
    highest, step = max(values, default=0) or 1, WIDTH / (len(values) or 1)
    points = []
    for number, value in enumerate(values):
        height = f"{HEIGHT - value / highest * HEIGHT:.1f}"
        points += [f"{number * step:.1f} {height}", f"{(number + 1) * step:.1f} {height}"]
    line = "M" + "L".join(points) if points else ""
    area = f'<path class="curve-area" d="{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}z"/>' if points else ""
    return mark_safe(  # noqa: S308 (numbers of our own)
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<path class="grid" d="M0 0H{WIDTH}M0 {HEIGHT / 2:g}H{WIDTH}M0 {HEIGHT}H{WIDTH}"/>'
        f'{area}<path class="curve-line" d="{line}"/></svg>'
    )
