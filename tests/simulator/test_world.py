"""Worlds are deterministic, as large as asked, and full of what really happens."""

import subprocess
import sys

import pytest

from rokuon.simulator import WorldSpec, build
from rokuon.simulator.model import Call

from .conftest import DAY, NOW

DEMO = build(WorldSpec(now_ms=NOW))


def calls() -> list[Call]:
    return list(DEMO.books[DEMO.first.id].by_id.values())


def test_the_same_spec_gives_the_same_world_and_another_seed_another() -> None:
    def ids(seed: int) -> list[int]:
        return list(build(WorldSpec(now_ms=NOW, seed=seed, recordings=60)).recordings)

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))


@pytest.mark.parametrize("wanted", [1, 2, 7, 400])
def test_a_company_has_exactly_the_wanted_number_of_recordings(wanted: int) -> None:
    assert len(build(WorldSpec(now_ms=NOW, recordings=wanted)).recordings) == wanted


def test_calls_without_recordings_can_be_had_in_any_number() -> None:
    world = build(WorldSpec(now_ms=NOW, recordings=0, calls=333, recorded_share=0.0, ghosts=3))
    book = world.books[world.first.id]
    assert len(book) == 333
    assert sum(call.ghost for call in book.by_id.values()) == 3
    assert not any(call.recordings for call in book.by_id.values() if call.ghost)


def test_ids_have_16_digits_are_below_2_to_53_and_unique_over_companies() -> None:
    world = build(WorldSpec(now_ms=NOW, companies=3, recordings=100))
    ids = list(world.recordings) + [i for book in world.books.values() for i in book.by_id]
    assert len(set(ids)) == len(ids)
    assert all(10**15 <= i < 2**53 for i in ids)


def test_no_call_ends_after_now_and_history_reaches_back_two_years() -> None:
    assert max(call.ended for call in calls()) <= NOW
    assert NOW - 730 * DAY - 600_000 <= min(call.started for call in calls()) < NOW - 700 * DAY


def test_the_demo_world_holds_every_situation() -> None:
    names = [center.name for center in DEMO.first.centers]
    assert len(names) == 6
    assert len(set(names)) == 5
    assert "../../etc" in names
    assert {office.timezone for office in DEMO.first.offices} == {"Asia/Tokyo", "US/Pacific", "Europe/Berlin"}
    agents = "".join(user.name for user in DEMO.first.users)
    for sign in ("ﾀ", "﨑", "髙", "\U000e0100", "ا", "🦊", "\x00", "\r\n"):
        assert sign in agents
    found = calls()
    assert any(call.transferred and call.master for call in found)
    assert any(len(call.recordings) > 1 for call in found), "paused and resumed"
    assert any(call.leg == "agent" and call.recordings for call in found)
    assert any(call.state == "voicemail" and not call.recordings for call in found), "a voicemail call without a message"
    assert {recording.kind for recording in DEMO.recordings.values()} == {"callrecording", "admincallrecording", "voicemail"}
    assert any(call.leg == "user" and call.agent and call.agent.team for call in found), "a trainee's call"
    assert max(recording.duration_ms for recording in DEMO.recordings.values()) > 600_000, "one long call"
    starts = [call.started for call in found]
    assert len(set(starts)) < len(starts), "two calls of one millisecond"
    mean = sum(recording.duration_ms for recording in DEMO.recordings.values()) / 400
    assert 35_000 < mean < 65_000


def test_legs_of_a_conversation_point_at_each_other() -> None:
    pairs = [call for call in calls() if call.partner is not None]
    assert pairs
    for call in pairs:
        assert call.partner is not None
        assert call.partner.partner is call
        assert {call.leg, call.partner.leg} == {"group", "agent"}


def test_recordings_lie_within_their_call() -> None:
    for recording in DEMO.recordings.values():
        assert recording.call.started <= recording.start
        assert recording.start + recording.duration_ms <= recording.call.ended + 20_000


def test_the_simulator_imports_nothing_else_of_rokuon_and_no_django() -> None:
    code = (
        "import sys, rokuon.simulator, rokuon.simulator.__main__\n"
        "bad = [m for m in sys.modules if m.startswith(('rokuon.', 'django')) and not m.startswith('rokuon.simulator')]\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(p for p in sys.path if p)}
    )
    assert done.returncode == 0, done.stderr
