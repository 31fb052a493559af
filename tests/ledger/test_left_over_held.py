"""What a hold stops is not taken up again by each job of a window, only to be put back: there may be a hundred thousand of it."""

from datetime import timedelta

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds, place
from tests.ledger.factory import NOW, World


def test_left_over_copies_that_a_hold_stops_stay_where_they_are(world: World) -> None:
    placed = world.place(world.planned(1), world.planned(2, kind="admincallrecording"))
    holds.open_hold(world.company.pk, HoldOn.KIND, "admincallrecording", "source_kind_denied", "", NOW)
    found = place.due_in_range(world.company.pk, [world.center.pk], NOW - timedelta(days=730), NOW + timedelta(days=730), NOW)
    assert [(work.copy_id, work.kind) for work in found] == [(one.copy_id, one.kind) for one in placed if one.kind == "callrecording"]
