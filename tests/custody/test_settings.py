"""Settings decide what a day says, without any change of a recording: after a change of them, the sealed days are read again."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from rokuon.custody.models import Waiting
from rokuon.org.models import Company, Office, Target
from tests.custody.rig import PROVEN
from tests.custody.sealing import Custody, verify
from tests.custody.test_golden import without_recording

DAY = date(2026, 11, 20)
BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def listed(custody: Custody) -> Custody:
    custody.recording(1, DAY)
    custody.listed(BEFORE, DAY)
    custody.issue()
    assert custody.day(1, DAY)["verdict"] == "complete"
    return custody


def test_days_that_were_listed_without_voicemail_are_unlisted_once_it_is_chosen(listed: Custody, tmp_path: Path) -> None:
    Company.objects.update(voicemail=True)
    listed.issue()
    assert listed.day(2, DAY)["verdict"] == "unlisted"
    assert verify(listed, tmp_path).code == PROVEN
    assert listed.issue().files == 0
    Company.objects.update(voicemail=False)
    listed.issue()
    assert listed.day(4, DAY)["verdict"] == "complete"


def test_settings_that_did_not_change_and_those_of_another_company_read_nothing_again(listed: Custody) -> None:
    other = Custody("Other")
    Company.objects.filter(pk=other.company.pk).update(voicemail=True)
    Target.objects.filter(company=other.company).update(timezone="America/Los_Angeles")
    assert listed.issue().files == 0
    assert not Waiting.objects.exists()


@pytest.mark.parametrize("level", ["target", "office"])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_call_is_in_one_day_after_the_time_zone_changed(custody: Custody, tmp_path: Path, level: str, sealed: bool) -> None:
    if level == "office":
        Target.objects.update(timezone="")
    Office.objects.update(timezone="Asia/Tokyo")
    without_recording(custody, 1)
    custody.listed(BEFORE, DAY)
    if sealed:
        custody.issue()
        assert (custody.day(1, DAY)["open"], custody.seal(1)["totals"]["open"]) == (1, 1)
    else:
        custody.plan()
    (Office if level == "office" else Target).objects.update(timezone="America/Los_Angeles")
    number = custody.issue().number
    assert custody.day(number, BEFORE)["open"] == 1
    assert custody.day(number, DAY)["open"] == 0
    assert custody.seal(number)["totals"]["open"] == 1
    assert verify(custody, tmp_path).code == PROVEN
    assert custody.issue().files == 0
