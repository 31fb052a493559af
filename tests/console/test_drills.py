"""The drills of a bucket on its page: what each showed, and the bad ones for those who may see them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.ledger import drills
from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.ledger.drills import Lot, ReadResult
from tests.console.test_buckets import text

from .conftest import Role, World
from .copies import add_copy

NUMBER = 30


@pytest.fixture
def drill(world: World) -> Drill:
    """An open drill of 30 recordings of Tokyo's Sales and 30 of Osaka's Desk; the seed is hostile."""
    for number in range(NUMBER):
        add_copy(world.sales, world.bucket, number)
        add_copy(world.desk, world.bucket, 100 + number)
    lot = Lot("<script>alert(1)</script>", 950_000, 100_000)
    return drills.begin(world.company.pk, world.bucket.pk, lot, "command line", timezone.now() + timedelta(seconds=1))


def read(drill: Drill, *bad: int) -> None:
    results = [ReadResult(place, "object_missing" if place in bad else "whole") for place in range(1, drill.drawn + 1)]
    drills.record(drill.pk, results)
    assert drills.finish(drill.pk, timezone.now() + timedelta(minutes=1)) is not None


def page(world: World, browser: object) -> str:
    return text(browser.get(world.url(f"settings/buckets/{world.bucket.pk}/")))  # type: ignore[attr-defined]


def test_a_bucket_without_a_drill_says_so_and_how_to_begin_one(world: World) -> None:
    said = page(world, world.admin)
    assert "There has been none yet." in said and f"rokuon drill --bucket {world.bucket.url}" in said


def test_a_drill_that_found_all_whole_says_what_that_shows(world: World, drill: Drill) -> None:
    read(drill)
    said = page(world, world.admin)
    assert "Sample whole" in said and "23 of 60 recordings were read back, drawn by lot. All of them were whole." in said
    assert "With 95 % confidence fewer than 10 % are damaged. A sample cannot prove that not a single recording is damaged." in said
    assert "the command line" in said


def test_the_seed_is_shown_as_text(world: World, drill: Drill) -> None:
    body = world.admin.get(world.url(f"settings/buckets/{world.bucket.pk}/")).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body and "<script>alert(1)" not in body


def test_an_unfinished_drill_is_not_called_whole(world: World, drill: Drill) -> None:
    drills.record(drill.pk, [ReadResult(1, "whole")])
    said = page(world, world.admin)
    assert "Not finished" in said and "it states nothing about the others" in said
    assert "Sample whole" not in said and "confidence" not in said


def test_bad_ones_are_linked_for_those_who_may_see_them_and_counted_for_others(world: World, drill: Drill) -> None:
    of_desk = list(DrawnRecording.objects.filter(drill=drill, copy__target=world.desk).values_list("place", "copy_id")[:2])
    of_sales = list(DrawnRecording.objects.filter(drill=drill, copy__target=world.sales).values_list("place", "copy_id")[:1])
    read(drill, *(place for place, _copy in [*of_desk, *of_sales]))
    address = world.url(f"settings/buckets/{world.bucket.pk}/")
    links = [world.url(f"recordings/{copy}/") for _place, copy in [*of_desk, *of_sales]]
    whole = world.admin.get(address).content.decode()
    assert all(f'href="{link}"' in whole for link in links) and "3 of them were damaged or missing" in whole
    part = world.client(Role.OFFICE_ADMIN, world.tokyo).get(address).content.decode()
    assert [f'href="{link}"' in part for link in links] == [False, False, True]
    assert "Damaged or missing" in part and "people who see the whole company" in part
    assert "of them were" not in part and "confidence" not in part


def test_a_drill_that_the_store_refused_a_recording_is_not_called_whole(world: World, drill: Drill) -> None:
    refused = ReadResult(1, "bucket_forbidden", "403", again=True, refused=True)
    drills.record(drill.pk, [refused, *(ReadResult(place, "whole") for place in range(2, drill.drawn + 1))])
    assert drills.finish(drill.pk, timezone.now() + timedelta(minutes=1)) is not None
    said = page(world, world.admin)
    assert "Not all could be read" in said and "22 of 60 recordings were read back" in said
    assert "1 recording that was drawn could not be read" in said and "cannot be read." in said
    assert "bucket_forbidden" in said and "whole." not in said and "Sample whole" not in said
    part = page(world, world.client(Role.OFFICE_ADMIN, world.tokyo))
    assert "Not all could be read" in part and "22 of 60" not in part


def test_refused_ones_beyond_those_that_are_listed_are_not_called_damaged(world: World, drill: Drill) -> None:
    refused = [ReadResult(place, "bucket_forbidden", "403", again=True, refused=True) for place in range(1, drill.drawn + 1)]
    drills.record(drill.pk, refused)
    said = page(world, world.admin)
    assert "damaged, missing or could not be read, not listed here: 3." in said
    assert "damaged or missing" not in said.replace("it was damaged or missing", "")


def test_a_viewer_does_not_see_the_page(world: World, drill: Drill) -> None:
    assert world.client(Role.VIEWER, world.tokyo).get(world.url(f"settings/buckets/{world.bucket.pk}/")).status_code == 403


def test_the_drills_of_another_company_are_not_shown(world: World, drill: Drill) -> None:
    assert world.client(Role.COMPANY_ADMIN, company=world.other).get(world.url(f"settings/buckets/{world.bucket.pk}/")).status_code == 404
