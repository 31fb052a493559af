"""Weeks without any action of a person: bad recordings fail in time and are reported, no matter how often a timer retries them."""

from rokuon.ledger.models import Copy
from tests.weeks.conftest import MakeWeeks

WAYS_TO_BE_BAD = (
    {"kind": "truncate"},
    {"kind": "zeros"},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 500},
)


def test_three_weeks_of_nights_let_bad_recordings_fail_and_tell_of_them_once_a_day_until_they_arrive(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    for victim, way in zip(weeks.victims, WAYS_TO_BE_BAD, strict=True):
        weeks.spoil(victim, **way)
    weeks.days(3, nightly=True)
    assert {weeks.state(victim) for victim in weeks.victims} <= {"failed", "gone"}, "each is given up after its time"
    weeks.days(18, nightly=True)
    said = [occasion for occasion, _subject in weeks.subjects()]
    assert "opened" in said and "ended" not in said
    weeks.mend()
    weeks.days(1, nightly=True)
    assert {weeks.state(victim) for victim in weeks.victims} == {"verified"}, "the next night takes up what failed"
    assert weeks.subjects()[-1][0] == "ended"


def test_without_any_timer_a_bad_recording_fails_and_is_told(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim, kind="truncate")
    weeks.start()
    weeks.drain()
    weeks.days(3)
    assert weeks.state(weeks.victim) == "failed"
    assert weeks.subjects()


def test_a_hold_for_days_spends_no_try_and_is_told(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim, kind="truncate")
    weeks.start()
    weeks.drain()
    tries = Copy.objects.get(pk=weeks.ids(weeks.victim)[0]).tries
    weeks.mend()
    weeks.revoke_key()
    weeks.days(3, nightly=True)
    assert weeks.subjects("hold")
    copy = Copy.objects.get(pk=weeks.ids(weeks.victim)[0])
    assert (copy.state, copy.tries) <= ("pending", tries + 1), "no more than the try that met the trouble"
    weeks.new_key()
    weeks.days(1, nightly=True)
    assert weeks.state(weeks.victim) == "verified"
    assert [occasion for occasion, _subject in weeks.subjects("hold")][-1] == "ended"
