"""The figures of a certificate: its sum, what may not be stated, and that the sealed files and the verifier say the same."""

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.completeness import certificate
from rokuon.completeness.certificate import Certified
from rokuon.completeness.options import fingerprint
from rokuon.domain.certificate import MOST_DAYS, Reckoning, Verdict, add_up, final_from_ms, utc_days
from rokuon.domain.failures import InternalFault
from rokuon.domain.work import PlannedCall, Unread
from rokuon.ledger import coverage, failures, place, unnamed, unread
from rokuon.ledger.models import Call, Copy
from rokuon.ledger.sql import at, ms
from rokuon.org import services
from rokuon.org.models import Office, Target
from tests.custody.sealing import Custody, fail, verify
from tests.ledger.factory import NOW

DAY = date(2026, 11, 20)
BEFORE = DAY - timedelta(days=1)
UTC_DAYS = (BEFORE, DAY)
"""The UTC days that DAY overlaps in Tokyo."""


@pytest.fixture
def custody(transactional_db: None) -> Custody:
    return Custody()


def of(custody: Custody, first: date = DAY, last: date = DAY, **limits: object) -> Certified:
    return certificate.certify(custody.company, first, last, **limits)  # type: ignore[arg-type]


def call_without_recording(custody: Custody, number: int, day: date, target: Target | None = None) -> Call:
    started = ms(datetime.combine(day, datetime.min.time(), NOW.tzinfo)) + 3 * 3_600_000 + number
    calls = [PlannedCall((target or custody.center).pk, f"c{number}", started, True, 0)]
    place.place(custody.company.pk, calls, [], custody.now)
    return Call.objects.get(call_id=f"c{number}")


numbers = st.integers(0, 1000)


@given(
    st.lists(st.builds(dict, verified=numbers, pending=numbers, failed=numbers, gone=numbers, excluded=numbers, unnamed=numbers)), st.data()
)
def test_the_terms_of_any_account_add_up_alone_and_together(parts: list[dict[str, int]], data: st.DataObject) -> None:
    accounts = []
    for part in parts:
        closed = {f"closed_{name}": data.draw(st.integers(0, part[name])) for name in ("failed", "gone", "unnamed")}
        accounts.append(Reckoning(**part, **closed).checked())
    whole = sum(accounts, Reckoning()).checked()
    assert whole.recordings + whole.unnamed == whole.verified + whole.explained + whole.unaccounted
    assert whole.unaccounted == sum(one.unaccounted for one in accounts)


def test_an_account_whose_terms_do_not_add_up_is_not_stated() -> None:
    with pytest.raises(InternalFault):
        Reckoning(failed=1, closed_failed=2).checked()


def test_a_local_day_overlaps_the_utc_days_of_its_zone_and_is_final_35_days_later() -> None:
    assert utc_days(DAY, "Asia/Tokyo") == UTC_DAYS
    assert utc_days(DAY, "") == (DAY,)
    assert at(final_from_ms(date(2026, 3, 4), "Asia/Tokyo")).date() == date(2026, 4, 9)
    assert MOST_DAYS >= 2 * 365 + 2


def test_every_term_of_a_day_is_counted(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.recording(2, DAY, store=False)
    fail(custody.recording(3, DAY, store=False), custody)
    fail(custody.recording(4, DAY, store=False), custody)
    failures.close([Copy.objects.get(recording__recording_id="r4").pk], "lost in the move", "Ann", custody.now)
    unnamed.close([call_without_recording(custody, 5, DAY).pk], "a test call", "Ann", custody.now)
    call_without_recording(custody, 6, DAY)
    Copy.objects.filter(recording__recording_id="r2").update(state="excluded", reason="voicemail_excluded")
    custody.listed(*UTC_DAYS)
    found = of(custody)
    whole = found.sum.account
    assert (whole.calls, whole.recorded, whole.recordings, whole.unnamed) == (6, 6, 4, 2)
    assert (whole.verified, whole.excluded, whole.failed, whole.closed_failed, whole.closed_unnamed) == (1, 1, 2, 1, 1)
    assert (whole.explained, whole.unaccounted, whole.listed) == (3, 2, 6)
    assert found.causes == {
        ("excluded", "voicemail_excluded", False): 1,
        ("failed", "recording_not_audio", False): 1,
        ("failed", "recording_not_audio", True): 1,
    }
    assert found.verified == {custody.bucket.pk: (1, len(b"audio r1"))}
    (first, second) = found.targets
    assert [one.verdict for one in (*first.days, *second.days)] == [Verdict.INCOMPLETE, Verdict.COMPLETE]


def test_a_day_of_which_one_utc_day_was_not_listed_is_not_complete(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(DAY)
    assert (of(custody).sum.unlisted, of(custody).sum.first_listed) == (2, None)
    custody.listed(BEFORE)
    assert (of(custody).sum.complete, of(custody).sum.first_listed) == (2, custody.now)


def test_a_listing_with_other_options_does_not_count(custody: Custody) -> None:
    custody.listed(*UTC_DAYS)
    type(custody.company).objects.update(voicemail=True)
    custody.company.refresh_from_db()
    assert of(custody).sum.unlisted == 2


def test_an_entry_that_cannot_be_read_makes_the_days_that_it_may_be_of_unknown(custody: Custody) -> None:
    custody.listed(BEFORE - timedelta(days=1), *UTC_DAYS)
    noon = ms(datetime.combine(DAY, datetime.min.time(), NOW.tzinfo))
    unread.enter(custody.company.pk, [Unread(custody.center.pk, "m", "why", noon, noon + 1)], [], custody.now)
    found = of(custody, BEFORE, DAY)
    assert (found.unread, found.sum.unlisted, found.sum.complete) == (1, 1, 3)
    unread.enter(custody.company.pk, [Unread(None, "n", "why", noon, noon + 1)], [], custody.now)
    assert (of(custody, BEFORE, DAY).unread, of(custody, BEFORE, DAY).sum.unlisted) == (2, 2)


def test_a_target_without_a_rule_is_part_of_it_where_something_of_it_was_copied(custody: Custody) -> None:
    custody.recording(1, DAY, target=custody.other)
    Target.objects.filter(pk__in=[custody.center.pk, custody.other.pk]).update(backed_up=False)
    found = of(custody)
    assert [one.target.pk for one in found.targets] == [custody.other.pk]
    assert [one.pk for one in found.without_rule] == [custody.other.pk]


def test_an_office_or_a_target_has_its_own_figures_and_no_others(custody: Custody) -> None:
    osaka = Office.objects.create(company=custody.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
    Target.objects.filter(pk=custody.other.pk).update(office=osaka)
    custody.recording(1, DAY)
    custody.recording(2, DAY, target=custody.other)
    assert of(custody).sum.account.verified == 2
    for limits in ({"offices": [osaka.pk]}, {"office": osaka}, {"target": custody.other}):
        found = of(custody, **limits)
        assert (found.sum.account.verified, [one.target.pk for one in found.targets], found.outside) == (1, [custody.other.pk], None)
    assert of(custody, offices=[osaka.pk], target=custody.center).targets == ()
    assert of(custody).outside is not None


def test_another_companys_recordings_are_not_ours(custody: Custody) -> None:
    beside = Custody("Zenith")
    beside.recording(1, DAY)
    assert of(custody).sum.account == Reckoning()


@pytest.mark.parametrize("seed", range(4))
def test_a_random_ledger_is_certified_as_it_is_sealed_and_as_the_verifier_adds_it_up(custody: Custody, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    days = [DAY - timedelta(days=number) for number in range(4)]
    for number in range(30):
        day, target = chance.choice(days), chance.choice([custody.center, custody.other])
        match chance.choice(["verified", "pending", "failed", "closed", "excluded", "unnamed", "unnamed_closed"]):
            case "verified":
                custody.recording(number, day, target=target)
            case "pending":
                custody.recording(number, day, target=target, store=False)
            case "failed":
                fail(custody.recording(number, day, target=target, store=False), custody)
            case "closed":
                work = custody.recording(number, day, target=target, store=False)
                fail(work, custody)
                failures.close([work.copy_id], "known", "Ann", custody.now)
            case "excluded":
                work = custody.recording(number, day, target=target, store=False)
                Copy.objects.filter(pk=work.copy_id).update(state="excluded", reason="voicemail_excluded")
            case "unnamed":
                call_without_recording(custody, number, day, target)
            case _:
                unnamed.close([call_without_recording(custody, number, day, target).pk], "known", "Ann", custody.now)
    custody.listed(*chance.sample([*days, DAY - timedelta(days=4)], 4))
    custody.issue()
    found = of(custody, days[-1], days[0])
    written = [(custody.center, line) for line in custody.lines(1)] + [(custody.other, line) for line in custody.lines(1, custody.other)]
    sealed = {(target.pk, line["day"]): line for target, line in written if "verdict" in line}
    for one in found.targets:
        for day in one.days:
            if line := sealed.get((one.target.pk, day.day.isoformat())):
                ours = day.account
                assert (line["verdict"], line["explained"], line["open"]) == (day.verdict, ours.explained, ours.unaccounted)
                assert line["calls"] == {"listed": ours.calls, "recorded": ours.recorded, "without_recording": ours.unnamed}
                assert line["copies"]["discovered"] == ours.recordings
            else:
                assert day.account == Reckoning()
    answer = verify(custody, tmp_path, "--from", days[-1].isoformat(), "--to", days[0].isoformat())
    (result,) = [one for one in answer.said if one["type"] == "result"]
    whole = found.sum.account
    assert (result["verified"], result["explained"], result["open"]) == (whole.verified, whole.explained, whole.unaccounted)
    assert {one["target"]: one["verified"] for one in answer.said if one["type"] == "target"} == {
        one.target.dialpad_id: one.sum.account.verified for one in found.targets if one.sum.account.listed
    }
    assert add_up(day for one in found.targets for day in one.days).days == 8


def test_a_day_that_was_sealed_by_its_listing_is_final(custody: Custody) -> None:
    old = DAY - timedelta(days=40)
    targets = [custody.center.pk, custody.other.pk]
    coverage.cover(targets, [old - timedelta(days=1), old], fingerprint(custody.company), ms(custody.now))
    custody.listed(*UTC_DAYS)
    assert (of(custody, old, old).sum.final, of(custody, old, old).sum.provisional) == (2, False)
    assert (of(custody).sum.final, of(custody).sum.provisional) == (0, True)


def test_each_bucket_has_what_is_verified_in_it_after_a_change_of_bucket(custody: Custody) -> None:
    for number in (1, 2, 3):
        custody.recording(number, DAY)
    fail(custody.recording(4, DAY, store=False), custody)
    old = services.register_bucket(custody.company, "memory://old")
    Copy.objects.filter(recording__recording_id__in=("r3", "r4")).update(bucket=old)
    size = len(b"audio r1")
    assert of(custody).verified == {custody.bucket.pk: (2, 2 * size), old.pk: (1, size)}
    Copy.objects.filter(recording__recording_id="r2").update(bucket=old)
    assert of(custody).verified == {custody.bucket.pk: (1, size), old.pk: (2, 2 * size)}
    assert of(custody, DAY + timedelta(days=1), DAY + timedelta(days=1)).verified == {}
