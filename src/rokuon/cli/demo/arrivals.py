"""Measure how long the recordings of calls that end during the demo take to reach the bucket."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.ledger.models import Copy

PATIENCE = timedelta(minutes=15)
"""Longer than a sweep takes to find calls without an event. Recordings still missing then are among the failures."""


@dataclass(frozen=True, slots=True)
class _Ended:
    center: str
    at: datetime


class Arrivals:
    """Recordings of one company that have not reached the bucket yet."""

    def __init__(self, company_id: int) -> None:
        self._company_id = company_id
        self._expected: dict[str, _Ended] = {}

    def expect(self, recording_id: int, center: str, ended_at: datetime) -> None:
        self._expected[str(recording_id)] = _Ended(center, ended_at)

    def say_new(self, now: datetime) -> None:
        """Print a line for each newly arrived recording. The time is the ledger's, from the end of the call to the verified object."""
        arrived = Copy.objects.filter(company_id=self._company_id, state="verified", recording__recording_id__in=list(self._expected))
        for recording_id, verified_at in arrived.order_by("changed_at").values_list("recording__recording_id", "changed_at"):
            ended = self._expected.pop(recording_id, None)  # one for each target; the first counts
            if ended is not None:
                output.say(
                    _("A call of %(center)s ended. Its recording was in the bucket %(seconds)s s later.")
                    % {"center": ended.center, "seconds": f"{(verified_at - ended.at).total_seconds():.1f}"}
                )
        self._expected = {recording_id: ended for recording_id, ended in self._expected.items() if now - ended.at < PATIENCE}
