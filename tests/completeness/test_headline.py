"""The one sentence: "all" only where every day is listed, every entry read, and every recording in the bucket."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.base.i18n import speaking
from rokuon.completeness.headline import HeadlineFacts, headline, share
from rokuon.completeness.lacks import Lacks, days_of
from rokuon.completeness.unknown import Unknown
from rokuon.ledger.tally import Counts, StateCount
from rokuon.ledger.unlisted import Gap

JULY = (date(2026, 7, 1), date(2026, 7, 29))
REFUSED = Unknown(3, {7: 29}, gaps=(Gap(7, *JULY, "source_request_refused"),))
NEVER = Unknown(
    11, {8: 730, 9: 730}, never=frozenset({8, 9}), gaps=(Gap(8, *JULY, "days_never_listed"), Gap(9, *JULY, "days_never_listed"))
)
UNTRIED = Unknown(3, {7: 29}, gaps=(Gap(7, *JULY, "days_never_listed"),))
COMING = Unknown(3, {7: 29}, {7: 29}, gaps=(Gap(7, *JULY, ""),))
UNREAD = Unknown(3, unreadable=1)
CASES = {
    "refused": Lacks.of(REFUSED),
    "never": Lacks.of(NEVER),
    "untried": Lacks.of(UNTRIED),
    "coming": Lacks.of(COMING),
    "unread": Lacks.of(UNREAD),
}
SAFE = Counts(verified=23)


def lacking(targets: int, **missing: Any) -> Lacks:
    return Lacks.of(Unknown(targets, **missing))


@pytest.mark.parametrize(
    ("case", "severity", "sentence"),
    [
        ("refused", "failed", "The calls of 29 days could not be listed from end to end"),
        ("never", "waiting", "2 of 11 contact centers and coaching teams were never listed"),
        ("untried", "waiting", "The calls of 29 days were not listed from end to end yet"),
        ("coming", "waiting", "The calls of 29 days are about to be listed"),
        ("unread", "failed", "1 entry of Dialpad's call list could not be read"),
    ],
)
def test_what_is_not_known_is_the_headline(case: str, severity: str, sentence: str) -> None:
    said = headline(HeadlineFacts(SAFE, CASES[case]))
    assert (said.severity, said.sentence, said.wrong) == (severity, sentence, True)
    assert said.more.endswith("The 23 recordings found so far are in your bucket, verified.")


def test_where_everything_is_known_and_safe_it_says_all() -> None:
    said = headline(HeadlineFacts(SAFE, lacking(3)))
    assert (said.severity, said.sentence, said.wrong) == ("verified", "All 23 recordings are in your bucket", False)
    assert "Calls from before 2026-11-01 were not asked for." in headline(HeadlineFacts(SAFE, lacking(3, since=date(2026, 11, 1)))).added


@pytest.mark.parametrize("language", ["en", "ja"])
@given(
    verified=st.integers(0, 3),
    pending=st.integers(0, 2),
    failed=st.integers(0, 2),
    gone=st.integers(0, 2),
    closed=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    unnamed=st.integers(0, 1),
    held=st.booleans(),
    lacks=st.sampled_from([lacking(3), lacking(3, explained=2), *CASES.values(), Lacks.of(replace(NEVER, unreadable=2))]),
)
def test_nothing_says_all_while_something_is_not_known(
    language: str,
    verified: int,
    pending: int,
    failed: int,
    gone: int,
    closed: tuple[int, int],
    unnamed: int,
    held: bool,
    lacks: Lacks,
) -> None:
    counts = Counts(verified=verified, pending=pending, failed=failed, gone=gone)
    closed = min(closed[0], failed), min(closed[1], gone)
    facts = HeadlineFacts(counts, lacks, failed, unnamed, held, *closed)
    with speaking(language):
        said = headline(facts)
    everything = " ".join((said.sentence, *said.added))
    if lacks or lacks.explained or pending or failed or gone or unnamed:
        assert not {"All", "all"} & {word.strip(".") for word in everything.split()}
        assert "すべて" not in everything
        assert "100" not in everything
    assert said.wrong is bool(lacks or failed > closed[0] or gone > closed[1] or unnamed)
    assert (said.severity == "verified") <= (not said.wrong and not pending)
    assert (share(counts, lacks) == "100") is (verified > 0 and not (lacks or lacks.explained or pending or failed or gone))


def test_days_are_counted_once_however_many_targets_lack_them() -> None:
    gaps = [Gap(1, date(2026, 7, 1), date(2026, 7, 10), ""), Gap(2, date(2026, 7, 5), date(2026, 7, 12), ""), Gap(3, *JULY, "")]
    assert days_of(gaps[:2]) == 12
    assert days_of(gaps) == 29
    assert days_of([Gap(1, date(2026, 7, 1), date(2026, 7, 1), ""), Gap(1, date(2026, 7, 3), date(2026, 7, 3), "")]) == 2


def test_an_entry_that_was_closed_unread_ends_the_alarm_and_is_still_said() -> None:
    said, counts = headline(HeadlineFacts(SAFE, lacking(3, explained=1))), SAFE
    assert (said.severity, said.sentence, said.wrong) == ("verified", "The 23 recordings found are in your bucket", False)
    assert "1 entry that could not be read is closed with a note." in said.added
    assert share(counts, lacking(3, explained=1)) == "–"


def test_what_dialpad_lost_is_the_headline_until_a_person_closes_it() -> None:
    counts = Counts(verified=22, gone=1)
    said = headline(HeadlineFacts(counts, lacking(3)))
    assert (said.severity, said.sentence, said.wrong) == ("failed", "1 recording was gone at Dialpad before it was backed up", True)
    assert "The other 22 are in your bucket, verified." in said.added
    said = headline(HeadlineFacts(counts, lacking(3), closed_gone=1))
    assert (said.severity, said.sentence, said.wrong) == ("verified", "The 22 recordings found are in your bucket", False)
    assert "1 recording that is not in your bucket is closed with a note." in said.added
    assert share(counts, lacking(3)) == "95.65"


def test_what_failed_and_was_closed_ends_the_alarm_and_is_still_said() -> None:
    counts = Counts(verified=20, failed=3)
    said = headline(HeadlineFacts(counts, lacking(3), causes=1, closed_failed=2))
    assert (said.severity, said.sentence, said.wrong) == ("failed", "1 recording is not backed up", True)
    assert "2 recordings that are not in your bucket are closed with a note." in said.added
    said = headline(HeadlineFacts(counts, lacking(3), closed_failed=3))
    assert (said.severity, said.sentence, said.wrong) == ("verified", "The 20 recordings found are in your bucket", False)


def test_while_a_recorded_call_has_nothing_to_fetch_no_command_ends_with_0() -> None:
    said = headline(HeadlineFacts(SAFE, lacking(3), unnamed=2))
    assert (said.severity, said.sentence, said.wrong) == ("waiting", "The 23 recordings that Dialpad lists are in your bucket", True)


def test_a_cause_counts_while_one_of_its_recordings_is_not_explained() -> None:
    day = date(2026, 7, 1)
    causes = [StateCount("failed", reason, copies, 0, 0, 1, day, day) for reason, copies in (("a", 3), ("b", 2))]
    causes.append(StateCount("gone", "c", 1, 0, 0, 1, day, day))
    facts = HeadlineFacts.of(causes, {("failed", "a"): 3, ("failed", "b"): 1, ("gone", "c"): 1}, Unknown(), 0, held=False)
    assert (facts.causes, facts.failed, facts.gone, facts.closed) == (1, 1, 0, 5)


def test_a_recording_that_fails_while_the_counts_are_read_makes_no_count_negative() -> None:
    facts = HeadlineFacts(Counts(verified=3), lacking(3), closed_failed=1, closed_gone=1)
    assert (facts.failed, facts.gone) == (0, 0)
    assert headline(facts).severity == "verified"
