"""Recorded calls outside every rule, from Dialpad's list to the figures: equal to a direct count of the simulated company's calls."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection
from django.db.models.expressions import RawSQL

from rokuon.completeness.options import fingerprint
from rokuon.domain import windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.ledger import outside, runs
from rokuon.ledger.models import Coverage, Run, Window
from rokuon.ledger.outside_models import OutsideDay, OutsideSoFar
from rokuon.ledger.sql import ms
from rokuon.org import services
from rokuon.org.models import Company, Target
from rokuon.wiring import backup_now, job_handlers
from rokuon.wiring.dry_run import estimate
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world
from tests.e2e.test_coverage_in_mid_run import interrupted

Figures = dict[tuple[str, str], int]
WIRE = {"call_center": "callcenter"}


def known_days(company: Company) -> outside.KnownDays:
    return outside.known_days(company.pk, date(2000, 1, 1), date(2100, 1, 1), fingerprint(Company.objects.get(pk=company.pk)))


def known_span(company: Company) -> tuple[date, date]:
    known = known_days(company)
    assert known.first is not None
    assert known.last is not None
    return known.first, known.last


def figures(company: Company) -> Figures:
    """(kind, id) -> recordings."""
    how = fingerprint(Company.objects.get(pk=company.pk))
    return {(one.kind.value, one.id): one.recordings for one in outside.by_line(company.pk, *known_span(company), how)}


def directly(rig: Rig, number: int = 0) -> Figures:
    """Count the simulator's own calls, on the days that are known: those of no center with a rule, passed on to none, and of no trainee of
    a team with one."""
    company, sim_id = rig.companies[number], list(rig.sim.world.companies)[number]
    ruled = set(Target.objects.filter(company=company, backed_up=True).values_list("dialpad_id", flat=True))
    first, last = known_span(company)
    found = Counter[tuple[str, str]]()
    calls = list(rig.sim.world.books[sim_id].by_id.values())
    passed_on = {call.master for call in calls if call.master and call.center and str(call.center.id) in ruled}
    for call in calls:
        team = call.agent.team if call.agent is not None and call.leg != "group" else None
        if (call.center and str(call.center.id) in ruled) or (team and str(team.id) in ruled) or call.master in passed_on:
            continue
        owner = call.center or (call.conversation[0].target if call.leg == "agent" else call.target)
        recordings = sum(one.kind != "voicemail" and first <= windows.day_of(call.started) <= last for one in call.recordings)
        if recordings:
            found[WIRE.get(owner.wire_type, owner.wire_type), str(owner.id)] += recordings
    return dict(found)


def back_up(rig: Rig, number: int = 0, days: int = 40, **how: bool) -> None:
    now = rig.clock()
    rig.back_up_now(company=rig.companies[number], wanted=TimeRange(ms(now - timedelta(days=days)), ms(now)), **how)


def test_main_lines_departments_and_persons_without_a_rule_are_counted(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=4))
    back_up(rig)
    rig.check()
    found = figures(rig.company)
    assert {kind for kind, _id in found} == {"department", "office", "user"}
    assert found == directly(rig)
    assert not OutsideSoFar.objects.exists()


def test_a_center_without_a_rule_is_counted_until_its_rule_has_listed_its_days(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=1, recordings=80))
    center = Target.objects.get(company=rig.company, dialpad_id=str(rig.sim.company.centers[0].id))
    Target.objects.filter(pk=center.pk).update(backed_up=False)
    back_up(rig)
    assert ("callcenter", center.dialpad_id) in figures(rig.company)
    assert figures(rig.company) == directly(rig)
    Target.objects.filter(pk=center.pk).update(backed_up=True)
    back_up(rig)
    assert ("callcenter", center.dialpad_id) not in figures(rig.company)
    assert figures(rig.company) == directly(rig)


def test_days_that_are_listed_again_keep_their_figures(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=3))
    back_up(rig)
    before = figures(rig.company)
    back_up(rig, relist=True)
    assert figures(rig.company) == before == directly(rig)


def test_each_of_two_companies_has_its_own(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(companies=2, recordings=30, other_lines=2))
    back_up(rig, 0)
    assert known_days(rig.companies[1]).days == 0
    back_up(rig, 1)
    for number in (0, 1):
        assert figures(rig.companies[number]) == directly(rig, number)
    assert not set(figures(rig.companies[0])) & set(figures(rig.companies[1]))


def test_two_workers_on_the_same_windows_count_each_call_once(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=40))
    now = rig.clock()
    rig.start(wanted=TimeRange(ms(now - timedelta(days=40)), ms(now)))
    rig.drain(engines=3)
    assert figures(rig.company) == directly(rig)


def test_jobs_that_end_in_mid_window_count_each_call_once(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of(world=small_world(other_lines=60))
    back_up(rig)
    once = rig.list_pages()
    monkeypatch.setattr(job_handlers, "SHARE_S", 0.0)
    back_up(rig, relist=True)
    assert rig.list_pages() > 2 * once + 3, "jobs that resume list a part again"
    assert figures(rig.company) == directly(rig)


def test_a_run_that_is_cancelled_leaves_the_figures_of_before(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of(world=small_world(other_lines=60))
    back_up(rig)
    before, now = figures(rig.company), rig.clock()
    run = rig.start(wanted=TimeRange(ms(now - timedelta(days=40)), ms(now)), relist=True)
    monkeypatch.setattr(job_handlers, "SHARE_S", 0.0)
    window = Window.objects.filter(run=run, state="queued").latest("after")
    for _ in range(3):
        rig.run_async(lambda engine: engine.window(window.pk))
    assert OutsideSoFar.objects.exists()
    runs.cancel(run, rig.clock())
    assert figures(rig.company) == before
    back_up(rig)
    assert not OutsideSoFar.objects.exists()


def test_a_listing_by_contact_center_says_nothing_of_others(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=2))
    center = Target.objects.filter(company=rig.company, kind="callcenter").first()
    assert center is not None
    Company.objects.filter(pk=rig.company.pk).update(listing_trust={"callcenter": True})
    now = rig.clock()
    wanted = TimeRange(ms(now - timedelta(days=20)), ms(now))
    backup_now.start(rig.company.pk, ScopeKind.CONTACT_CENTER, center.pk, wanted, now, queue)
    rig.drain()
    assert known_days(rig.company).days == 0
    assert not OutsideSoFar.objects.exists()


def few_and_trusted(rig: Rig) -> Target:
    """Let one center have a rule, whose listing is trusted: a listing by it costs fewer pages than one of the company."""
    center = Target.objects.filter(company=rig.company, kind="callcenter").earliest("pk")
    Target.objects.filter(company=rig.company).exclude(pk=center.pk).update(backed_up=False)
    Company.objects.filter(pk=rig.company.pk).update(listing_trust={"callcenter": True, "coachingteam": True})
    return center


def test_check_everything_again_of_the_company_counts_though_a_listing_by_target_is_cheaper(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=2))
    few_and_trusted(rig)
    back_up(rig)
    assert not OutsideDay.objects.exists(), "listed by target"
    back_up(rig, relist=True)
    assert OutsideDay.objects.count() >= 39
    assert figures(rig.company) == directly(rig)


def test_the_plan_of_check_everything_again_lists_as_its_run_does(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(other_lines=2))
    center, now = few_and_trusted(rig), rig.clock()
    wanted = TimeRange(ms(now - timedelta(days=20)), ms(now))

    def planned(kind: ScopeKind, scope_id: int, *, relist: bool) -> int | None:
        return rig.run_async(lambda engine: estimate(engine, rig.company.pk, kind, scope_id, wanted, now, relist=relist)).outside

    assert planned(ScopeKind.COMPANY, 0, relist=False) is None
    assert planned(ScopeKind.COMPANY, 0, relist=True) is not None
    assert planned(ScopeKind.CONTACT_CENTER, center.pk, relist=True) is None


def test_days_that_an_earlier_version_has_half_listed_are_not_known(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of(world=small_world(other_lines=60))
    # An earlier version entered how it listed for each target, and counted nothing.
    how_of_targets = RawSQL("listed_as - 'outside'", [])
    interrupted(
        rig,
        monkeypatch,
        lambda: (OutsideSoFar.objects.all().delete(), Window.objects.filter(state="queued").update(listed_as=how_of_targets)),
    )
    assert Coverage.objects.exists()
    assert not OutsideDay.objects.exists()
    assert not OutsideSoFar.objects.exists()
    back_up(rig, relist=True)
    assert figures(rig.company) == directly(rig)


def test_days_that_were_listed_with_two_choices_of_voicemail_are_not_known(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of(world=small_world(other_lines=60))
    interrupted(rig, monkeypatch, lambda: services.change(rig.company, {"voicemail": True}))
    assert not OutsideDay.objects.exists()


def test_a_window_of_several_jobs_that_all_counted_is_known(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of(world=small_world(other_lines=60))
    interrupted(rig, monkeypatch, lambda: None)
    assert figures(rig.company) == directly(rig)


# --- tidying up -------------------------------------------------------------------------------------------------------


def leftover(rig: Rig) -> OutsideSoFar:
    """Figures of a window that has failed."""
    now = rig.clock()
    ago = now - timedelta(days=1)
    run = Run.objects.create(
        company=rig.company, scope_kind="company", scope_id=0, targets=[], since=ago, until=now, state="cancelled", finished_at=now
    )
    window = Window.objects.create(run=run, scope_kind="company", targets=[], after=ago, before=now, listed_down_to=now, state="failed")
    return OutsideSoFar.objects.create(window=window, day=now.date(), kind="user", line_id="1", calls=1, recordings=1)


def test_a_window_of_the_company_tidies_up_and_one_of_a_target_does_not(rig_of: MakeRig) -> None:
    rig = rig_of()
    left, now = leftover(rig), rig.clock()
    center = few_and_trusted(rig)
    wanted = TimeRange(ms(now - timedelta(days=3)), ms(now))
    backup_now.start(rig.company.pk, ScopeKind.CONTACT_CENTER, center.pk, wanted, now, queue)
    rig.drain()
    assert OutsideSoFar.objects.filter(pk=left.pk).exists()
    back_up(rig, days=3, relist=True)
    assert not OutsideSoFar.objects.exists()


def test_a_window_that_has_ended_stays_so_though_tidying_up_fails(rig_of: MakeRig, nothing_is_deleted: None) -> None:
    rig = rig_of()
    left = leftover(rig)
    with pytest.raises(DatabaseError, match="nothing is deleted"):
        back_up(rig, days=3)
    assert Window.objects.exclude(pk=left.window_id).get().state == "done"
    assert OutsideDay.objects.exists()


@pytest.fixture
def nothing_is_deleted(rig_of: MakeRig) -> Iterator[None]:
    """The database refuses to delete unfinished figures."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nothing is deleted'; END $$;
               CREATE TRIGGER refuse BEFORE DELETE ON ledger_outsidesofar FOR EACH ROW EXECUTE FUNCTION refuse()"""
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON ledger_outsidesofar; DROP FUNCTION refuse()")
