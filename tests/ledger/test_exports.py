"""A key that cannot see recordings lists days as complete that are not: once it can, they are listed again (S22)."""

from datetime import date

import pytest

from rokuon.domain.recording import Company, Directory
from rokuon.ledger import coverage
from rokuon.ledger.sql import ms
from rokuon.wiring import key_check, setup
from tests.ledger.factory import NOW, World

OLD = date(2026, 9, 1)


def seen(world: World, exports: bool | None) -> None:
    directory = Directory(Company(world.company.dialpad_id, "Acme"), (), (), ())
    setup.enter(world.company.pk, key_check.Account(directory, exports), NOW)


def sealed(world: World) -> set[date]:
    return coverage.sealed_days([world.center.pk], "f")[world.center.pk]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(False, True, False), (True, False, False), (True, True, True), (True, None, True), (None, True, False)],
)
def test_coverage_is_kept_only_while_the_key_sees_what_it_saw(world: World, before: bool | None, after: bool | None, kept: bool) -> None:
    seen(world, before)
    coverage.cover([world.center.pk], [OLD], "f", ms(NOW), complete=True)
    seen(world, after)
    assert sealed(world) == ({OLD} if kept else set())
