"""Read model of the metrics: the figures of the overview, for each company, as gauges.

They come from the same functions as the overview, `rokuon status` and `rokuon doctor`. Counts are read from the tally, so the time does not
grow with the number of recordings. Companies are named by the id in their URLs, never by name.
"""

from collections import Counter
from datetime import datetime

from rokuon import __version__
from rokuon.completeness.headline import facts_of, headline
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.jobs import queue
from rokuon.ledger import history, holds, overview
from rokuon.org.models import Company

from .exposition import Gauge

OPEN = (State.FAILED, State.GONE)


class Metrics:
    """All gauges; `gauges` returns them in a fixed order."""

    def __init__(self) -> None:
        self.build = Gauge("rokuon_build_info", "Version of Rokuon; always 1.")
        self.workers = Gauge("rokuon_workers_alive", "Worker processes with a recent heartbeat.")
        self.enabled = Gauge("rokuon_enabled", "1 if backup is enabled for the company.")
        self.complete = Gauge("rokuon_complete", "1 if everything that is known and wanted is backed up, as the overview's headline says.")
        self.recordings = Gauge("rokuon_recordings", "Recordings by state; gone means lost at Dialpad.")
        self.open = Gauge("rokuon_recordings_open", "Failed and lost recordings that nobody has closed with a note.")
        self.unlisted = Gauge("rokuon_unlisted_days", "Days that are not listed from end to end.")
        self.never = Gauge("rokuon_never_listed_targets", "Contact centers and coaching teams that were never listed.")
        self.unreadable = Gauge("rokuon_unreadable_entries", "Entries of the call list that could not be read and that nobody has closed.")
        self.unnamed = Gauge("rokuon_nothing_to_fetch_calls", "Recorded calls without a recording to fetch that nobody has closed.")
        self.holds = Gauge("rokuon_holds", "Open holds: on a bucket, on one kind of recording, or on everything from Dialpad.")
        self.oldest = Gauge("rokuon_oldest_waiting_seconds", "Age of the oldest call whose recording waits or failed; 0 if there is none.")
        self.finished = Gauge("rokuon_last_success_timestamp_seconds", "End of the last backup or sweep that listed all of its days.")

    @property
    def gauges(self) -> list[Gauge]:
        return list(vars(self).values())


def load_metrics(now: datetime) -> Metrics:
    metrics = Metrics()
    metrics.build.add(1, version=__version__)
    metrics.workers.add(queue.live_workers(WORKER_SILENT_S))
    for company in Company.objects.order_by("pk"):
        _of_company(metrics, company, now)
    return metrics


def _of_company(metrics: Metrics, company: Company, now: datetime) -> None:
    named, targets = {"company": company.public_id}, list(company.targets.select_related("office"))
    held = Counter(hold.on for hold in holds.open_holds(company.pk))
    facts = facts_of(company, targets, now, held=bool(held))
    metrics.enabled.add(company.enabled, **named)
    metrics.complete.add(company.enabled and not (headline(facts).wrong or facts.counts.pending), **named)
    for state in State:
        metrics.recordings.add(getattr(facts.counts, state), **named, state=state)
    for state in OPEN:
        metrics.open.add(getattr(facts, state), **named, state=state)
    metrics.unlisted.add(facts.lacks.days, **named)
    metrics.never.add(facts.lacks.never, **named)
    metrics.unreadable.add(facts.lacks.unreadable, **named)
    metrics.unnamed.add(facts.unnamed, **named)
    for on in HoldOn:
        metrics.holds.add(held[on], **named, on=on)
    oldest = overview.oldest_unprotected([target.pk for target in targets])
    metrics.oldest.add((now - oldest.call_started_at).total_seconds() if oldest is not None else 0, **named)
    if (ended := history.last_success(company.pk)) is not None:
        metrics.finished.add(ended.timestamp(), **named)
