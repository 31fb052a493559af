"""What is kept of the other party of a recording, and how it goes."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from rokuon.domain.other_party import ListedParty, PartyDetail, PlannedParty, keeper, number_hash
from rokuon.ledger import other_parties
from rokuon.ledger.models import OtherParty, Recording
from rokuon.org.models import Company

from .factory import World

KEY = b"k" * 32
LISTED = ListedParty("inbound", "+819012345678", "山田 太郎")
FULL, MASKED, OFF = PartyDetail.FULL, PartyDetail.MASKED, PartyDetail.OFF


@pytest.fixture
def world(db: None) -> World:
    return World()


def choose(world: World, detail: PartyDetail) -> None:
    Company.objects.filter(pk=world.company.pk).update(other_party=detail)


def planned(detail: PartyDetail, listed: ListedParty = LISTED) -> PlannedParty | None:
    return keeper(detail, KEY)(listed)


def kept() -> list[tuple[Any, ...]]:
    return list(OtherParty.objects.order_by("pk").values_list("detail", "direction", "ending", "number", "name"))


def test_a_listed_number_is_kept_masked_and_found_by_its_hash(world: World) -> None:
    world.place(world.planned(1, other=planned(MASKED)))
    assert kept() == [("masked", "inbound", "5678", "", "山…")]
    wanted = number_hash(KEY, "819012345678")
    assert other_parties.known(world.company.pk, [wanted, number_hash(KEY, "1")]) == [wanted]
    assert other_parties.known(World("Zenith").company.pk, [wanted]) == []


def test_listed_again_it_stays_one_row_and_a_leg_without_a_number_takes_nothing_from_it(world: World) -> None:
    world.place(world.planned(1, other=planned(MASKED)))
    world.place(world.planned(1, other=planned(MASKED, ListedParty("outbound"))))
    assert kept() == [("masked", "inbound", "5678", "", "山…")]
    choose(world, FULL)
    world.place(world.planned(1, other=planned(FULL)))
    assert kept() == [("full", "inbound", "5678", "+819012345678", "山田 太郎")]


@pytest.mark.parametrize(("chosen", "planned_under"), [(OFF, MASKED), (OFF, FULL), (MASKED, FULL)])
def test_a_job_that_listed_under_a_looser_choice_enters_nothing(world: World, chosen: PartyDetail, planned_under: PartyDetail) -> None:
    choose(world, chosen)
    world.place(world.planned(1, other=planned(planned_under)))
    assert kept() == []
    assert Recording.objects.count() == 1


def test_a_stricter_choice_hides_at_once_what_is_not_removed_yet(world: World) -> None:
    choose(world, FULL)
    world.place(world.planned(1, other=planned(FULL)))
    recording = Recording.objects.get().pk
    assert other_parties.of([recording], FULL)[recording].number == "+819012345678"
    shown = other_parties.of([recording], MASKED)[recording]
    assert (shown.number, shown.name, shown.ending) == ("", "山…", "5678")
    assert other_parties.of([recording], OFF) == {}


@pytest.mark.parametrize(("chosen", "left"), [(MASKED, [("masked", "inbound", "5678", "", "山…")] * 5), (OFF, []), (FULL, None)])
def test_what_exceeds_the_choice_is_removed_in_batches_and_resumed(world: World, chosen: PartyDetail, left: list[Any] | None) -> None:
    choose(world, FULL)
    world.place(*(world.planned(number, other=planned(FULL)) for number in range(5)))
    before = kept()
    choose(world, chosen)
    batches = []
    while changed := other_parties.clear(world.company.pk, limit=2):
        batches.append(changed)
    assert batches == ([] if chosen is FULL else [2, 2, 1])
    assert kept() == (before if left is None else left)
    assert other_parties.companies_to_clear() == []


def test_only_companies_that_keep_too_much_are_cleared(world: World) -> None:
    other = World("Zenith")
    for one in (world, other):
        choose(one, FULL)
        one.place(one.planned(1, other=planned(FULL)))
    choose(world, OFF)
    assert other_parties.companies_to_clear() == [(world.company.pk, OFF)]
    other_parties.clear(world.company.pk)
    assert OtherParty.objects.get().company_id == other.company.pk


def test_the_database_itself_refuses_a_number_in_clear_text_under_a_mask(world: World) -> None:
    party = planned(FULL)
    assert party is not None
    with pytest.raises(Exception, match="masked_party_has_no_number"):
        world.place(world.planned(1, other=replace(party, detail=MASKED)))


def test_copies_without_a_party_read_no_choice(world: World, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(0):
        other_parties.enter(world.company.pk, [world.planned(1)])


def test_a_number_is_found_by_its_index(world: World) -> None:
    with connection.cursor() as cursor:
        # Of an empty table the database knows nothing that would prefer one index to the other.
        cursor.execute("SET LOCAL enable_seqscan = off; DROP INDEX other_party_by_detail")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM ledger_otherparty WHERE company_id = 1 AND number_hash = ANY(%s) AND number_hash <> ''", [["a"]]
        )
        assert "other_party_by_number" in " ".join(row[0] for row in cursor.fetchall())
