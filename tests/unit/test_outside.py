"""Which recorded calls are outside every rule, and whose they are."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.classify import ALWAYS_BACKED_UP, Classifier
from rokuon.domain.legs import id_order, inherits, named_targets
from rokuon.domain.outside import Line, LineKind, OutsideCall
from rokuon.domain.recording import ListedCall, Party, RecordingKind, Scope, ScopeKind
from tests.unit.test_classify import (
    ANN,
    BOB,
    OFFICE,
    SALES,
    SALES_SCOPE,
    SUPPORT,
    TEAM_SCOPE,
    TRAINEES,
    conversation,
    leg,
    rec,
)

Counts = dict[tuple[str, str], tuple[int, int]]
CARE = Party("department", "30", "Care")
RULED = {SALES_SCOPE, TEAM_SCOPE}


def counted(found: Iterable[OutsideCall]) -> Counts:
    """(kind, id) -> (calls, recordings)."""
    calls, recordings = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one in found:
        calls[one.line.kind.value, one.line.id] += not one.again
        recordings[one.line.kind.value, one.line.id] += one.recordings
    return {line: (calls[line], recordings[line]) for line in calls}


def outside(calls: Sequence[ListedCall], *ruled: Scope, kinds: Iterable[RecordingKind] = ALWAYS_BACKED_UP) -> list[OutsideCall]:
    classifier = Classifier((), TRAINEES, kinds=set(kinds), ruled=set(ruled or RULED))
    classifier.take(calls)
    classifier.finish()
    return classifier.outside()


# --- which calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("party", "line"),
    [
        (SUPPORT, Line(LineKind.CONTACT_CENTER, "20")),
        (CARE, Line(LineKind.DEPARTMENT, "30")),
        (OFFICE, Line(LineKind.OFFICE, "5")),
        (ANN, Line(LineKind.USER, "1")),
        (Party("room", "9", "Lobby"), Line(LineKind.ROOM, "9")),
        (Party("staffgroup", "8", "Night"), Line(LineKind.UNKNOWN, "8")),
        (None, Line(LineKind.UNKNOWN, "")),
    ],
)
def test_a_recorded_call_without_a_rule_is_counted_under_its_line(party: Party | None, line: Line) -> None:
    (found,) = outside([leg("1", 0, party, rec("r"), rec("s"))])
    assert (found.line, found.recordings, found.line.name) == (line, 2, party.name if party else "")


@pytest.mark.parametrize("party", [SALES, BOB])
def test_a_call_of_a_target_with_a_rule_is_not_outside(party: Party) -> None:
    assert outside([leg("1", 0, party, rec("r"))]) == []


def test_a_call_that_was_not_recorded_is_not_counted() -> None:
    assert outside([leg("1", 0, CARE)]) == []


def test_a_recorded_call_that_names_no_recording_is_counted_as_a_call() -> None:
    assert counted(outside([leg("1", 0, CARE, was_recorded=True)])) == {("department", "30"): (1, 0)}


def test_voicemail_counts_only_where_the_company_backs_it_up() -> None:
    calls = [leg("1", 0, ANN, rec("r", RecordingKind.VOICEMAIL))]
    assert outside(calls) == []
    assert counted(outside(calls, kinds=list(RecordingKind))) == {("user", "1"): (1, 1)}


def test_the_agents_leg_counts_for_the_department_and_not_for_the_person() -> None:
    group = leg("1", 0, CARE, operator_call_id="2", was_recorded=True)
    assert counted(outside([group, leg("2", 1, ANN, rec("r"), entry_point_call_id="1")])) == {("department", "30"): (1, 1)}


def test_a_contact_center_without_a_rule_goes_before_the_main_line_that_the_caller_dialled() -> None:
    assert counted(outside([leg("1", 0, SUPPORT, rec("r"), entry_point_target=OFFICE)])) == {("callcenter", "20"): (1, 1)}


def test_an_agents_leg_of_a_center_with_a_rule_is_inside() -> None:
    assert outside([leg("1", 0, SALES, operator_call_id="2"), leg("2", 1, ANN, rec("r"))]) == []


def test_the_personal_call_that_was_passed_on_to_a_center_stays_outside_as_no_folder_gets_it() -> None:
    personal, onward = leg("1", 0, ANN, rec("r")), leg("2", 10, SALES, rec("s"), entry_point_call_id="1")
    assert counted(outside([personal, onward])) == {("user", "1"): (1, 1)}


def test_a_recording_of_several_legs_counts_once_and_not_if_one_of_them_has_a_rule() -> None:
    shared = rec("r")
    assert counted(outside([leg("1", 0, CARE, shared), leg("2", 1, ANN, shared, entry_point_call_id="1")])) == {
        ("department", "30"): (1, 1)
    }
    assert outside([leg("1", 0, ANN, shared), leg("2", 1, SALES, shared)]) == []


def test_a_group_without_a_name_has_the_name_that_another_leg_gives_it() -> None:
    (found,) = outside([leg("2", 1, ANN, rec("r"), group=Party("department", "30"), entry_point_call_id="1"), leg("1", 0, CARE)])
    assert found.line.name == "Care"


def test_without_the_rules_nothing_is_looked_for() -> None:
    classifier = Classifier({SALES_SCOPE}, {})
    classifier.feed([leg("1", 0, CARE, rec("r"))])
    classifier.finish()
    assert classifier.outside() == []


# --- by definition ----------------------------------------------------------------------------------------------------


def directly(calls: Sequence[ListedCall]) -> Counts:
    """The counts by definition: every call beside every other, with no page and no memory."""

    def below(one: ListedCall) -> list[ListedCall]:
        return [other for other in calls if other.id != one.id and inherits(one, other)]

    def inside(one: ListedCall) -> bool:
        centers = {scope for other in below(one) for scope in named_targets(other, {}) if scope.kind is ScopeKind.CONTACT_CENTER}
        return bool((named_targets(one, TRAINEES) | centers) & RULED)

    def names(one: ListedCall) -> set[str]:
        return {one.entry_point_call_id, one.operator_call_id, one.master_call_id} - {""}

    def linked(one: ListedCall) -> list[ListedCall]:
        return [other for other in calls if one.id in names(other) or other.id in names(one)]

    def line(one: ListedCall) -> tuple[str, str]:
        found = [party for leg in (one, *below(one)) for party in (leg.target, leg.entry_point_target, leg.group) if party]
        ranks = ["callcenter", "coachingteam", "department", "office", "user"]
        return min(((party.type, party.id) for party in found), key=lambda known: ranks.index(known[0]))

    keepers: dict[str, set[str]] = {}
    for kind, recording in {(entry.kind, entry.id) for one in calls for entry in one.recordings}:
        legs = [one for one in calls if (kind, recording) in {(entry.kind, entry.id) for entry in one.recordings}]
        if kind in ALWAYS_BACKED_UP and not any(inside(one) for one in legs):
            keepers.setdefault(min(legs, key=lambda one: (one.started_ms, id_order(one.id))).id, set()).add(recording)
    for one in calls:
        if one.was_recorded and not inside(one) and not any(other.recordings for other in (one, *linked(one))):
            keepers.setdefault(one.id, set())
    found: Counts = {}
    by_id = {one.id: one for one in calls}
    for call_id, recordings in keepers.items():
        sums = found.get(line(by_id[call_id]), (0, 0))
        found[line(by_id[call_id])] = (sums[0] + 1, sums[1] + len(recordings))
    return found


def drawn(seed: int, conversations: int) -> list[ListedCall]:
    rng = random.Random(seed)
    return [call for number in range(1, conversations + 1) for call in conversation(rng, number)]


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_the_order_within_a_batch_does_not_matter(seed: int, conversations: int) -> None:
    calls = drawn(seed, conversations)
    shuffled = calls + calls[:3]
    random.Random(seed).shuffle(shuffled)
    assert counted(outside(shuffled)) == directly(calls)
