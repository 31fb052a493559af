"""Of what a backup is complete: the calls outside every rule by kind and name, and the days of which this is known."""

from datetime import date, timedelta

import pytest

from rokuon.base.i18n import speaking
from rokuon.completeness import outside
from rokuon.completeness.headline import HeadlineFacts, headline
from rokuon.completeness.lacks import Lacks
from rokuon.completeness.options import fingerprint
from rokuon.completeness.outside import Outside
from rokuon.domain import windows
from rokuon.domain.outside import LineKind
from rokuon.domain.work import Unread
from rokuon.ledger import unread
from rokuon.ledger.listing_models import Unreadable
from rokuon.ledger.outside_models import OutsideCount, OutsideDay
from rokuon.ledger.tally import Counts
from rokuon.org.models import Company, Member, Office, Target, User
from tests.ledger.factory import NOW, World

FIRST = date(2026, 11, 1)
LAST = date(2026, 11, 10)


def known(company: Company, *days: date) -> None:
    for day in days:
        OutsideDay.objects.create(company=company, day=day, fingerprint=fingerprint(company), listed_at=NOW, published_at=NOW)


def count(company: Company, kind: str, line_id: str, name: str = "", calls: int = 1, recordings: int = 1, day: date = FIRST) -> None:
    OutsideCount.objects.create(company=company, day=day, kind=kind, line_id=line_id, name=name, calls=calls, recordings=recordings)


def look(world: World, *offices: Office) -> Outside:
    return outside.outside(world.company, FIRST, LAST, {office.pk for office in offices} if offices else None)


def names(found: Outside) -> dict[str, tuple[str, int, int]]:
    return {line.kind.value: (line.name, line.calls, line.recordings) for line in found.lines}


def test_calls_are_summed_up_by_kind_and_name(world: World) -> None:
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    User.objects.create(company=world.company, dialpad_id="7", name="Ann Smith")
    known(world.company, FIRST, LAST)
    count(world.company, "callcenter", "12", "Support before", 2, 3)
    count(world.company, "callcenter", "12", "Support before", 1, 1, LAST)
    count(world.company, "department", "30", "Care", 5, 5)
    count(world.company, "office", "1", "Tokyo main", 4, 4)
    count(world.company, "user", "7", "Ann")
    count(world.company, "unknown", "", "", 1, 0)
    found = look(world)
    assert names(found) == {
        "department": ("Care", 5, 5),
        "callcenter": ("Support", 3, 4),
        "office": ("Tokyo", 4, 4),
        "user": ("Ann Smith", 1, 1),
        "unknown": ("", 1, 0),
    }
    assert (found.calls, found.recordings, found.days, found.known.days) == (14, 14, 10, 2)
    assert [(one.kind, one.lines, one.calls) for one in found.kinds][:2] == [(LineKind.CONTACT_CENTER, 1, 3), (LineKind.DEPARTMENT, 1, 5)]
    assert found.lines[2].target == world.other


def test_days_outside_of_the_span_do_not_count(world: World) -> None:
    known(world.company, FIRST - timedelta(days=1), LAST + timedelta(days=1))
    count(world.company, "department", "30", day=FIRST - timedelta(days=1))
    count(world.company, "department", "30", day=LAST + timedelta(days=1))
    found = look(world)
    assert (found.lines, found.known.days) == ((), 0)


def test_a_target_that_has_a_rule_by_now_is_left_out_and_comes_back_without_it(world: World) -> None:
    known(world.company, FIRST)
    count(world.company, "callcenter", "12", "Support")
    assert look(world).lines == ()
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    assert names(look(world)) == {"callcenter": ("Support", 1, 1)}


def test_days_that_were_listed_with_another_choice_of_voicemail_are_not_known(world: World) -> None:
    known(world.company, FIRST)
    count(world.company, "department", "30", "Care")
    world.company.voicemail = True
    assert (look(world).lines, look(world).known.days, look(world).certain) == ((), 0, False)


def test_a_trainee_of_a_team_that_has_a_rule_by_now_is_left_out(world: World) -> None:
    team = world.add_target("70", "Trainees", "coachingteam")
    Member.objects.create(team=team, user_id="7")
    known(world.company, FIRST)
    count(world.company, "user", "7", "Ann")
    count(world.company, "user", "8", "Bob")
    assert names(look(world)) == {"user": ("Bob", 1, 1)}
    Target.objects.filter(pk=team.pk).update(backed_up=False)
    assert look(world).calls == 2


def test_who_sees_some_offices_sees_only_lines_that_the_directory_puts_there(world: World) -> None:
    osaka = Office.objects.create(company=world.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    known(world.company, FIRST)
    for kind, line in (("callcenter", "12"), ("office", "1"), ("office", "2"), ("department", "30"), ("user", "7"), ("callcenter", "99")):
        count(world.company, kind, line)
    assert [(line.kind.value, line.id) for line in look(world, world.office).lines] == [("callcenter", "12"), ("office", "1")]
    assert [(line.kind.value, line.id) for line in look(world, osaka).lines] == [("office", "2")]
    assert look(world).calls == 6


def test_another_companys_figures_are_not_ours(world: World) -> None:
    beside = World("Zenith")
    known(beside.company, FIRST)
    count(beside.company, "department", "30")
    assert (look(world).calls, look(world).known.days) == (0, 0)


def test_the_past_ends_with_the_last_day_that_is_expected_to_be_listed(world: World) -> None:
    today = NOW.date()
    known(world.company, today - timedelta(days=1), today)
    found = outside.of_past(world.company, NOW)
    assert (found.known.days, found.known.last, found.days) == (1, today - timedelta(days=1), 729)


# --- in words -----------------------------------------------------------------------------------------------------------


def test_what_is_not_known_is_never_said_to_be_nothing(world: World) -> None:
    said = outside.said(look(world))
    assert "is not known yet" in said
    assert "No recorded call" not in said
    with speaking("ja"):
        assert "まだ分かりません" in outside.said(look(world))


def test_the_days_that_are_known_are_named(world: World) -> None:
    known(world.company, FIRST)
    assert outside.said(look(world)) == "No recorded call outside every rule was listed. Counted on 1 of 10 days."
    count(world.company, "department", "30", calls=1200)
    assert outside.said(look(world)) == "1,200 recorded calls are outside every rule. Rokuon does not copy them. Counted on 1 of 10 days."
    known(world.company, *[FIRST + timedelta(days=number) for number in range(1, 10)])
    assert outside.said(look(world)).endswith("Counted on all 10 days.")
    assert outside.kinds_said(look(world).kinds) == ["Departments: 1,200"]


def test_none_is_said_to_be_outside_only_of_all_days_of_the_whole_company(world: World) -> None:
    ten = [FIRST + timedelta(days=number) for number in range(10)]
    known(world.company, *ten[:9])
    assert not look(world).certain
    known(world.company, ten[9])
    assert look(world).certain
    assert outside.said(look(world)) == "No recorded call is outside every rule. Counted on all 10 days."
    part = look(world, world.office)
    assert not part.certain
    assert outside.said(part) == "No recorded call outside every rule was listed on the lines of this office. Counted on all 10 days."
    with speaking("ja"):
        assert "このオフィスの回線" in outside.said(part)
    osaka = Office.objects.create(company=world.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
    assert "on the lines of these offices" in outside.said(look(world, world.office, osaka))


def test_an_unreadable_entry_counts_if_its_call_may_be_outside(world: World) -> None:
    known(world.company, *[FIRST + timedelta(days=number) for number in range(10)])
    start = windows.day_start_ms(FIRST)

    def entry(mark: str, target: Target | None, at_ms: int) -> None:
        unread.enter(world.company.pk, [Unread(target and target.pk, mark, "no start", at_ms, at_ms + 1, mark)], [], NOW)

    entry("ruled//", world.center, start + 5)
    entry("before//", None, start - 5)
    entry("after//", None, start + 10 * windows.DAY_MS)
    assert look(world).certain, "a call of a center with a rule is not outside, and those of other days are others' figures"
    entry("nobody//", None, start + 5)
    assert (look(world).certain, look(world).unread) == (False, 1)
    assert "1 entry of Dialpad's call list could not be read, so the figure may be too low." in outside.said(look(world))
    Unreadable.objects.filter(mark="nobody//").update(closed_at=NOW, note="asked Dialpad")
    assert not look(world).certain, "closed with a note, it is still not read"


def test_an_unreadable_entry_of_another_office_is_not_told(world: World) -> None:
    osaka = Office.objects.create(company=world.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    start = windows.day_start_ms(FIRST)
    known(world.company, FIRST)
    unread.enter(world.company.pk, [Unread(world.other.pk, "c1//", "no start", start, start + 1, "c1")], [], NOW)
    assert (look(world).unread, look(world, world.office).unread, look(world, osaka).unread) == (1, 1, 0)


def test_all_recordings_means_those_of_the_targets_with_a_rule() -> None:
    said = headline(HeadlineFacts(Counts(verified=23), Lacks(targets=3)))
    assert said.sentence == "All 23 recordings are in your bucket"
    assert said.added[-1] == "This covers the 3 contact centers and coaching teams with a rule."
    with speaking("ja"):
        assert headline(HeadlineFacts(Counts(verified=23), Lacks(targets=3))).more.endswith("コーチングチーム 3 件です。")


@pytest.mark.parametrize("counts", [Counts(), Counts(excluded=2)])
def test_where_nothing_is_in_the_bucket_nothing_is_said_to_be_covered(counts: Counts) -> None:
    assert not any("covers" in one for one in headline(HeadlineFacts(counts, Lacks(targets=3))).added)


def test_without_a_rule_nothing_is_said_to_be_covered() -> None:
    assert not any("covers" in one for one in headline(HeadlineFacts(Counts(verified=23), Lacks())).added)
