"""Lists that never end, and lists that ignore the range: limited and complete in every use (run, sweep, look, comparison)."""

import logging
from datetime import timedelta

import pytest

from rokuon.base.addresses import PublicUrl
from rokuon.console.system import read_model as system
from rokuon.dialpad.paging import BARREN_PAGES
from rokuon.domain.failures import SourceCursorLooped
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import Bound, ScopeKind
from rokuon.events.models import Hint
from rokuon.jobs import queue
from rokuon.ledger.models import Window
from rokuon.org import ranges
from rokuon.org.models import Company, Target
from rokuon.wiring import sweeps, trust
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world

DAY_MS = 86_400_000
FEW = BARREN_PAGES + 4


@pytest.mark.parametrize("how", ["same", "shuffled", "turns", "empty"])
def test_a_list_without_end_costs_a_run_a_few_pages_and_the_next_one_has_all(rig_of: MakeRig, how: str) -> None:
    rig = rig_of(world=small_world(recordings=25, days=18), switches={"list_end": how})
    rig.sim.meter.reset()
    now = rig.sim.now()
    rig.back_up_now(wanted=TimeRange(now - 20 * DAY_MS, now))
    assert rig.list_pages() <= 2 * FEW
    assert {window.reason for window in Window.objects.exclude(reason="")} == {SourceCursorLooped.reason}
    rig.sim.switches.set("list_end", "ends")
    rig.back_up_now()
    rig.pass_time(steps=(0.02, 0.1))
    rig.check()


def test_a_sweep_a_look_and_a_comparison_stop_as_soon(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=12, days=2))
    rig.back_up_now()
    rig.check()
    rig.sim.switches.set("list_end", "same")
    rig.sim.meter.reset()
    due = sweeps.due(rig.company.pk, rig.clock())
    assert due is not None
    sweeps.start(rig.company.pk, due, rig.clock(), queue)
    rig.drain()
    # Each window once, and once more at once, because a list may loop temporarily.
    assert 0 < rig.list_pages() <= 3 * FEW

    rig.sim.meter.reset()
    now = rig.clock()
    Hint.objects.create(
        company=rig.company, digest="d", call_id="1", state="hangup", started_at=now - timedelta(hours=9), received_at=now, due_at=now
    )
    rig.run_async(lambda engine: engine.look(rig.company.pk))
    assert 0 < rig.list_pages() <= FEW

    rig.sim.meter.reset()

    async def compare(engine: JobHandlers) -> None:
        await trust.learn_trust(rig.company.pk, await engine.connections.source(rig.company.pk), engine.db, rig.clock())

    Company.objects.update(listing_trust={})
    rig.run_async(compare)
    # Each window once, and once more at once, because a list may loop temporarily.
    assert 0 < rig.list_pages() <= 3 * FEW


@pytest.mark.parametrize("bounds", ["after", "before", "both"])
@pytest.mark.parametrize("by", ["all", "callcenter"])
def test_a_source_that_ignores_the_range_is_listed_whole_in_bounded_pages_and_told_of_once(
    rig_of: MakeRig, caplog: pytest.LogCaptureFixture, bounds: str, by: str
) -> None:
    rig = rig_of(switches={"ignored_bounds": bounds, "bounds_ignored_by": by}, world=small_world(recordings=60, days=80))
    if by == "callcenter":
        # Only one center, with a trusted listing.
        Target.objects.exclude(dialpad_id=str(rig.sim.company.centers[0].id)).update(backed_up=False)
        Company.objects.update(listing_trust={"callcenter": True})
    rig.sim.meter.reset()
    with caplog.at_level(logging.WARNING):
        assert rig.back_up_now(wanted=TimeRange(rig.sim.now() - 90 * DAY_MS, rig.sim.now())).run.state == "finished"
    rig.check()
    pages = -(-len(rig.sim.world.books[rig.sim.company.id].all) // 50)
    assert rig.list_pages() <= 4 * (pages + 4) * 2, "each window is read from the top, once or twice"
    expected = {"after": {Bound.AFTER}, "before": {Bound.BEFORE}, "both": {Bound.AFTER, Bound.BEFORE}}[bounds]
    kind = ScopeKind.COMPANY if by == "all" else ScopeKind.CONTACT_CENTER
    noted = {(one.kind, one.bound) for one in ranges.ignored(rig.company.pk)}
    assert noted == {(kind.value, bound.value) for bound in expected}
    assert [record.message for record in caplog.records].count("range_ignored") == len(expected), "once"
    rig.back_up_now(relist=True)
    assert [record.message for record in caplog.records].count("range_ignored") == len(expected), "once, whoever lists"


def test_where_a_centers_list_ignores_its_end_the_company_is_listed_instead(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=30))
    Target.objects.exclude(dialpad_id=str(rig.sim.company.centers[0].id)).update(backed_up=False)
    Company.objects.update(listing_trust={"callcenter": True})
    ranges.note(rig.company.pk, ScopeKind.CONTACT_CENTER, Bound.BEFORE, rig.clock())
    rig.start()
    assert set(Window.objects.values_list("scope_kind", flat=True)) == {"company"}


def test_the_system_page_says_what_is_ignored_until_a_probe_finds_it_kept(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=12))
    ranges.note(rig.company.pk, ScopeKind.COACHING_TEAM, Bound.AFTER, rig.clock())

    def said() -> list[str]:
        look = system.load_system(rig.company, rig.config, PublicUrl("http", "127.0.0.1", 8080), rig.clock(), "")
        return [fact.says for part in look.parts for fact in part.facts if fact.what == "List of calls"]

    assert len(said()) == 1
    ranges.honoured(rig.company.pk, ScopeKind.COACHING_TEAM, Bound.AFTER)
    assert said() == []
