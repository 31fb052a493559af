"""The key loses recordings_export during a run: lists still work, audio does not. No attempt is spent, and the copies resume."""

from typing import Any

import pytest

from rokuon.actions import companies
from rokuon.ledger.models import Copy, Hold
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world

LOST: dict[str, tuple[Any, str]] = {
    "403": ({"kind": "status", "status": 403}, "source_scope_missing"),
    "401": ({"kind": "status", "status": 401}, "source_scope_missing"),
    "a redirect to the login": ("login", "source_kind_denied"),
}


@pytest.mark.parametrize("name", LOST)
def test_s2_a_scope_that_is_lost_in_mid_run_holds_its_kinds_spends_no_try_and_goes_on_by_itself(
    rig_of: MakeRig, impatient: None, name: str
) -> None:
    action, reason = LOST[name]
    rig = rig_of(world=small_world(recordings=120))
    rig.sim.faults.load([{"endpoint": doors, "nth": [20, 10**9], "action": action} for doors in ("media", "media_admin")])
    rig.back_up_now()
    held = {(hold.on, hold.reason) for hold in Hold.objects.filter(lifted_at=None)}
    assert held == {("kind", reason)}
    waiting = Copy.objects.filter(state="pending")
    assert waiting.count() > 60
    assert not Copy.objects.filter(tries__gt=0).exists()
    assert rig.sim.meter.company(rig.sim.company.id).media.total() < 350, "what is held is not asked for"
    seen = rig.admin_sees()
    assert (seen.failed, set(seen.waits) <= {reason}) == ({}, True)
    rig.pass_time(steps=(0.02, 0.1, 0.3))
    assert not Copy.objects.filter(tries__gt=0).exists(), "probes spend nothing either"
    rig.sim.faults.clear()
    rig.pass_time(steps=(1.1,))
    rig.check()
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert rig.admin_sees().mood == "verified"


def test_s2_the_key_check_says_that_recordings_are_refused_although_calls_name_them(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=30, days=20))
    key = companies.stored_key(rig.installation, rig.company)
    assert companies.examine_key(rig.config, rig.company.base_url, key, rig.clock()).require().opens == ""
    rig.sim.faults.load([{"endpoint": "media*", "action": {"kind": "status", "status": 403}}])
    account = companies.examine_key(rig.config, rig.company.base_url, key, rig.clock()).require()
    assert (account.exports, account.opens) == (True, "recording_forbidden")
