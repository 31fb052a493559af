"""The search over the copies, held against the plain way: read everything, keep what fits, sort."""

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest

from rokuon.domain import names
from rokuon.ledger import search
from rokuon.ledger.models import Copy, Recording
from rokuon.ledger.place import AGENT_LENGTH
from rokuon.ledger.search import CopyFilters, Within

from .factory import START_MS, World

AGENTS = ["山田 太郎", "ﾔﾏﾀﾞ ﾀﾛｳ", "Ann O'Hara", "ANNE X", "Ｂｏｂ", "", 'Zoë {a,"b"} \\']
STATES = ["verified"] * 6 + ["pending", "failed", "gone", "excluded"]
REASONS = {"pending": ["", "recording_not_ready"], "failed": ["recording_not_audio", "object_occupied"], "gone": ["recording_gone"]}
BASE = datetime(2026, 3, 1, tzinfo=UTC)
COPIES = 240


@pytest.fixture
def world(db: None) -> World:
    """Two targets with 240 copies at 60 different times, of every state; a third target and another company beside them."""
    world = World()
    dice = random.Random(7)
    made = []
    for number in range(COPIES):
        state = dice.choice(STATES)
        made.append(
            _copy(
                world,
                number,
                target=dice.choice([world.center, world.other]).pk,
                started=BASE + timedelta(hours=dice.randrange(60), microseconds=dice.choice([0, 1])),
                agent=dice.choice(AGENTS),
                state=state,
                reason=dice.choice(REASONS.get(state, ["rule_disabled" if state == "excluded" else ""])),
            )
        )
    third = world.add_target("13", "Desk")
    made.append(_copy(world, COPIES, target=third.pk, started=BASE, agent="Ann O'Hara", state="verified", reason=""))
    Copy.objects.bulk_create(made)
    return world


def _copy(world: World, number: int, *, target: int, started: datetime, agent: str, state: str, reason: str) -> Copy:
    recording = Recording.objects.create(
        company=world.company,
        kind="callrecording",
        recording_id=f"r{number}",
        call_id=f"c{number // 2}",
        call_started_at=started,
        url="",
    )
    proven = {"size": 1, "sha256": "a" * 64, "crc32c": 1, "proof": "length", "audio_ms": 1} if state == "verified" else {}
    return Copy(
        company=world.company,
        recording=recording,
        target_id=target,
        bucket=world.bucket,
        call_started_at=started,
        key=f"call-recordings/x/2026-03-01/{number}.mp3",
        agent=agent,
        state=state,
        reason=reason,
        due_at=started if state == "pending" else None,
        **proven,
    )


def both(world: World) -> list[Within]:
    return [Within(world.center.pk), Within(world.other.pk)]


def expected(within: list[Within], filters: CopyFilters) -> list[int]:
    """The plain way."""
    times = {one.target_id: one for one in within}

    def fits(copy: Copy) -> bool:
        time = times.get(copy.target_id)
        return (
            time is not None
            and (time.since is None or copy.call_started_at >= time.since)
            and (time.until is None or copy.call_started_at < time.until)
            and filters.state in ("", copy.state)
            and filters.reason in ("", copy.reason)
            and names.fits(filters.agent, copy.agent)
            and filters.call_id in ("", copy.recording.call_id)
            and filters.recording_id in ("", copy.recording.recording_id)
            and filters.proof in ("", copy.proof)
        )

    found = [copy for copy in Copy.objects.select_related("recording") if fits(copy)]
    return [copy.pk for copy in sorted(found, key=lambda copy: (copy.call_started_at, copy.pk), reverse=True)]


def leafed_through(world: World, within: list[Within], filters: CopyFilters, limit: int) -> list[int]:
    """Every page from the newest to the oldest; on the way back each page has to be the same again."""
    pages = [search.find(world.company.pk, within, filters, limit=limit)]
    assert pages[0].newer == ""
    while pages[-1].older:
        pages.append(search.find(world.company.pk, within, filters, pages[-1].older, limit))
    back = pages[-1]
    for page in reversed(pages[:-1]):
        back = search.find(world.company.pk, within, filters, back.newer, limit)
        assert [copy.pk for copy in back.copies] == [copy.pk for copy in page.copies]
    assert back.newer == ""
    return [copy.pk for page in pages for copy in page.copies]


FILTERS = [
    CopyFilters(),
    CopyFilters(state="verified"),
    CopyFilters(state="failed"),
    CopyFilters(reason="recording_not_audio"),
    CopyFilters(reason="recording_not_ready", state="pending"),
    CopyFilters(reason="recording_gone", state="failed"),
    CopyFilters(agent="ann"),
    CopyFilters(agent="ヤマダ"),
    CopyFilters(agent="bob"),
    CopyFilters(agent="zoe"),
    CopyFilters(agent="太郎 ヤマダ"),
    CopyFilters(agent="太郎山田"),
    CopyFilters(agent='a,"b'),
    CopyFilters(agent="an", state="gone"),
    CopyFilters(agent="a", reason="object_occupied"),
    CopyFilters(agent="nobody"),
    CopyFilters(call_id="c7"),
    CopyFilters(recording_id="r12"),
    CopyFilters(recording_id="r12", call_id="c6", agent="", state=""),
    CopyFilters(recording_id="r12", call_id="c7"),
    CopyFilters(call_id="nothing"),
    CopyFilters(state="verified", proof="read_twice"),
    CopyFilters(state="verified", agent="ann", proof="read_twice"),
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_every_filter_finds_what_reading_everything_finds_page_by_page_both_ways(world: World, filters: CopyFilters) -> None:
    assert leafed_through(world, both(world), filters, 7) == expected(both(world), filters)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_each_target_has_its_own_time(world: World, filters: CopyFilters) -> None:
    within = [
        Within(world.center.pk, BASE + timedelta(hours=10), BASE + timedelta(hours=30)),
        Within(world.other.pk, None, BASE + timedelta(hours=20)),
    ]
    assert leafed_through(world, within, filters, 50) == expected(within, filters)


def test_a_part_of_a_name_that_fits_many_finds_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NARROW", 0)
    monkeypatch.setattr(search, "NARROWER", 0)
    for filters in FILTERS:
        assert leafed_through(world, both(world), filters, 11) == expected(both(world), filters)


def test_nothing_outside_of_what_may_be_seen_is_found(world: World) -> None:
    assert search.find(world.company.pk, [], CopyFilters()).copies == []
    found = search.find(world.company.pk, [Within(world.center.pk)], CopyFilters(), limit=COPIES).copies
    assert {copy.target_id for copy in found} == {world.center.pk}
    stranger = World("Zenith")
    assert search.find(stranger.company.pk, both(world), CopyFilters()).copies == []
    assert search.find(stranger.company.pk, both(world), CopyFilters(agent="Ann")).copies == []
    assert search.find(stranger.company.pk, both(world), CopyFilters(recording_id="r1")).copies == []


def test_a_page_costs_few_questions_however_many_it_shows(world: World, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        page = search.find(world.company.pk, both(world), CopyFilters(agent="a"), limit=100)
        assert all(copy.recording.call_id and copy.bucket.url for copy in page.copies)


@pytest.mark.parametrize("cursor", ["x", "%%%", "AAAA", "é", "A" * 500, base64.urlsafe_b64encode(b"\1" + b"\x7f" * 16).decode()])
def test_a_cursor_that_is_none_of_ours_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(ValueError):
        search.find(world.company.pk, both(world), CopyFilters(), cursor)


def test_a_page_that_emptied_meanwhile_leads_nowhere(world: World) -> None:
    page = search.find(world.company.pk, both(world), CopyFilters(), limit=5)
    Copy.objects.exclude(pk__in=[copy.pk for copy in page.copies]).delete()
    assert search.find(world.company.pk, both(world), CopyFilters(), page.older, 5) == search.CopyPage([])


def test_a_name_of_any_length_can_be_kept_and_found(world: World) -> None:
    world.place(world.planned(1001, agent="𠮷" * 4000, started_ms=START_MS))
    found = search.find(world.company.pk, [Within(world.center.pk)], CopyFilters(agent="𠮷𠮷")).copies
    assert [copy.agent for copy in found] == ["𠮷" * AGENT_LENGTH]
