"""Orders and totals of the search, held against the plain way."""

import random
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection

from rokuon.domain.names import fits
from rokuon.ledger import search, search_order, search_totals
from rokuon.ledger.models import Copy, OtherParty
from rokuon.ledger.search import CopyFilters, Within
from rokuon.ledger.search_order import BY_AGENT, LARGEST, LONGEST, NEWEST, OLDEST, SearchOrder
from rokuon.ledger.search_totals import SearchTotals, totals

from .factory import World
from .test_search import BASE, COPIES, both, world

__all__ = ["world"]

KEYS: dict[str, Callable[[Copy], tuple[object, ...]]] = {
    "newest": lambda copy: (copy.call_started_at, copy.pk),
    "oldest": lambda copy: (copy.call_started_at, copy.pk),
    "longest": lambda copy: (copy.audio_ms or 0, copy.pk),
    "largest": lambda copy: (copy.size or 0, copy.pk),
}
NUMBER = "a" * 32


@pytest.fixture(autouse=True)
def of_all_sizes(request: pytest.FixtureRequest) -> None:
    """Copies of many sizes and lengths, where a test has a world."""
    if "world" not in request.fixturenames:
        return
    request.getfixturevalue("world")
    dice = random.Random(3)
    for copy in Copy.objects.filter(state="verified"):
        Copy.objects.filter(pk=copy.pk).update(size=dice.randrange(1, 40), audio_ms=dice.randrange(1, 9) * 1000)


def leafed(world: World, order: SearchOrder, filters: CopyFilters, limit: int) -> list[Copy]:
    """Every page from the first to the last; on the way back each page is the same again."""
    pages = [search.find(world.company.pk, both(world), filters, limit=limit, order=order)]
    while pages[-1].older:
        pages.append(search.find(world.company.pk, both(world), filters, pages[-1].older, limit, order))
    back = pages[-1]
    for page in reversed(pages[:-1]):
        back = search.find(world.company.pk, both(world), filters, back.newer, limit, order)
        assert back.copies == page.copies
    return [copy for page in pages for copy in page.copies]


@pytest.mark.parametrize("order", [NEWEST, OLDEST, LONGEST, LARGEST], ids=lambda order: order.name)
@pytest.mark.parametrize("filters", [CopyFilters(), CopyFilters(state="verified"), CopyFilters(agent="ann")], ids=str)
def test_every_order_is_that_of_sorting_everything_and_no_copy_is_shown_twice(
    world: World, order: SearchOrder, filters: CopyFilters
) -> None:
    every = [copy for copy in Copy.objects.all() if copy.target_id != max(Copy.objects.values_list("target_id", flat=True))]
    wanted = [copy for copy in every if filters.state in ("", copy.state) and fits(filters.agent, copy.agent)]
    wanted.sort(key=KEYS[order.name], reverse=order.falling)
    assert leafed(world, order, filters, 11) == wanted


def test_by_agent_everyones_copies_are_together_from_the_oldest_to_the_newest(world: World) -> None:
    found = leafed(world, BY_AGENT, CopyFilters(), 13)
    assert len(found) == len({copy.pk for copy in found}) == COPIES
    seen: list[str] = []
    for before, copy in zip([None, *found], found, strict=False):
        if before is None or before.agent != copy.agent:
            seen.append(copy.agent)
        else:
            assert (before.call_started_at, before.pk) < (copy.call_started_at, copy.pk)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("order", [NEWEST, LONGEST, BY_AGENT], ids=lambda order: order.name)
@pytest.mark.parametrize("cursor", ["x", "%%%", "AAAA", "é", "//8", search_order.SearchCursor(True, 2**62, 1, "\0").written()])
def test_a_cursor_that_is_none_of_this_order_is_refused(world: World, order: SearchOrder, cursor: str) -> None:
    with pytest.raises(ValueError):
        search.find(world.company.pk, both(world), CopyFilters(), cursor, order=order)


def test_jumping_to_a_time_shows_what_began_before_it_and_leads_back_to_what_began_later(world: World) -> None:
    when = BASE + timedelta(hours=30)
    page = search.find(world.company.pk, both(world), CopyFilters(), search_order.at_time(when), 20)
    assert all(copy.call_started_at < when for copy in page.copies)
    assert page.newer
    earliest = search.find(world.company.pk, both(world), CopyFilters(), search_order.at_time(when), 20, OLDEST).copies[0]
    assert earliest.call_started_at >= when


@pytest.mark.parametrize(
    "filters",
    [CopyFilters(), CopyFilters(state="verified"), CopyFilters(state="failed"), CopyFilters(agent="ann"), CopyFilters(call_id="c7"),
     CopyFilters(reason="recording_gone"), CopyFilters(agent="nobody")],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("days", [False, True])
def test_totals_equal_the_sums_over_the_whole_list(world: World, filters: CopyFilters, days: bool) -> None:
    times = (BASE + timedelta(hours=10), BASE + timedelta(hours=40)) if days else (None, None)
    within = [Within(one.target_id, *times) for one in both(world)]
    copies = search.find(world.company.pk, within, filters, limit=1000).copies
    proven = [copy for copy in copies if copy.state == "verified"]
    expected = SearchTotals(len(copies), sum(copy.size or 0 for copy in proven), sum(copy.audio_ms or 0 for copy in proven))
    assert totals(world.company.pk, within, filters) == expected


def test_totals_that_would_read_too_much_say_that_there_is_more(world: World) -> None:
    found = totals(world.company.pk, both(world), CopyFilters(agent="ann"), most=5)
    assert (found.copies, found.more) == (5, True)


def test_totals_of_another_companys_targets_are_nothing(world: World) -> None:
    stranger = World("Zenith")
    for filters in (CopyFilters(), CopyFilters(agent="ann")):
        assert totals(stranger.company.pk, both(world), filters) == SearchTotals(0, 0, 0)


def test_a_number_finds_its_calls(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = set(Copy.objects.filter(target=world.center).values_list("pk", flat=True)[:9])
    for copy in Copy.objects.all():
        number = NUMBER if copy.pk in wanted else "b" * 32
        OtherParty.objects.create(recording=copy.recording, company=world.company, detail="masked", number_hash=number, ending="5678")
    filters = CopyFilters(number=NUMBER)
    assert {copy.pk for copy in search.find(world.company.pk, both(world), filters).copies} == wanted
    assert search_totals.totals(world.company.pk, both(world), filters).copies == len(wanted)
    assert search.find(world.company.pk, [Within(world.other.pk)], filters).copies == []
    assert search.find(World("Zenith").company.pk, both(world), filters).copies == []
    assert search.find(world.company.pk, both(world), CopyFilters(number="-")).copies == []
    monkeypatch.setattr(search, "MOST_IDS", 5)
    assert {copy.pk for copy in search.find(world.company.pk, both(world), filters).copies} == set(sorted(wanted)[-5:])
    assert search_totals.totals(world.company.pk, both(world), filters).more, "it says so"


@pytest.mark.django_db(transaction=True)
def test_the_indexes_of_the_orders_are_built_again_over_what_an_interrupted_attempt_left() -> None:
    """PostgreSQL leaves an invalid index, and refuses the name to the next attempt."""
    migration = import_module("rokuon.ledger.migrations.0016_orders").Migration
    assert migration.atomic is False, "an index cannot be built concurrently in a transaction"
    with connection.schema_editor(atomic=False) as editor:
        for operation in migration.operations:
            for statement in operation.database_operations:
                statement.database_forwards("ledger", editor, None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname IN ('copy_by_size', 'copy_by_length') AND i.indisvalid ORDER BY 1"
        )
        assert [row[0] for row in cursor.fetchall()] == ["copy_by_length", "copy_by_size"]
