"""The sheet of a certificate of completeness, in the language of `base.i18n`: the same text on the page, on paper and as PDF.

In this order: what cannot be stated, the sentence, who states it, what was asked of Dialpad, the sum, what "verified" means, since when it
is final, how to check it without Rokuon, and the limits. It claims no legal standing.
"""

from dataclasses import dataclass

from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.base.measures import amount, number
from rokuon.base.state_words import state_word
from rokuon.completeness import outside

from . import certificate_text as text
from .certificate import Certificate, CertifiedBucket
from .certificate_doubts import doubts
from .certificate_terms import terms


@dataclass(frozen=True, slots=True)
class Table:
    """`right` are the columns of numbers. `deep` are the rows that are part of a row above them."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    deep: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`facts` are pairs of a name and a value. `command` is a line to type."""

    name: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    command: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """`severity` is a state of the design layer; `verdict` says it in words."""

    title: str
    about: str
    severity: str
    verdict: str
    doubts: tuple[str, ...]
    sentences: tuple[str, ...]
    sections: tuple[Section, ...]


def sheet(made: Certificate) -> Sheet:
    return Sheet(
        title=_("Certificate of completeness"),
        about=text.about(made),
        severity=made.severity,
        verdict=text.verdict(made),
        doubts=tuple(doubts(made)),
        sentences=tuple(text.sentences(made)),
        sections=(_who(made), _asked(made), _sum(made), _meaning(), _final(made), _check(made), _limits()),
    )


def _who(made: Certificate) -> Section:
    facts = (
        (_("Company"), made.figures.company.name),
        (_("Installation"), made.installation),
        (_("Fingerprint of the key"), made.fingerprint or _("none yet")),
        (_("Made at"), dates.named(made.made_at, made.zone)),
        (_("Asked for by"), made.made_by),
    )
    return Section("who", _("Who states this"), facts=facts)


def _asked(made: Certificate) -> Section:
    return Section("asked", _("What was asked of Dialpad, and when"), tuple(text.listed(made)))


def _sum(made: Certificate) -> Section:
    found = terms(made.figures)
    table = Table(
        (_("Term"), _("Count")),
        tuple((one.words, number(one.count)) for one in found),
        right=(1,),
        deep=tuple(place for place, one in enumerate(found) if one.part),
    )
    tables = [table]
    if len(made.figures.targets) > 1:
        tables.append(_by_target(made))
    if made.figures.outside is not None and made.figures.outside.calls:
        rows = tuple((_(outside.KINDS[one.kind]), number(one.calls)) for one in made.figures.outside.kinds)
        tables.append(Table((_("Recorded calls outside every rule"), _("Calls")), rows, right=(1,)))
    return Section("sum", _("The sum"), tuple(text.of_what(made)), tables=tuple(tables))


def _by_target(made: Certificate) -> Table:
    counted = (_("Recordings"), state_word("verified"), _("Explained"), _("Unaccounted"), _("Days"), state_word("unlisted"))
    headings = (_("Target"), _("Target id"), _("Office"), *counted)
    rows = []
    for one in made.figures.targets:
        account = one.sum.account
        figures = (account.recordings, account.verified, account.explained, account.unaccounted, one.sum.days, one.sum.unlisted)
        rows.append((one.target.name, one.target.dialpad_id, one.target.office.name, *map(number, figures)))
    return Table(headings, tuple(rows), right=(3, 4, 5, 6, 7, 8))


def _meaning() -> Section:
    return Section("verified", _("What “verified” means"), tuple(text.verified_means()))


def _final(made: Certificate) -> Section:
    return Section("final", _("Since when this is final"), tuple(text.final(made)))


def _check(made: Certificate) -> Section:
    facts = tuple(fact for one in made.buckets for fact in _bucket(made, one))
    said = tuple(text.how_to_check(made))
    return Section("check", _("How to check it without Rokuon"), said, facts=facts, command=text.command(made))


def _bucket(made: Certificate, one: CertifiedBucket) -> list[tuple[str, str]]:
    seal = one.sealed.seal
    facts = [(_("Bucket"), one.url), (state_word("verified"), f"{number(one.verified)} ({amount(one.bytes)})")]
    if not seal.number or seal.at is None:
        return [*facts, (_("Newest seal"), _("none yet"))]
    sealed = _("%(number)d, %(at)s") % {"number": seal.number, "at": dates.named(seal.at, made.zone)}
    return [*facts, (_("Newest seal"), sealed), (_("SHA-256 of the seal"), seal.sha256), (_("Signed by the key"), one.sealed.fingerprint)]


def _limits() -> Section:
    return Section("limits", _("Limits"), tuple(text.limits()))
