"""A key that was seen to name no recordings has listed days as complete that are not: once it names them, they are listed again (S22).

A key that loses them seals no day with a recorded call from then on, so what was listed before stays. Where nothing was known of the key,
there was no recorded call to judge by.
"""

from datetime import date

import pytest

from rokuon.domain.recording import Company, Directory
from rokuon.ledger import coverage
from rokuon.ledger.sql import ms
from rokuon.wiring import directory_sync, key_check
from tests.ledger.factory import NOW, World

OLD = date(2026, 9, 1)


def seen(world: World, exports: bool | None) -> None:
    directory = Directory(Company(world.company.dialpad_id, "Acme"), (), (), ())
    directory_sync.enter(world.company.pk, key_check.Account(directory, exports), NOW)


def sealed(world: World) -> set[date]:
    return coverage.sealed_days([world.center.pk], "f")[world.center.pk]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(False, True, False), (True, False, True), (True, True, True), (True, None, True), (None, True, True), (False, False, True)],
)
def test_listed_days_are_voided_only_where_a_key_regains_the_recordings(
    world: World, before: bool | None, after: bool | None, kept: bool
) -> None:
    seen(world, before)
    coverage.cover([world.center.pk], [OLD], "f", ms(NOW))
    seen(world, after)
    assert sealed(world) == ({OLD} if kept else set())
