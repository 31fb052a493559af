"""What a job on a window of a run has to know before it begins."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from rokuon.backup.discover import Targets
from rokuon.base.secrets import Vault
from rokuon.completeness.options import fingerprint
from rokuon.ledger import outside_void, runs
from rokuon.ledger.models import Run, Window
from rokuon.ledger.sql import ms

from .listed_as import how_listed
from .other_party import with_keeping
from .targets import load_targets


@dataclass(frozen=True, slots=True)
class WindowFacts:
    window: Window
    company_id: int
    listed_at_ms: int
    targets: Targets
    fingerprint: str
    how: Mapping[str, str]


def sweeps_of_window(window_id: int) -> int | None:
    """Return the company of a queued window of a sweep; None for any other window."""
    queued = Window.objects.filter(pk=window_id, state=Window.State.QUEUED).exclude(run__purpose=Run.Purpose.BACK_UP_NOW)
    return queued.values_list("run__company_id", flat=True).first()


@transaction.atomic
def load_window(window_id: int, vault: Vault) -> WindowFacts | None:
    """Return the window's facts; None if it is not queued any more or its run is not running."""
    window = (
        Window.objects.select_related("run", "run__company")
        .filter(pk=window_id, state=Window.State.QUEUED, run__state=Run.State.RUNNING)
        .first()
    )
    if window is None:
        return None
    outside_void.keep_rules(window.run.company_id)
    company = window.run.company
    targets, options = with_keeping(load_targets(company, window.targets), company, vault), fingerprint(company)
    how = how_listed(company, targets, options, window.scope_kind)
    runs.begin_listing(window.pk, how)
    return WindowFacts(window, company.pk, ms(window.run.created_at), targets, options, how)
