"""Judges an installation at the end of each day, by the ledger's rows, the outbox and people's actions; not by the product's own answers.

no silent waiting           a copy that is pending for longer than it may be tried is held, paused, or its office was notified
no early all-clear          no mail says "all" or "resolved" about recordings that are not in the bucket
no lost closing             what a person closed stays closed until a person opens it again, or it is verified
no excess of mails          one mail a day for each cause and address, plus one for a change
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rokuon.domain.retry import AFTER_ERROR_S
from rokuon.ledger.models import Closing, Copy, Hold, Run
from rokuon.notify import message as letters
from rokuon.notify.models import Mail, Notice
from rokuon.notify.render import render

if TYPE_CHECKING:
    from tests.weeks.weeks import Weeks

LIMIT = timedelta(seconds=sum(AFTER_ERROR_S)) + timedelta(hours=6)
"""How long a copy may be tried before it is given up, plus a margin."""

TOLD_WITHIN = timedelta(hours=1)
MOST_A_DAY = 2
Wanted = tuple[int, int]
"""A recording for a target."""


@dataclass(frozen=True)
class _Said:
    """A line of a mail."""

    mail: int
    at: datetime
    to: str
    office: str
    occasion: str
    subject: str
    kind: str


class Judge:
    def __init__(self, weeks: "Weeks") -> None:
        self._weeks = weeks
        self._replaced: dict[int, datetime] = {}
        self._stopped: dict[int, datetime] = {}
        self._closed: set[int] = set()
        self._read: set[int] = set()
        self._told: dict[tuple[str, str, str], set[Wanted]] = defaultdict(set)
        self._said: list[_Said] = []
        self._problems: list[str] = []

    # --- actions of people -----------------------------------------------------------------------------------------------------

    def begun_anew(self, copies: Iterable[int]) -> None:
        now = self._weeks.clock()
        for pk in copies:
            self._replaced[pk] = now
            self._closed.discard(pk)

    def closed(self, copies: Sequence[int]) -> None:
        self._closed |= set(Closing.objects.filter(pk__in=copies).values_list("pk", flat=True))

    def reopened(self, copies: Iterable[int]) -> None:
        self._closed -= set(copies)

    # --- at the end of a day ------------------------------------------------------------------------------------------------------

    def day(self) -> None:
        """Judge the day. Raises AssertionError with every problem so far."""
        self._silence()
        self._closings()
        self._aside()
        self._bursts()
        assert self._problems == [], "\n".join([f"{self._weeks.clock():%Y-%m-%d %H:%M}", *self._problems])

    def since(self, pk: int) -> datetime:
        """Return since when a copy is tried without an action of a person, a hold or a pause."""
        copy = Copy.objects.get(pk=pk)
        return max(at for at in (copy.created_at, self._replaced.get(pk), self._stopped.get(pk)) if at is not None)

    def _silence(self) -> None:
        now = self._weeks.clock()
        stopped = Hold.objects.filter(lifted_at=None).exists() or Run.objects.filter(state="paused").exists()
        told = {
            (notice.office_id, notice.kind, notice.cause)
            for notice in Notice.objects.filter(ended_at=None, told_count__gt=0, kind__in=["failed", "gone"])
        }
        for copy in Copy.objects.filter(state__in=["pending", "failed", "gone"]).select_related("target"):
            if copy.state == "pending":
                if stopped:
                    self._stopped[copy.pk] = now
                elif now - self.since(copy.pk) > LIMIT and all(office != copy.target.office_id for office, _kind, _cause in told):
                    self._wrong(f"copy {copy.pk} waits since {self.since(copy.pk):%d %H:%M} ({copy.reason}, try {copy.tries}), nobody told")
                continue
            is_told = (copy.target.office_id, copy.state, copy.reason) in told
            if not is_told and now - copy.changed_at > TOLD_WITHIN and not self._is_closed(copy):
                self._wrong(f"copy {copy.pk} is {copy.state} ({copy.reason}) since {copy.changed_at:%d %H:%M}, nobody told")

    @staticmethod
    def _is_closed(copy: Copy) -> bool:
        return Closing.objects.filter(pk=copy.pk, at__gte=copy.changed_at).exists()

    def _closings(self) -> None:
        for copy in Copy.objects.filter(pk__in=self._closed):
            if copy.state != "verified" and not (copy.state in ("failed", "gone") and self._is_closed(copy)):
                self._wrong(f"copy {copy.pk} was closed, and is {copy.state} without a word")
                self._closed.discard(copy.pk)

    def _aside(self) -> None:
        """Check that every excluded copy is excluded for a reason that is still valid."""
        for copy in Copy.objects.filter(state="excluded").select_related("target"):
            elsewhere = Copy.objects.filter(recording=copy.recording_id, target=copy.target_id).exclude(pk=copy.pk).exists()
            holds = {"rule_disabled": not copy.target.backed_up, "bucket_changed": elsewhere}
            if not holds.get(copy.reason, True):
                self._wrong(f"copy {copy.pk} is set aside ({copy.reason}) although that is no longer so")

    def _bursts(self) -> None:
        day = self._weeks.clock() - timedelta(days=1)
        sent = Counter(about for _mail, about in {(one.mail, (one.to, one.office, one.kind)) for one in self._said if one.at > day})
        for (to, office, kind), mails in sent.items():
            if mails > MOST_A_DAY:
                self._wrong(f"{to} got {mails} mails about {kind} of {office or 'the company'} within a day")

    # --- text of mails ----------------------------------------------------------------------------------------------------------------

    def mails(self) -> None:
        """Read the mails that were added to the outbox since the last call."""
        for mail in Mail.objects.exclude(pk__in=self._read).order_by("pk"):
            self._read.add(mail.pk)
            self._hear(mail)

    def _hear(self, mail: Mail) -> None:
        letter = letters.from_json(mail.letter)
        said = render(letter, "en", "https://rokuon.example")
        for line in letter.lines:
            self._said.append(_Said(mail.pk, mail.created_at, mail.to, letter.office, letter.occasion, said.subject, line.kind))
            if line.kind in ("failed", "gone") and letter.occasion not in ("ended", "weekly"):
                self._told[letter.office, line.kind, line.cause] |= self._in_state(letter.office, line.kind, line.cause)
        if "Nothing needs to be done" in said.text or ": resolved: " in said.subject:
            for line in letter.lines:
                left = self._told[letter.office, line.kind, line.cause] - self._in_bucket()
                if line.kind in ("failed", "gone") and left:
                    self._wrong(f"{said.subject!r} is said of {len(left)} recordings that are not in the bucket")
        if letter.occasion == "ended":
            for line in letter.lines:
                self._told.pop((letter.office, line.kind, line.cause), None)
        if re.search(r"(All [\d,]+|The only) recordings? (found )?(are|is) in your bucket", f"{said.subject} {said.text}"):
            left = self._not_explained()
            if left:
                self._wrong(f"{said.subject!r} is said while {len(left)} recordings are not in the bucket")

    @staticmethod
    def _in_state(office: str, state: str, reason: str) -> set[Wanted]:
        found = Copy.objects.filter(target__office__name=office, state=state, reason=reason)
        return set(found.values_list("recording_id", "target_id"))

    @staticmethod
    def _in_bucket() -> set[Wanted]:
        return set(Copy.objects.filter(state="verified").values_list("recording_id", "target_id"))

    def _not_explained(self) -> set[Wanted]:
        open_ = Copy.objects.filter(state__in=["pending", "failed", "gone"])
        return {(copy.recording_id, copy.target_id) for copy in open_ if not self._is_closed(copy)} - self._in_bucket()

    def subjects(self, kinds: Sequence[str]) -> list[tuple[str, str]]:
        first = min((one.to for one in self._said), default="")
        return [(one.occasion, one.subject) for one in self._said if one.to == first and one.kind in kinds]

    def _wrong(self, what: str) -> None:
        self._problems.append(what)
