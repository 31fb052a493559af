"""Which targets a call belongs to, which leg keeps a recording, and whose name it carries."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.classify import NOTHING_YET, WAIT_FOR_LEGS_MS, Classified, Classifier, classify
from rokuon.domain.recording import ListedCall, ListedRecording, Party, RecordingKind, Scope, ScopeKind

SALES, SUPPORT = Party("callcenter", "10", "Sales"), Party("callcenter", "20", "Support")
SALES_SCOPE, SUPPORT_SCOPE = Scope(ScopeKind.CONTACT_CENTER, "10"), Scope(ScopeKind.CONTACT_CENTER, "20")
TEAM_SCOPE = Scope(ScopeKind.COACHING_TEAM, "70")
ANN, BOB = Party("user", "1", "Ann"), Party("user", "2", "Bob")
OFFICE = Party("office", "5", "Tokyo")
TRAINEES = {"2": {"70"}}
MINUTE = 60_000
T0 = 1_775_000_000_000


def rec(
    recording_id: str, kind: RecordingKind = RecordingKind.CALL, duration_ms: int | None = 1000, url: str = "https://dialpad.com/r/1"
) -> ListedRecording:
    return ListedRecording(kind, recording_id, url, None, duration_ms)


def leg(
    call_id: str, at: int = 0, target: Party | None = None, *recordings: ListedRecording, was_recorded: bool = False, **links: object
) -> ListedCall:
    return ListedCall(call_id, T0 + at, T0 + at + 60_000, was_recorded, target, recordings=recordings, **links)  # type: ignore[arg-type]


def sorted_out(calls: Sequence[ListedCall], *backed_up: Scope) -> list[Classified]:
    return classify(calls, set(backed_up or (SALES_SCOPE, SUPPORT_SCOPE, TEAM_SCOPE)), TRAINEES)


def kept(rows: Iterable[Classified]) -> dict[tuple[Scope, str], tuple[str, str | None]]:
    """(target, recording id) -> (call id, agent)."""
    return {(row.target, entry.id): (entry.call_id, entry.agent) for row in rows for entry in row.recordings}


# --- belonging --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["entry_point_target", "proxy_target", "group"])
def test_a_call_belongs_to_a_center_that_it_names_anywhere(field: str) -> None:
    assert kept(sorted_out([leg("1", 0, ANN, rec("r"), **{field: SALES})])) == {(SALES_SCOPE, "r"): ("1", "Ann")}


def test_a_call_belongs_to_the_center_that_it_went_to() -> None:
    assert kept(sorted_out([leg("1", 0, SALES, rec("r"))])) == {(SALES_SCOPE, "r"): ("1", None)}


def test_a_center_that_is_not_backed_up_gets_nothing() -> None:
    assert sorted_out([leg("1", 0, SALES, rec("r"))], SUPPORT_SCOPE) == []
    assert sorted_out([leg("1", 0, OFFICE, rec("r")), leg("2", 0, ANN, rec("s"))]) == []


def test_a_trainees_call_belongs_to_the_team_and_a_coachs_does_not() -> None:
    assert kept(sorted_out([leg("1", 0, BOB, rec("r")), leg("2", 0, ANN, rec("s"))])) == {(TEAM_SCOPE, "r"): ("1", "Bob")}
    assert kept(sorted_out([leg("1", 0, Party("coachingteam", "70"), rec("r"))])) == {(TEAM_SCOPE, "r"): ("1", None)}


def test_a_trainees_call_for_a_center_belongs_to_both() -> None:
    rows = sorted_out(
        [leg("1", 0, SALES, operator_call_id="2"), leg("2", 500, BOB, rec("r", RecordingKind.ADMIN), entry_point_call_id="1")]
    )
    assert kept(rows) == {(SALES_SCOPE, "r"): ("2", "Bob"), (TEAM_SCOPE, "r"): ("2", "Bob")}


@pytest.mark.parametrize(
    ("group_links", "agent_links"),
    [
        ({}, {"entry_point_call_id": "1"}),
        ({"operator_call_id": "2"}, {}),
        ({}, {"operator_call_id": "1"}),
        ({}, {"master_call_id": "1"}),
        ({"master_call_id": "2"}, {}),
        ({"master_call_id": "9"}, {"master_call_id": "9"}),
    ],
)
def test_an_agents_leg_belongs_to_the_center_through_any_link(group_links: dict[str, str], agent_links: dict[str, str]) -> None:
    calls = [leg("1", 0, SALES, **group_links), leg("2", 500, ANN, rec("r", RecordingKind.ADMIN), **agent_links)]
    assert kept(sorted_out(calls)) == {(SALES_SCOPE, "r"): ("2", "Ann")}
    assert kept(sorted_out(calls[::-1])) == {(SALES_SCOPE, "r"): ("2", "Ann")}


def test_every_agents_leg_of_a_transferred_call_belongs_to_the_center() -> None:
    calls = [
        leg("1", 0, SALES, rec("whole"), operator_call_id="2"),
        leg("2", 500, ANN, rec("a", RecordingKind.ADMIN), entry_point_call_id="1"),
        leg("3", 90_000, BOB, rec("b", RecordingKind.ADMIN), entry_point_call_id="1"),
    ]
    assert kept(sorted_out(calls, SALES_SCOPE)) == {
        (SALES_SCOPE, "whole"): ("1", "Ann"),
        (SALES_SCOPE, "a"): ("2", "Ann"),
        (SALES_SCOPE, "b"): ("3", "Bob"),
    }


def test_a_transfer_between_two_centers_keeps_what_came_before_out_of_the_second() -> None:
    calls = [
        leg("1", 0, SALES, rec("first"), operator_call_id="2"),
        leg("2", 500, ANN, entry_point_call_id="1"),
        leg("3", 90_000, SUPPORT, rec("second"), entry_point_call_id="1", operator_call_id="4"),
        leg("4", 91_000, BOB, entry_point_call_id="3"),
    ]
    recordings = kept(sorted_out(calls, SALES_SCOPE, SUPPORT_SCOPE))
    assert recordings == {
        (SALES_SCOPE, "first"): ("1", "Ann"),
        (SALES_SCOPE, "second"): ("3", "Bob"),
        (SUPPORT_SCOPE, "second"): ("3", "Bob"),
    }


def test_a_personal_call_that_a_user_transferred_to_a_center_stays_personal() -> None:
    calls = [leg("1", 0, ANN, rec("personal")), leg("2", 60_000, SALES, rec("r"), entry_point_call_id="1", entry_point_target=ANN)]
    assert {recording for _, recording in kept(sorted_out(calls))} == {"r"}


def test_what_is_linked_to_a_trainees_call_is_not_the_teams() -> None:
    calls = [leg("1", 0, BOB, rec("b")), leg("2", 500, ANN, rec("a"), entry_point_call_id="1")]
    assert kept(sorted_out(calls)) == {(TEAM_SCOPE, "b"): ("1", "Bob")}
    calls = [leg("1", 0, Party("coachingteam", "70"), rec("t")), leg("2", 500, ANN, rec("a"), entry_point_call_id="1")]
    assert {recording for _, recording in kept(sorted_out(calls))} == {"t"}


# --- one recording, one keeper ----------------------------------------------------------------------------------------


def test_a_recording_under_two_legs_is_one_kept_under_the_group_leg() -> None:
    calls = [
        leg("2", 500, ANN, rec("r", RecordingKind.ADMIN, 700), entry_point_call_id="1"),
        leg("1", 600, SALES, rec("r", RecordingKind.ADMIN, None, ""), operator_call_id="2"),
    ]
    rows = sorted_out(calls)
    (entry,) = [entry for row in rows for entry in row.recordings]
    assert (entry.call_id, entry.agent, entry.duration_ms, entry.url) == ("1", "Ann", 700, "https://dialpad.com/r/1")
    assert [(row.call_id, row.listed, len(row.recordings)) for row in rows] == [("1", 1, 1), ("2", 1, 0)]


def test_without_a_group_leg_the_earliest_and_then_the_smallest_id_keeps_the_recording() -> None:
    named = {"entry_point_target": SALES}
    calls = [leg("30", 5, ANN, rec("r"), **named), leg("4", 0, ANN, rec("r"), **named), leg("10", 0, BOB, rec("r"), **named)]
    assert kept(sorted_out(calls, SALES_SCOPE)) == {(SALES_SCOPE, "r"): ("4", "Ann")}


def test_one_id_in_two_kinds_is_two_recordings() -> None:
    (row,) = sorted_out([leg("1", 0, SALES, rec("r"), rec("r", RecordingKind.ADMIN), rec("r"))])
    assert [(entry.kind, entry.id) for entry in row.recordings] == [(RecordingKind.ADMIN, "r"), (RecordingKind.CALL, "r")]
    assert row.listed == 2


def test_voicemail_is_shown_and_excluded_unless_chosen() -> None:
    calls = [leg("1", 0, SALES, rec("r"), rec("v", RecordingKind.VOICEMAIL))]
    (row,) = sorted_out(calls)
    assert {entry.id: entry.excluded for entry in row.recordings} == {"r": False, "v": True}
    (row,) = classify(calls, {SALES_SCOPE}, {}, kinds=set(RecordingKind))
    assert not any(entry.excluded for entry in row.recordings)


def test_recorded_but_nothing_to_fetch_is_visible() -> None:
    rows = sorted_out([leg("1", 0, SALES, was_recorded=True), leg("2", 0, SALES), leg("3", 0, SALES, rec("r"), was_recorded=True)])
    assert {row.call_id: row.details_missing for row in rows} == {"1": True, "2": False, "3": False}


# --- the agent --------------------------------------------------------------------------------------------------------


def test_the_name_is_the_operators_before_any_other_leg() -> None:
    calls = [
        leg("1", 0, SALES, rec("r"), operator_call_id="3"),
        leg("2", 500, ANN, entry_point_call_id="1"),
        leg("3", 900, BOB, entry_point_call_id="1"),
    ]
    assert kept(sorted_out(calls, SALES_SCOPE))[SALES_SCOPE, "r"] == ("1", "Bob")


def test_without_an_operator_the_name_is_the_first_leg_below_that_was_recorded_else_the_first() -> None:
    rang, talked = leg("2", 500, ANN, entry_point_call_id="1"), leg("3", 900, BOB, entry_point_call_id="1", was_recorded=True)
    group = leg("1", 0, SALES, rec("r"))
    assert kept(sorted_out([group, rang, talked], SALES_SCOPE))[SALES_SCOPE, "r"] == ("1", "Bob")
    both_rang = [group, rang, leg("3", 500, BOB, entry_point_call_id="1")]
    assert kept(sorted_out(both_rang, SALES_SCOPE))[SALES_SCOPE, "r"] == ("1", "Ann")


def test_an_operators_leg_that_was_not_listed_is_reported() -> None:
    (row,) = sorted_out([leg("1", 0, SALES, rec("r"), operator_call_id="2")])
    assert row.agent_leg_missing
    assert row.recordings[0].agent_leg_missing
    assert row.recordings[0].agent is None
    (row,) = sorted_out([leg("1", 0, SALES, rec("r"))])
    assert not row.agent_leg_missing
    (row,) = sorted_out([leg("1", 0, ANN, rec("r"), group=SALES, operator_call_id="2")])
    assert not row.agent_leg_missing


def test_a_nameless_user_is_nobody() -> None:
    assert kept(sorted_out([leg("1", 0, Party("user", "1"), rec("r"), group=SALES)]))[SALES_SCOPE, "r"] == ("1", None)


# --- page by page -----------------------------------------------------------------------------------------------------


def paged(calls: Iterable[ListedCall], size: int) -> list[list[ListedCall]]:
    newest_first = sorted(calls, key=lambda call: -call.started_ms)
    return [newest_first[at : at + size] for at in range(0, len(newest_first), size)]


ALL = {SALES_SCOPE, SUPPORT_SCOPE, TEAM_SCOPE}


@pytest.mark.parametrize("said", ["", " ", "\u200b", "\u3000"])
def test_an_agent_whose_leg_says_no_name_is_called_as_the_directory_calls_them(said: str) -> None:
    nameless = replace(ANN, name=said)
    names = {ANN.id: "Ann of the directory"}
    own = [leg("2", 500, nameless, rec("r"), entry_point_call_id="1"), leg("1", 0, SALES)]
    operator = [leg("2", 500, nameless), leg("1", 0, SALES, rec("r"), operator_call_id="2")]
    below = [leg("2", 500, nameless, entry_point_call_id="1"), leg("1", 0, SALES, rec("r"))]
    for calls in (own, operator, below):
        classifier = Classifier({SALES_SCOPE}, {}, names=names)
        classifier.take(calls)
        assert classifier.unclear() <= ({"1"} if calls is below else set()), "who only rang may not have answered"
        assert {entry.agent for row in classifier.finish() for entry in row.recordings} == {"Ann of the directory"}


def test_the_name_that_a_leg_says_goes_before_the_directorys_and_a_stranger_has_none() -> None:
    calls = [leg("2", 500, ANN, rec("r"), entry_point_call_id="1"), leg("1", 0, SALES)]
    (row,) = [row for row in classify(calls, {SALES_SCOPE}, {}, names={ANN.id: "Ann since her marriage"}) if row.recordings]
    assert row.recordings[0].agent == "Ann"
    stranger = [leg("2", 500, replace(ANN, id="404", name=""), rec("r"), entry_point_call_id="1"), leg("1", 0, SALES)]
    classifier = Classifier({SALES_SCOPE}, {}, names={ANN.id: "Ann"})
    classifier.take(stranger)
    assert "2" in classifier.unclear()
    assert {entry.agent for row in classifier.finish() for entry in row.recordings} == {None}


def test_a_room_is_not_looked_up_among_people() -> None:
    room = replace(ANN, type="room", name="")
    (row,) = [
        row for row in classify([leg("2", 0, room, rec("r"), group=SALES)], {SALES_SCOPE}, {}, names={ANN.id: "Ann"}) if row.recordings
    ]
    assert row.recordings[0].agent is None


def test_an_agents_leg_waits_for_the_group_leg_of_the_next_page() -> None:
    classifier = Classifier(ALL, TRAINEES)
    assert classifier.mark_ms == NOTHING_YET
    assert classifier.feed([leg("2", 500, ANN, rec("r"), entry_point_call_id="1")]) == []
    assert classifier.feed([leg("1", 0, SALES, rec("r"), operator_call_id="2")]) == []
    assert kept(classifier.finish()) == {(SALES_SCOPE, "r"): ("1", "Ann")}


def test_a_call_is_handed_out_when_the_listing_has_gone_on_for_a_quarter_of_an_hour() -> None:
    classifier = Classifier(ALL, TRAINEES)
    assert classifier.feed([leg("9", 0, SALES, rec("r"))]) == []
    assert classifier.feed([leg("8", -15 * MINUTE, ANN)]) == []
    assert kept(classifier.feed([leg("7", -15 * MINUTE - 1, ANN)])) == {(SALES_SCOPE, "r"): ("9", None)}
    assert classifier.mark_ms == T0 - 15 * MINUTE + WAIT_FOR_LEGS_MS + 1
    assert classifier.finish() == []


def test_an_agents_leg_waits_longer_for_an_entry_point_that_is_still_to_come() -> None:
    classifier = Classifier(ALL, TRAINEES)
    classifier.feed([leg("9", 0, ANN, rec("r"), entry_point_call_id="1", entry_point_target=SALES)])
    assert classifier.feed([leg("5", -60 * MINUTE, ANN)]) == []
    classifier.feed([leg("1", -90 * MINUTE, SALES, rec("r"), operator_call_id="9")])
    assert kept(classifier.finish()) == {(SALES_SCOPE, "r"): ("1", "Ann")}


def test_a_leg_that_turns_out_to_be_a_centers_too_late_is_handed_out_then() -> None:
    classifier = Classifier(ALL, TRAINEES)
    assert classifier.feed([leg("9", 0, BOB, rec("r", RecordingKind.ADMIN)), leg("5", -30 * MINUTE, ANN)])[0].target == TEAM_SCOPE
    late = classifier.feed([leg("1", -40 * MINUTE, SALES, rec("w"), operator_call_id="9")]) + classifier.finish()
    assert kept(late) == {(SALES_SCOPE, "r"): ("9", "Bob"), (SALES_SCOPE, "w"): ("1", "Bob")}


def test_a_call_that_comes_again_is_handed_out_once_and_again_when_it_has_more() -> None:
    classifier = Classifier(ALL, TRAINEES)
    classifier.feed([leg("9", 0, SALES, rec("r")), leg("5", -30 * MINUTE, ANN)])
    assert classifier.feed([leg("9", 0, SALES, rec("r"))]) == []
    (row,) = classifier.feed([leg("9", 0, SALES, rec("r"), rec("s"))])
    assert ([entry.id for entry in row.recordings], row.listed) == (["s"], 2)


def test_memory_stays_bounded_and_nothing_is_lost_past_the_bound() -> None:
    classifier = Classifier(ALL, TRAINEES, max_legs=100)
    rows = []
    for number in range(2_000, 0, -1):
        rows += classifier.feed([leg(str(number), number, SALES, rec(f"r{number}"), entry_point_call_id="missing")])
        assert len(classifier._legs) <= 100
        assert len(classifier._handed_out) <= 100
    rows += classifier.finish()
    assert len(kept(rows)) == 2_000


USERS = [ANN, BOB, Party("user", "3", "Cho")]


def conversation(rng: random.Random, number: int) -> list[ListedCall]:
    """A call to a center with its agents' legs as they appear in listings: links, parties and recordings vary."""
    start = rng.randrange(0, 6 * 60 * MINUTE)
    center = rng.choice([SALES, SUPPORT, OFFICE])
    group_id = f"{number}0"
    agents = rng.sample(USERS, rng.randrange(0, 3))
    ids = [f"{number}{place}" for place in range(1, len(agents) + 1)]
    shared = rec(f"s{number}")
    group = leg(
        group_id,
        start,
        center,
        *[entry for entry in (shared, rec(f"g{number}"), rec(f"v{number}", RecordingKind.VOICEMAIL)) if rng.random() < 0.5],
        operator_call_id=rng.choice([*ids, ""]),
        was_recorded=rng.random() < 0.5,
    )
    legs = [group]
    for place, (call_id, agent) in enumerate(zip(ids, agents, strict=True)):
        entries = [entry for entry in (shared, rec(f"a{call_id}", RecordingKind.ADMIN)) if rng.random() < 0.5]
        links: dict[str, object] = {"entry_point_call_id": group_id} if rng.random() < 0.8 else {"group": center}
        legs.append(leg(call_id, start + rng.randrange(0, 14 * MINUTE) + place, agent, *entries, **links))
    return legs


@given(st.integers(0, 10**9), st.integers(1, 25), st.integers(1, 20))
def test_pages_give_what_the_whole_batch_gives(seed: int, conversations: int, size: int) -> None:
    rng = random.Random(seed)
    calls = [call for number in range(1, conversations + 1) for call in conversation(rng, number)]
    whole = classify(calls, ALL, TRAINEES)
    classifier, rows = Classifier(ALL, TRAINEES), []
    for page in paged(calls, size):
        rows += classifier.feed(page)
    rows += classifier.finish()
    assert sorted(rows, key=repr) == sorted(whole, key=repr)


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_the_order_within_a_batch_does_not_matter(seed: int, conversations: int) -> None:
    rng = random.Random(seed)
    calls = [call for number in range(1, conversations + 1) for call in conversation(rng, number)]
    shuffled = calls + calls[:3]
    rng.shuffle(shuffled)
    assert classify(shuffled, ALL, TRAINEES) == classify(calls, ALL, TRAINEES)


@given(st.integers(0, 10**9), st.integers(1, 25), st.integers(1, 20), st.integers(0, 50))
def test_a_restart_at_the_mark_loses_nothing(seed: int, conversations: int, size: int, killed_after: int) -> None:
    rng = random.Random(seed)
    calls = [call for number in range(1, conversations + 1) for call in conversation(rng, number)]
    whole = classify(calls, ALL, TRAINEES)
    first, rows = Classifier(ALL, TRAINEES), []
    for page in paged(calls, size)[:killed_after]:
        rows += first.feed(page)
    handed_out = {(row.target, row.call_id) for row in rows}
    assert handed_out >= {(row.target, row.call_id) for row in whole if row.started_ms >= first.mark_ms}
    second = Classifier(ALL, TRAINEES)
    for page in paged((call for call in calls if call.started_ms < first.mark_ms), size):
        rows += second.feed(page)
    rows += second.finish()
    assert {(row.target, row.call_id) for row in rows} == {(row.target, row.call_id) for row in whole}
    assert set(kept(rows)) == set(kept(whole))
    names = {(row.target, entry.id, entry.agent) for row in rows for entry in row.recordings if entry.agent}
    assert names >= {(row.target, entry.id, entry.agent) for row in whole for entry in row.recordings if entry.agent}


@given(st.integers(0, 10**9), st.integers(1, 15))
def test_every_listed_recording_of_a_backed_up_call_is_kept_once_for_each_target(seed: int, conversations: int) -> None:
    rng = random.Random(seed)
    calls = [call for number in range(1, conversations + 1) for call in conversation(rng, number)]
    rows = classify(calls, ALL, TRAINEES)
    entries = [(row.target, entry.kind, entry.id) for row in rows for entry in row.recordings]
    assert len(entries) == len(set(entries))
    by_id = {call.id: call for call in calls}
    assert set(entries) == {(row.target, entry.kind, entry.id) for row in rows for entry in by_id[row.call_id].recordings}
    assert all(row.listed == len(recordings_of_conversation(by_id[row.call_id], calls)) for row in rows)


def recordings_of_conversation(call: ListedCall, calls: Sequence[ListedCall]) -> set[tuple[str, str]]:
    """What the source lists under a call or a leg that it is linked to, read off the ids alone."""

    def names(one: ListedCall) -> set[str]:
        return {one.entry_point_call_id, one.operator_call_id, one.master_call_id} - {""}

    def linked(other: ListedCall) -> bool:
        return other.id in names(call) or call.id in names(other) or bool(call.master_call_id and call.master_call_id in names(other))

    return {(entry.kind, entry.id) for other in calls if other is call or linked(other) for entry in other.recordings}


def test_a_recorded_call_whose_recording_stands_on_a_linked_leg_is_not_missing_its_details() -> None:
    group = leg("1", 0, SALES, was_recorded=True, operator_call_id="2")
    agent = leg("2", 500, ANN, rec("9"), entry_point_call_id="1")
    rows = {row.call_id: row for row in sorted_out([group, agent])}
    assert not rows["1"].details_missing
    assert sorted_out([group])[0].details_missing
