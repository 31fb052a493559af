"""What became of the calls that end while the demo stays: how long until each recording was in the bucket."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.ledger.models import Copy

PATIENCE = timedelta(minutes=15)
"""Longer than a sweep takes to find what no event told of. What has not arrived by then is among the failures."""


@dataclass(frozen=True, slots=True)
class _Ended:
    center: str
    at: datetime


class Arrivals:
    """Recordings that are on their way into the bucket of one company."""

    def __init__(self, company_id: int) -> None:
        self._company_id = company_id
        self._expected: dict[str, _Ended] = {}

    def expect(self, recording_id: int, center: str, ended_at: datetime) -> None:
        self._expected[str(recording_id)] = _Ended(center, ended_at)

    def say_new(self, now: datetime) -> None:
        """A line for each recording that has arrived since. The time is the ledger's, from the end of the call to the verified object."""
        arrived = Copy.objects.filter(company_id=self._company_id, state="verified", recording__recording_id__in=list(self._expected))
        for recording_id, verified_at in arrived.order_by("changed_at").values_list("recording__recording_id", "changed_at"):
            ended = self._expected.pop(recording_id, None)  # one for each target; the first counts
            if ended is not None:
                output.say(
                    _("A call of %(center)s ended. Its recording was in the bucket %(seconds)s s later.")
                    % {"center": ended.center, "seconds": f"{(verified_at - ended.at).total_seconds():.1f}"}
                )
        self._expected = {recording_id: ended for recording_id, ended in self._expected.items() if now - ended.at < PATIENCE}
