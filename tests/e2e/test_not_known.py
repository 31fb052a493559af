"""Over HTTP: days and entries that could not be listed or read appear on the overview, the failure page and in notices until they are
fixed."""

from datetime import timedelta

import pytest

from rokuon.completeness import unknown
from rokuon.completeness.headline import Headline, of_company
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.ledger import read
from rokuon.ledger.models import Coverage, Unreadable
from rokuon.ledger.sql import ms
from rokuon.notify import findings, tracker
from rokuon.org.models import Target
from rokuon.wiring import backup_now
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world


def said(rig: Rig) -> Headline:
    return of_company(rig.company, rig.clock())


def told(rig: Rig) -> set[tuple[str, str]]:
    return {(one.kind, one.cause) for one in findings.of_company(rig.company, rig.clock()) if one.count and one.office_id is None}


def test_a_list_that_is_refused_on_its_second_page_is_never_called_all(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=120, days=25))
    rig.sim.faults.load([{"endpoint": "calls", "nth": [2, 100_000], "action": {"kind": "status", "status": 400}}])
    rig.back_up_now()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1))
    headline = said(rig)
    assert (headline.severity, headline.wrong) == ("failed", True)
    assert "could not be listed from end to end" in headline.sentence
    assert "All" not in f"{headline.sentence} {headline.more}"
    assert any(kind == "unlisted" for kind, _cause in told(rig))
    rig.sim.faults.clear()
    rig.back_up_now()
    rig.pass_time(steps=(0.02,))
    assert said(rig).sentence.startswith("All ")
    assert not told(rig)


def test_targets_that_were_never_listed_are_counted_and_not_silently_left_out(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=60))
    center = Target.objects.filter(company=rig.company, kind="callcenter").order_by("pk")[0]
    backup_now.start(rig.company.pk, ScopeKind.CONTACT_CENTER, center.pk, None, rig.clock(), queue)
    rig.drain()
    others = Target.objects.filter(company=rig.company, backed_up=True).count() - 1
    headline = said(rig)
    assert headline.wrong
    assert headline.sentence.startswith(f"{others} of {others + 1} contact centers and coaching teams ")
    assert ("unlisted", "days_never_listed") in told(rig)
    rig.back_up_now()
    assert said(rig).sentence.startswith("All ")


@pytest.mark.parametrize(
    "change",
    [
        {"call_id": {"not": "an id"}, "id": None},
        {"date_started": None, "date_ended": None},
        {"recording_details": [{"recording_type": "hologram", "id": "7"}]},
    ],
    ids=["without an id", "without a time", "of an unknown kind"],
)
def test_one_malformed_entry_leaves_only_its_own_day_open_is_told_once_and_is_cured(rig_of: MakeRig, change: dict[str, object]) -> None:
    rig = rig_of(world=small_world(recordings=60, days=60))
    rig.advance(days=40)
    changes = {f"items.0.{name}": value for name, value in change.items()}
    rig.sim.faults.load([{"endpoint": "calls", "nth": 1, "action": {"kind": "set", "changes": changes}}])
    # One window: of several that are listed beside each other, the first page may be one without calls.
    run = rig.back_up_now(wanted=TimeRange(ms(rig.clock() - timedelta(days=70)), ms(rig.clock() - timedelta(days=45)))).run
    entries = {entry.mark for entry in Unreadable.objects.all()}
    assert len(entries) == 1
    assert read.run_progress(run.pk).malformed == 1
    assert said(rig).sentence == "1 entry of Dialpad's call list could not be read"
    assert ("unreadable", "entry_unreadable") in told(rig)
    (last,) = set(Unreadable.objects.values_list("before", flat=True))
    (first,) = set(Unreadable.objects.values_list("after", flat=True))
    old = Coverage.objects.filter(day__lt=(rig.clock() - timedelta(days=37)).date())
    assert {row.day for row in old.filter(sealed=False)} <= {
        first.date() + timedelta(days=n) for n in range((last.date() - first.date()).days + 1)
    }
    rig.back_up_now()
    rig.pass_time(steps=(0.3,))  # a recording without a listed length is read again after a while
    assert not Unreadable.objects.exists()
    assert said(rig).sentence.startswith("All ")
    assert not told(rig)
    assert not unknown.find_unknown(rig.company, Target.objects.filter(company=rig.company).select_related("office"), rig.clock())


def test_the_company_is_mailed_about_an_unlisted_month_and_about_its_end(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=60, days=25))
    rig.sim.faults.load([{"endpoint": "calls", "action": {"kind": "status", "status": 400}}])
    rig.back_up_now()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1))

    def look() -> set[tuple[str, str]]:
        tracker.watch(rig.company, findings.of_company(rig.company, rig.clock()), rig.clock(), lambda: None)
        return {(one.kind, one.cause) for one in tracker.open_notices(rig.company.pk, None) if one.kind == "unlisted"}

    assert look() == {("unlisted", "source_request_refused")}
    rig.sim.faults.clear()
    rig.back_up_now()
    look()
    rig.advance(minutes=16)
    assert look() == set()
