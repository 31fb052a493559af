"""Template tags and filters: numbers, sizes, durations, times in their zone, states, icons."""

from datetime import UTC, date, datetime
from functools import cache

from django import template
from django.template import Context
from django.template.defaultfilters import stringfilter
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rokuon.base import dates, i18n, measures, state_words
from rokuon.console.web import confusable_names, guards

register = template.Library()

# icon of each state; the CSS class sets the colour. "waiting" looks different from "pending": it was tried, and is due later.
ICONS = {
    "verified": "verified",
    "pending": "queued",
    "waiting": "waiting",
    "held": "held",
    "failed": "failed",
    "gone": "gone",
    "excluded": "excluded",
    "unnamed": "warning",
    "closed": "verified",
    "running": "running",
    "paused": "held",
    "finished": "verified",
    "cancelled": "excluded",
    "unlisted": "warning",
    "unreadable": "warning",
}


@register.filter
def number(value: int | None) -> str:
    """Format a number with thousands separators; a dash for None."""
    return "–" if value is None else measures.number(value)


@register.simple_tag
def count(value: int, url: str = "") -> SafeString | str:
    """Return a number as a link to the list whose rows it counts; without a link if there are none, or no `url`."""
    shown = measures.number(value)
    return format_html('<a class="count" href="{}">{}</a>', url, shown) if value and url else shown


@register.filter(name="bytes")
def bytes_(size: float | None) -> str:
    """Format bytes in binary units, as file managers show them."""
    return "–" if size is None else measures.amount(size)


@register.filter
def seconds(value: float | None) -> str:
    """Format a duration, given in seconds, in its two largest units."""
    return "–" if value is None else measures.duration(value)


@register.simple_tag(takes_context=True)
def moment(context: Context, when: datetime | None, zone: str | None = None, *, seconds: bool = False) -> SafeString | str:
    """Format a time in the reader's zone (`guards.reader_zone`) with the zone's name. The tooltip has it to the second: in `zone`, the zone
    of what the time is about ("" for UTC), and in UTC. `seconds` shows them in the text too."""
    if when is None:
        return "–"
    request = context.get("request")
    shown = guards.reader_zone(request) if request is not None else zone or ""
    there = dict.fromkeys(dates.exact(when, one) for one in (shown if zone is None else zone, ""))
    return format_html(
        '<time datetime="{}" title="{}">{} <span class="zone">{}</span></time>',
        when.astimezone(UTC).isoformat(),
        " · ".join(there),
        dates.moment(when, shown, seconds=seconds),
        shown or "UTC",
    )


@register.filter
def month(when: date) -> str:
    """Format the month of a date."""
    return dates.month(when)


@register.simple_tag
def day(when: date) -> SafeString:
    """Format a date."""
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), dates.day(when))


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Return an icon of our own set. It is decorative: a word always stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', static("rokuon/icons.svg"), name
    )


@register.simple_tag
def state(name: str, words: str = "", glyph: str = "") -> SafeString:
    """Return icon, word and colour of a state. `words` replace the state's own; with a `glyph` only the state's colour is used."""
    known = ICONS.get(name, "excluded")
    return format_html('<span class="state state-{}">{}<span>{}</span></span>', name, icon(glyph or known), words or state_word(name))


@register.simple_tag(name="state_word")
def state_word(name: str) -> str:
    """Return the word of a state, for headings of columns and figures."""
    return state_words.state_word("pending" if name == "waiting" else name)


@register.simple_tag
def name(text: str, instead: str = "") -> SafeString:
    """Return a name from outside, isolated from the text around it, with a warning if it may be misleading. `instead` replaces an empty
    name."""
    odd = confusable_names.oddity(text)
    mark = (
        format_html('<span class="odd" title="{}">{}<span class="visually-hidden">{}</span></span>', odd, icon("warning"), odd)
        if odd
        else ""
    )
    return format_html("<bdi>{}</bdi>{}", text or instead, mark)


@register.simple_tag
def path(key: str) -> SafeString:
    """Return an object key with each part isolated: a folder that is written from right to left must not reorder the others."""
    return format_html('<bdi dir="ltr">{}</bdi>', format_html_join("/", "<bdi>{}</bdi>", ((part,) for part in key.split("/"))))


@register.filter
@stringfilter
def said(message: str) -> str:
    """Return a sentence of the domain (marked N_) in the reader's language."""
    return i18n._(message) if message else ""
