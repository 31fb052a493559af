"""Output formats: tables, numbers with units, dates in their zone, JSON. Text for people is the same on a terminal and in a file."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from rokuon.base import dates
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import amount as amount
from rokuon.base.measures import duration as duration
from rokuon.base.measures import number as number
from rokuon.base.state_words import state_word as state_word
from rokuon.completeness.headline import Headline
from rokuon.ledger.read import Counts
from rokuon.org.models import Target

from . import tables

WIDE = 140


def console() -> Console:
    """Return standard output. If it is not a terminal: wide enough that no table is cut, and without colours."""
    out = Console(highlight=False, soft_wrap=False)
    return out if out.is_terminal else Console(highlight=False, width=WIDE, no_color=True)


def say(text: str = "") -> None:
    click.echo(text)


def write_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def write_json_line(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, right: Iterable[int] = (), title: str = "") -> None:
    """Print a table. `right` are the columns of numbers. Cells are plain text, never markup: names come from another system."""
    out = console()
    tables.show(out, tables.laid_out(headings, rows, width=out.width if out.is_terminal else None, right=right, title=title))


def moment(when: datetime | None, zone_name: str) -> str:
    """Return local date and time in that zone, with the zone's name; a dash for None."""
    return "–" if when is None else dates.named(when, zone_name)


def labels(targets: Iterable[Target]) -> dict[int, str]:
    """Return a name for each target, by its key; with the office, and then the id, if several would read the same."""
    found = list(targets)
    names = Counter(target.name for target in found)
    with_office = Counter((target.name, target.office.name) for target in found)

    def label(target: Target) -> str:
        if names[target.name] == 1:
            return target.name
        if with_office[target.name, target.office.name] == 1:
            return f"{target.name} ({target.office.name})"
        return f"{target.name} ({target.dialpad_id})"

    return {target.pk: label(target) for target in found}


def answer(said: Headline) -> str:
    """Return a headline with its further sentences, for a terminal."""
    return join_sentences(_("%(sentence)s.") % {"sentence": said.sentence}, *said.added)


def kind_name(kind: str) -> str:
    return _("Contact center") if kind == Target.Kind.CONTACT_CENTER else _("Coaching team")


def counts_json(counts: Counts) -> dict[str, int]:
    return {
        "discovered": counts.discovered,
        "verified": counts.verified,
        "failed": counts.failed,
        "gone": counts.gone,
        "excluded": counts.excluded,
        "pending": counts.pending,
        "bytes": counts.bytes,
    }


def counts_headings() -> list[str]:
    return [_("Discovered"), *map(state_word, ("verified", "failed", "gone", "excluded", "pending")), _("Size")]


def counts_cells(counts: Counts) -> list[str | Text]:
    """Return the cells in the order of the sum: discovered = verified + failed + gone + excluded + pending."""

    def flagged(count: int, style: str) -> Text:
        return Text(number(count), style=style if count else "dim")

    return [
        number(counts.discovered),
        flagged(counts.verified, "green"),
        flagged(counts.failed, "bold red"),
        flagged(counts.gone, "yellow"),
        flagged(counts.excluded, ""),
        flagged(counts.pending, "cyan"),
        amount(counts.bytes),
    ]


def read_from_dialpad(offices: int, centers: int, teams: int, people: int) -> str:
    """Return the size of a directory as part of a sentence."""
    parts = (
        ngettext("%(count)s office", "%(count)s offices", offices) % {"count": number(offices)},
        ngettext("%(count)s contact center", "%(count)s contact centers", centers) % {"count": number(centers)},
        ngettext("%(count)s coaching team", "%(count)s coaching teams", teams) % {"count": number(teams)},
        ngettext("%(count)s person", "%(count)s people", people) % {"count": number(people)},
    )
    return _(", ").join(parts)


def pages(count: int) -> str:
    return ngettext("%(count)s page", "%(count)s pages", count) % {"count": number(count)}


def calls(count: int) -> str:
    return ngettext("%(count)s call", "%(count)s calls", count) % {"count": number(count)}


def recordings(count: int) -> str:
    return ngettext("%(count)s recording", "%(count)s recordings", count) % {"count": number(count)}
