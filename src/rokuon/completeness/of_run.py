"""Facts of one run for its headline: the state of the run's targets and days now, not only of what the run copied itself."""

from collections.abc import Sequence
from datetime import datetime

from rokuon.domain.ports import TimeRange
from rokuon.ledger import failures, history, holds
from rokuon.ledger.models import Copy
from rokuon.ledger.read import RunProgress
from rokuon.ledger.sql import ms
from rokuon.org.models import Company, Target

from .headline import HeadlineFacts
from .lacks import Lacks
from .unknown import find_unknown


def facts_of_run(
    company: Company, progress: RunProgress, targets: Sequence[Target], now: datetime, *, held: bool | None = None
) -> HeadlineFacts:
    """Return the facts of these targets of the run; `progress` is theirs too. Pass `held` if it is already known."""
    run, ids = progress.run, [target.pk for target in targets]
    explained = failures.explained(company.pk, ids, run.since, run.until)
    causes = [one for one in history.causes(run, set(ids)) if one.state == Copy.State.FAILED]
    return HeadlineFacts(
        counts=progress.total,
        lacks=Lacks.of(find_unknown(company, targets, now, TimeRange(ms(run.since), ms(run.until)))),
        causes=sum(one.copies > explained.get((one.state, one.reason), 0) for one in causes),
        unnamed=progress.unnamed,
        held=bool(holds.open_holds(company.pk)) if held is None else held,
        closed_failed=sum(copies for (state, _reason), copies in explained.items() if state == Copy.State.FAILED),
        closed_gone=sum(copies for (state, _reason), copies in explained.items() if state == Copy.State.GONE),
    )
