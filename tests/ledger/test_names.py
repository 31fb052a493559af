"""A bucket that takes only short names: what waits for it gets keys that fit, and what is verified keeps its own."""

from datetime import timedelta

import pytest

from rokuon.domain.placement import object_key
from rokuon.ledger import names, record
from rokuon.ledger.bucket_change import follow_bucket
from rokuon.ledger.models import Copy
from rokuon.org import services
from rokuon.org.models import Bucket
from tests.ledger.factory import NOW, World, failed

FOLDER, AGENT = "東" * 60, "田" * 40


def key(number: int, **how: int) -> str:
    return object_key(FOLDER, "2026-09-21", AGENT, f"c{number}", f"r{number}", **how)


def short(bucket: Bucket, longest: int = 143) -> None:
    Bucket.objects.filter(pk=bucket.pk).update(longest_name=longest)


def test_what_waits_or_failed_gets_a_key_that_fits_and_what_is_verified_keeps_its_own(world: World) -> None:
    placed = world.place(*(world.planned(n, key=key(n)) for n in (1, 2, 3)))
    done, given_up, _ = sorted(placed, key=lambda work: work.recording_id)
    world.place(world.planned(4))
    world.verify(done)
    record.record([failed(given_up)], NOW)
    assert names.shorten([world.bucket.pk]) == 0, "it takes names of the usual length"
    short(world.bucket)
    changed = dict(Copy.objects.values_list("recording__recording_id", "changed_at"))
    assert names.shorten([world.bucket.pk]) == 2
    found = dict(Copy.objects.values_list("recording__recording_id", "key"))
    assert found == {"r1": key(1), "r2": key(2, longest=143), "r3": key(3, longest=143), "r4": world.planned(4).key}
    assert dict(Copy.objects.values_list("recording__recording_id", "changed_at")) == changed, "a closing of a failure still counts"
    assert names.shorten([world.bucket.pk]) == 0


def test_many_are_shortened_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.place(*(world.planned(n, key=key(n)) for n in range(25)))
    short(world.bucket)
    monkeypatch.setattr(names, "_PAGE", 10)
    assert names.shorten([world.bucket.pk]) == 25


def test_another_bucket_is_left_alone(world: World) -> None:
    other = World("Other")
    other.place(other.planned(1, key=key(1)))
    short(other.bucket)
    assert names.shorten([world.bucket.pk]) == 0


def test_what_moves_to_such_a_bucket_gets_a_key_that_fits(world: World) -> None:
    (work,) = world.place(world.planned(1, key=key(1)))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    short(new)
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, NOW - timedelta(days=730), NOW, NOW) == 1
    assert Copy.objects.get(bucket=new).key == key(1, longest=143)
    assert Copy.objects.get(bucket=world.bucket).key == key(1)
