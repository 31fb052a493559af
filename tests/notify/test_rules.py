"""When someone is told: `notify.policy`, over any course of events."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rokuon.notify import policy
from rokuon.notify.models import NoticeKind, Occasion
from rokuon.notify.policy import Seen
from tests.ledger.factory import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Minute:
    """A look at the thing, so many minutes after the one before."""

    after: int
    count: int
    quiet: bool = False
    acknowledge: bool = False


LOOKS = st.lists(
    st.builds(
        Minute,
        after=st.one_of(st.integers(1, 5), st.sampled_from([14, 15, 16, 59, 60, 61, 120, 720, 1440, 4320])),
        count=st.one_of(st.just(0), st.integers(1, 9)),
        quiet=st.booleans(),
        acknowledge=st.booleans(),
    ),
    max_size=60,
)
KINDS = st.sampled_from(list(NoticeKind))


@dataclass(frozen=True)
class Told:
    minute: int
    occasion: Occasion
    count: int
    """As the book would have it: what was true when it was told."""
    acknowledged: bool
    there_for: int
    quiet: bool


class Course:
    """One thing through time, as the book keeps it."""

    def __init__(self, kind: str) -> None:
        self.kind, self.minute, self.said = kind, 0, list[Told]()
        self.notice: Seen | None = None
        self.ended: tuple[int, Seen] | None = None
        self.there_since: int | None = None
        self.openings = 0

    def look(self, at: Minute) -> None:
        self.minute += at.after
        now = NOW + self.minute * MINUTE
        self.there_since = None if not at.count else self.minute if self.there_since is None else self.there_since
        if self.notice is None and at.count:
            self.openings += 1
            if self.ended is not None and self.minute - self.ended[0] < 60:
                self.notice = policy.begun_again(self.ended[1], now)
            else:
                self.notice = Seen(self.kind, True, now)
        if self.notice is None:
            return
        step = policy.decide(self.notice, at.count, now, quiet=at.quiet)
        state = step.now
        for occasion in [step.occasion, Occasion.ESCALATED if step.escalate else None]:
            if occasion is not None:
                state = policy.after_mail(state, occasion, at.count, now)
                there_for = self.minute - (self.there_since if self.there_since is not None else self.minute)
                self.said.append(Told(self.minute, occasion, at.count, self.notice.acknowledged_at is not None, there_for, at.quiet))
        if step.over:
            self.ended, self.notice = (self.minute, state), None
        else:
            self.notice = replace(state, acknowledged_at=now) if at.acknowledge else state


def lived(kind: str, looks: list[Minute]) -> Course:
    course = Course(kind)
    for one in looks:
        course.look(one)
    return course


TELLING = (Occasion.OPENED, Occasion.MORE, Occasion.REMINDER)


@given(KINDS, LOOKS)
def test_c14_a_cause_is_told_at_most_once_an_hour(kind: str, looks: list[Minute]) -> None:
    times = [one.minute for one in lived(kind, looks).said if one.occasion in TELLING]
    assert all(later - earlier >= 60 for earlier, later in pairwise(times))


@given(KINDS, LOOKS)
def test_c14_nothing_is_told_before_it_was_there_for_a_while(kind: str, looks: list[Minute]) -> None:
    gather = policy.GATHER.get(NoticeKind(kind), timedelta(0)) / MINUTE
    assert all(one.there_for >= gather for one in lived(kind, looks).said if one.occasion is Occasion.OPENED)


@given(KINDS, LOOKS)
def test_c15_what_is_acknowledged_or_gone_is_not_reminded_of(kind: str, looks: list[Minute]) -> None:
    reminders = [one for one in lived(kind, looks).said if one.occasion is Occasion.REMINDER]
    assert not [one for one in reminders if one.acknowledged or kind == NoticeKind.GONE]


@given(KINDS, LOOKS)
def test_c15_escalated_are_failures_that_stay_and_once(kind: str, looks: list[Minute]) -> None:
    course = lived(kind, looks)
    escalated = [one for one in course.said if one.occasion is Occasion.ESCALATED]
    assert not escalated or kind == NoticeKind.FAILED
    assert len(escalated) <= course.openings
    told = [one.minute for one in course.said if one.occasion in TELLING]
    assert all(told and told[0] <= one.minute for one in escalated)


@given(KINDS, LOOKS)
def test_c16_an_end_is_told_at_most_once_and_of_what_was_told(kind: str, looks: list[Minute]) -> None:
    known = False
    for one in lived(kind, looks).said:
        if one.occasion is Occasion.ENDED:
            assert known
        known = one.occasion is not Occasion.ENDED


@given(KINDS, LOOKS)
def test_nobody_hears_of_old_recordings_while_the_first_run_runs(kind: str, looks: list[Minute]) -> None:
    said = [one for one in lived(kind, looks).said if one.quiet and one.occasion is not Occasion.ENDED]
    assert not said or kind not in policy.QUIET


@given(st.lists(st.integers(1, 9), min_size=1, max_size=400))
def test_c14_what_grows_all_the_time_is_told_ever_more_seldom(growth: list[int]) -> None:
    total, looks = 0, []
    for one in growth:
        total += one
        looks.append(Minute(10, total))
    times = [one.minute for one in lived(NoticeKind.FAILED, looks).said if one.occasion in (Occasion.OPENED, Occasion.MORE)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap >= min(24 * 60, 60 * 2**number) for number, gap in enumerate(gaps))


def test_what_was_found_again_within_an_hour_of_its_end_says_nothing_before_the_hour_is_over() -> None:
    looks = [Minute(1, 3), Minute(5, 3), *[Minute(1, 0)] * 16, *[Minute(10, 3)] * 5]
    course = lived(NoticeKind.FAILED, looks)
    assert [one.occasion for one in course.said] == [Occasion.OPENED, Occasion.ENDED]
    course.look(Minute(11, 3))
    assert [one.occasion for one in course.said] == [Occasion.OPENED, Occasion.ENDED, Occasion.OPENED]
    assert course.said[2].minute - course.said[1].minute >= 60


def test_what_was_mended_in_part_and_fails_anew_is_told_as_more() -> None:
    course = lived(NoticeKind.GONE, [Minute(1, 9), Minute(5, 9), Minute(5, 1), Minute(60, 4)])
    assert [(one.occasion, one.count) for one in course.said] == [(Occasion.OPENED, 9), (Occasion.MORE, 4)]


def test_what_comes_and_goes_within_moments_is_never_told() -> None:
    flapping = [look for _ in range(100) for look in (Minute(1, 1), Minute(9, 0))]
    assert lived(NoticeKind.HOLD, flapping).said == []


def test_c15_a_failure_is_reminded_of_daily_and_escalated_after_three_days() -> None:
    course = lived(NoticeKind.FAILED, [Minute(1, 3)] * 6 + [Minute(60, 3)] * (24 * 5))
    told = [(one.occasion, one.minute // (24 * 60)) for one in course.said]
    assert told == [
        (Occasion.OPENED, 0),
        (Occasion.REMINDER, 1),
        (Occasion.REMINDER, 2),
        (Occasion.REMINDER, 3),
        (Occasion.ESCALATED, 3),
        (Occasion.REMINDER, 4),
        (Occasion.REMINDER, 5),
    ]


def test_l7_many_that_fail_now_are_not_kept_back_for_the_reminders_of_an_old_one() -> None:
    course = lived(NoticeKind.FAILED, [Minute(1, 1)] * 6 + [Minute(60, 1)] * (24 * 6))
    assert course.said[-1].occasion is Occasion.REMINDER
    course.look(Minute(1, 10_000))
    course.look(Minute(60, 10_000))
    assert (course.said[-1].occasion, course.said[-1].count) == (Occasion.MORE, 10_000)


def test_c15_to_acknowledge_ends_the_reminders_and_not_the_escalation() -> None:
    looks = [Minute(1, 3)] * 6 + [Minute(1, 3, acknowledge=True)] + [Minute(60, 3)] * (24 * 5)
    assert [one.occasion for one in lived(NoticeKind.FAILED, looks).said] == [Occasion.OPENED, Occasion.ESCALATED]
