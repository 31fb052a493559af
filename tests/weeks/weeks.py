"""Weeks of an installation in seconds: automatic work, the actions of two admins, and a judge at the end of each day.

Everything is real except the clock and the worker processes: the ledger, runs, sweeps, tick, notices and the outbox, with the simulated
Dialpad over HTTP and a folder as the bucket. A scenario says what goes wrong and what people do; `days` advances the time.

    weeks = weeks_of()
    weeks.spoil(weeks.victim, kind="truncate")   # Dialpad sends half of this recording from now on
    weeks.days(3, nightly=True)                  # with a Back up now each night, as the guide's timer starts it
    weeks.explain(weeks.victim)                  # Ann closes it
    weeks.days(3, nightly=True)

A new scenario is useful even without assertions: the judge finds recordings that are lost, reported as backed up too early, or waiting
without a notice.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rokuon.accounts.audit import Actor
from rokuon.accounts.models import Membership, Person
from rokuon.actions import failures, runs
from rokuon.actions import settings as settings_by_person
from rokuon.domain import windows
from rokuon.domain.ports import TimeRange
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger import read
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Copy, Hold, Run, Window
from rokuon.ledger.sql import ms
from rokuon.org.models import Target
from rokuon.wiring import notices
from tests.e2e.rig import Rig, small_world
from tests.weeks.judge import Judge

VICTIMS = 4
DAYS_BACK = 30
"""The days that the timer's run lists: more days would test the same and take longer."""

LOOKS = (timedelta(minutes=1), timedelta(minutes=16))
"""Times after an event at which notices are checked: at once, and again when their delays have ended (`notify.policy`)."""

AT_MOST = timedelta(days=1)
"""The longest step of the clock if nothing is due."""

BETWEEN_PROBES = timedelta(hours=8)
"""The step of the clock during a hold. Real probes are more frequent, but the result would be the same."""


class Weeks(Rig):
    """A company with two admins, Ann and Ben. `victims` are some of its call recordings, for scenarios in which recordings fail; the first
    two are also `victim` and `second`."""

    def __init__(self, folder: Path, dsn: str, *, recordings: int = 8, **how: Any) -> None:
        super().__init__(folder, dsn, world=small_world(recordings=recordings, days=3, companies=1), **how)
        self.ann, self.ben = (self._admin(name) for name in ("ann", "ben"))
        self.judge = Judge(self)
        self._bad: list[dict[str, Any]] = []
        ours = [str(it["id"]) for it in self.checker().truth() if it["kind"] == "callrecording" and it["center_id"]]
        self.victims = ours[:VICTIMS]
        assert len(self.victims) == VICTIMS
        self.victim, self.second = self.victims[:2]

    def _admin(self, name: str) -> Actor:
        person = Person.objects.create(email=f"{name}@acme.example", name=name, language="en")
        Membership.objects.create(person=person, company=self.company, role=Membership.Role.COMPANY_ADMIN)
        return Actor(person.email, person)

    # --- what goes wrong ----------------------------------------------------------------------------------------------------------

    def spoil(self, *recordings: str, **action: Any) -> None:
        """Make Dialpad answer these recordings in that way from now on. The default is a redirect to another host, which is refused at the
        first try. Half of the audio is retried for days."""
        wanted = action or {"kind": "redirect", "to": "https://elsewhere.example/audio.mp3"}
        self.sim.faults.load([*self._bad, *({"endpoint": "media_*", "id": one, "action": wanted} for one in recordings)])
        self._bad += [{"endpoint": "media_*", "id": one, "action": wanted} for one in recordings]

    def mend(self) -> None:
        """Make Dialpad answer correctly from now on."""
        self.sim.faults.clear()
        self._bad = []

    def revoke_key(self) -> None:
        """Revoke the company's key."""
        self.sim.keys.revoke(self.sim.keys.of(self.sim.company.id)[-1].secret)

    # --- what people do -----------------------------------------------------------------------------------------------------------

    def ids(self, *recordings: str) -> list[int]:
        """Return the copies of these recordings, without those that a change of the bucket left behind."""
        found = Copy.objects.filter(company=self.company, recording__recording_id__in=recordings).exclude(reason="bucket_changed")
        return list(found.order_by("pk").values_list("pk", flat=True))

    def retry(self, *recordings: str, by: Actor | None = None, which: Which | None = None) -> list[int]:
        begun = failures.retry(self.company, None, which or Which(ids=self.ids(*recordings)), queue, by or self.ann, self.clock())
        done = list(begun.copies) if begun is not None else []
        self.judge.begun_anew(done)
        return done

    def explain(self, *recordings: str, by: Actor | None = None, which: Which | None = None) -> int:
        """Close these recordings."""
        closed = failures.close(
            self.company, None, which or Which(ids=self.ids(*recordings)), "asked for by legal", by or self.ann, self.clock()
        )
        self.judge.closed(self.ids(*recordings))
        return closed

    def reopen(self, *recordings: str, by: Actor | None = None) -> int:
        self.judge.reopened(self.ids(*recordings))
        return failures.reopen(self.company, None, Which(ids=self.ids(*recordings)), by or self.ann, self.clock())

    def pause(self) -> Run:
        """Ann starts Back up now and pauses it before anything was done."""
        run = Run.objects.get(pk=self.start())
        assert runs.pause(run, self.ann, self.clock())
        return run

    def resume(self, run: Run) -> None:
        assert runs.resume(run, queue, self.ben, self.clock())

    def cancel(self, run: Run) -> None:
        assert runs.cancel(run, self.ben, self.clock())

    def rules(self, *, on: bool) -> None:
        """Ben switches every rule off, or on."""
        every = list(Target.objects.filter(company=self.company).select_related("office"))
        settings_by_person.change_rules(self.company, every if on else [], [] if on else every, queue, self.ben, self.clock())

    def change_bucket(self, name: str) -> None:
        folder = self.folder / "inst" / "buckets" / name
        folder.mkdir()
        self.use_bucket(folder.as_uri())
        self.company.refresh_from_db()

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def days(self, count: int, *, nightly: bool = False) -> None:
        """Let this number of days pass and judge each; with `nightly`, a timer starts Back up now at the end of each day."""
        for _ in range(count):
            night = self.clock() + timedelta(days=1)
            while (now := self.clock()) < night:
                self._until(min(self._next(now), night))
            if nightly:
                self._night()
            self.judge.day()

    def _night(self) -> None:
        now = ms(self.clock())
        self.start(wanted=TimeRange(now - DAYS_BACK * windows.DAY_MS, now))
        self.drain()
        self._look()

    def _next(self, now: datetime) -> datetime:
        """Return when something is due next."""
        if Hold.objects.filter(lifted_at=None).exists():
            return now + BETWEEN_PROBES
        if read.companies_with_due_copies(now):
            return now
        waiting = [
            *Copy.objects.filter(state="pending", due_at__gt=now).values_list("due_at", flat=True),
            *Window.objects.filter(state="waiting", due_at__gt=now).values_list("due_at", flat=True),
        ]
        return min([now + AT_MOST, *(at + timedelta(seconds=1) for at in waiting)])

    def _until(self, moment: datetime) -> None:
        self.advance(seconds=max(1.0, (moment - self.clock()).total_seconds()))
        before = dict(Hold.objects.values_list("pk", "probes"))
        tick(self.clock())
        self.judge.mails()
        self._probe(before)
        self.drain()
        self._look()

    def _look(self) -> None:
        for later in LOOKS:
            self.advance(seconds=later.total_seconds())
            notices.watch(self.clock(), queue)
            self.judge.mails()

    # --- looking ------------------------------------------------------------------------------------------------------------------

    def state(self, recording: str) -> str:
        """Return the states of its copies, one word if they are all equal."""
        return " ".join(sorted(set(Copy.objects.filter(pk__in=self.ids(recording)).values_list("state", flat=True))))

    def subjects(self, *kinds: str) -> list[tuple[str, str]]:
        """Return (occasion, subject) of every mail so far about these kinds of notices, to the first recipient."""
        return self.judge.subjects(kinds or ("failed", "gone"))
