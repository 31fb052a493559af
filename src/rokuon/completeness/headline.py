"""Headline: one sentence on the state of a backup, the same in pages, commands and mails, in the language of `base.i18n`.

It never says "all" while a day that is to be backed up is not listed from end to end, an entry could not be read, or a recording that a
rule selects is not in the bucket. Failures
that a person closed with a note are explained: they end the alarm, and are still mentioned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rokuon.base import dates
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import percent
from rokuon.ledger import failures, holds, read, tally
from rokuon.ledger.tally import Counts, StateCount
from rokuon.org.models import Company, Target

from . import unknown as unknowns
from .lacks import Lacks, counted, if_any, said
from .unknown import Unknown

UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class HeadlineFacts:
    """State of a set of targets, or of a run. `lacks` is what is not known, `causes` the number of causes of failures, `unnamed` the number
    of calls that were recorded with nothing to fetch; `held`: something that they need is held. A person has closed `closed_failed` of the
    failed recordings and `closed_gone` of the gone ones."""

    counts: Counts
    lacks: Lacks
    causes: int = 0
    unnamed: int = 0
    held: bool = False
    closed_failed: int = 0
    closed_gone: int = 0

    @classmethod
    def of(
        cls, causes: Iterable[StateCount], explained: Mapping[tuple[str, str], int], unknown: Unknown, unnamed: int, *, held: bool
    ) -> "HeadlineFacts":
        """Compute the facts from `tally.causes` and `failures.explained`."""
        causes = list(causes)
        return cls(
            counts=tally.total(causes),
            lacks=Lacks.of(unknown),
            causes=sum(one.state == "failed" and one.copies > explained.get((one.state, one.reason), 0) for one in causes),
            unnamed=unnamed,
            held=held,
            closed_failed=sum(copies for (state, _reason), copies in explained.items() if state == "failed"),
            closed_gone=sum(copies for (state, _reason), copies in explained.items() if state == "gone"),
        )

    @property
    def failed(self) -> int:
        """The number of failed recordings that no person has explained."""
        return max(0, self.counts.failed - self.closed_failed)

    @property
    def gone(self) -> int:
        """The number of recordings that Dialpad no longer had at backup time and that no person has explained."""
        return max(0, self.counts.gone - self.closed_gone)

    @property
    def closed(self) -> int:
        return self.closed_failed + self.closed_gone

    @property
    def wrong(self) -> bool:
        return bool(self.failed or self.gone or self.unnamed or self.lacks)

    @property
    def share(self) -> str:
        """The verified share of the wanted recordings in percent; a dash if their number is not known."""
        return share(self.counts, self.lacks)


@dataclass(frozen=True, slots=True)
class Headline:
    """`severity` is a state of the design layer: verified, waiting, held, failed, excluded. `added` are further sentences. `wrong`:
    something failed, was lost or is not known, so a command with this headline must not exit with code 0."""

    severity: str
    sentence: str
    added: tuple[str, ...] = ()
    wrong: bool = False

    @property
    def more(self) -> str:
        return join_sentences(*self.added)


def facts_of(
    company: Company,
    targets: Sequence[Target],
    now: datetime,
    *,
    causes: Sequence[StateCount] | None = None,
    unknown: Unknown | None = None,
    held: bool | None = None,
) -> HeadlineFacts:
    """Return the facts of these targets of the company. Pass `causes` (their `tally.causes`), `unknown` and `held` if they are already
    known."""
    ids = [target.pk for target in targets]
    return HeadlineFacts.of(
        tally.causes(company.pk, ids) if causes is None else causes,
        failures.explained(company.pk, ids),
        unknowns.find_unknown(company, targets, now) if unknown is None else unknown,
        sum(read.details_missing(company.pk, ids).values()),
        held=bool(holds.open_holds(company.pk)) if held is None else held,
    )


def of_company(company: Company, now: datetime) -> Headline:
    return headline(facts_of(company, list(company.targets.select_related("office")), now))


def headline(facts: HeadlineFacts) -> Headline:
    """Return the headline. Problems that need a person have priority, then waiting recordings, then a good state."""
    counts, unknown, lacks = facts.counts, facts.lacks, said(facts.lacks)
    ended, lost = (*_safe(facts), *_closed(facts.closed)), _lost(facts.gone)
    besides = (*_on_their_way(counts.pending), *ended)
    stands = "held" if facts.held else "waiting"
    if facts.failed:
        sentence = ngettext("%(count)s recording is not backed up", "%(count)s recordings are not backed up", facts.failed)
        causes = ngettext("%(count)s cause.", "%(count)s causes.", facts.causes) % {"count": facts.causes}
        return Headline("failed", counted(sentence, facts.failed), (causes, *lost, *besides, *lacks), facts.wrong)
    if unknown.unreadable or unknown.refused:
        return _not_known("failed", lacks, (*lost, *besides))
    if facts.gone:
        todo = _("Look at your retention policy in Dialpad: retry what was restored there, and close with a note what is lost.")
        return Headline("failed", lost[0].rstrip(".。"), (todo, *besides, *lacks), facts.wrong)
    if counts.pending and facts.held:
        sentence = ngettext("%(count)s recording is held", "%(count)s recordings are held", counts.pending)
        why = _("They resume automatically once the cause is gone.")
        return Headline("held", counted(sentence, counts.pending), (why, *ended, *lacks), facts.wrong)
    if unknown.never or unknown.untried:
        return _not_known(stands, lacks, besides)
    if counts.pending:
        sentence = ngettext(
            "%(count)s recording is on its way to your bucket", "%(count)s recordings are on their way to your bucket", counts.pending
        )
        return Headline("waiting", counted(sentence, counts.pending), (*ended, *lacks), facts.wrong)
    if unknown:
        return _not_known(stands, lacks, besides)
    return _well(facts, besides)


def _not_known(severity: str, lacks: Sequence[str], added: Sequence[str]) -> Headline:
    first, *others = lacks
    return Headline(severity, first.rstrip(".。"), (*others, *added), wrong=True)


def _well(facts: HeadlineFacts, besides: Sequence[str]) -> Headline:
    counts = facts.counts
    asked = _closed_entries(facts.lacks.explained)
    if facts.lacks.since:
        asked.append(_("Calls from before %(day)s were not asked for.") % {"day": dates.day(date.fromisoformat(facts.lacks.since))})
    covers = _covers(facts.lacks.targets) if counts.verified else []
    added = (*besides, *covers, *asked)
    severity = "waiting" if facts.unnamed else "verified" if counts.verified else "excluded"
    return Headline(severity, _well_said(facts), added, facts.wrong)


def _well_said(facts: HeadlineFacts) -> str:
    counts = facts.counts
    if not counts.verified:
        return _("No recording is left to back up") if counts.discovered else _("No recording was found yet")
    if facts.unnamed:
        sentence = ngettext(
            "The only recording that Dialpad lists is in your bucket",
            "The %(count)s recordings that Dialpad lists are in your bucket",
            counts.verified,
        )
    elif facts.lacks.explained or facts.closed:
        # An unreadable entry may have contained another recording.
        sentence = ngettext(
            "The %(count)s recording found is in your bucket", "The %(count)s recordings found are in your bucket", counts.verified
        )
    else:
        sentence = ngettext("The only recording found is in your bucket", "All %(count)s recordings are in your bucket", counts.verified)
    return counted(sentence, counts.verified)


def _covers(targets: int) -> list[str]:
    """Say of what the backup is complete: Rokuon copies nothing else."""
    sentence = ngettext(
        "This covers the %(count)s contact center or coaching team with a rule.",
        "This covers the %(count)s contact centers and coaching teams with a rule.",
        targets,
    )
    return if_any(sentence, targets)


def _lost(count: int) -> list[str]:
    sentence = ngettext(
        "%(count)s recording was gone at Dialpad before it was backed up.",
        "%(count)s recordings were gone at Dialpad before they were backed up.",
        count,
    )
    return if_any(sentence, count)


def _closed(count: int) -> list[str]:
    sentence = ngettext(
        "%(count)s recording that is not in your bucket is closed with a note.",
        "%(count)s recordings that are not in your bucket are closed with a note.",
        count,
    )
    return if_any(sentence, count)


def _closed_entries(count: int) -> list[str]:
    sentence = ngettext(
        "%(count)s entry that could not be read is closed with a note.",
        "%(count)s entries that could not be read are closed with a note.",
        count,
    )
    return if_any(sentence, count)


def share(counts: Counts, lacks: Lacks) -> str:
    """Return the verified share of all wanted recordings in percent; never rounded up to 100, and a dash if their number is not known."""
    wanted = counts.verified + counts.pending + counts.failed + counts.gone
    return UNKNOWN if not wanted or lacks or lacks.explained else percent(counts.verified, wanted)


def _safe(facts: HeadlineFacts) -> list[str]:
    counts, unknown = facts.counts, facts.lacks
    if not counts.verified:
        return []
    if facts.failed or facts.gone or counts.pending:
        sentence = ngettext(
            "The other one is in your bucket, verified.", "The other %(count)s are in your bucket, verified.", counts.verified
        )
    elif unknown:
        sentence = ngettext(
            "The one recording found so far is in your bucket, verified.",
            "The %(count)s recordings found so far are in your bucket, verified.",
            counts.verified,
        )
    else:
        return [_("Each was proven to be whole, and the bucket confirmed what it keeps.")]
    return [counted(sentence, counts.verified)]


def _on_their_way(pending: int) -> list[str]:
    return if_any(ngettext("%(count)s more is on its way.", "%(count)s more are on their way.", pending), pending)
