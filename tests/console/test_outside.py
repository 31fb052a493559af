"""Recorded calls outside every rule on the console: the sentence of the overview, the page by name, and who sees what."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.completeness.options import fingerprint
from rokuon.domain.work import Unread
from rokuon.ledger import unread
from rokuon.ledger.outside_models import OutsideCount, OutsideDay
from rokuon.ledger.sql import ms
from rokuon.org.models import Company, Target

from .conftest import Role, World

YESTERDAY = timedelta(days=2)
HOUR_MS = 3_600_000


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def count(company: Company, kind: str, line_id: str, name: str, calls: int) -> None:
    day = (timezone.now() - YESTERDAY).date()
    listed = {"fingerprint": fingerprint(company), "listed_at": timezone.now(), "published_at": timezone.now()}
    OutsideDay.objects.get_or_create(company=company, day=day, defaults=listed)
    OutsideCount.objects.create(company=company, day=day, kind=kind, line_id=line_id, name=name, calls=calls, recordings=calls)


@pytest.fixture
def counted(world: World) -> World:
    """A center of Osaka without a rule, a department, a person, and the main lines of both offices; another company has one too."""
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    Target.objects.filter(pk=world.desk.pk).update(backed_up=False)
    count(world.company, "callcenter", world.desk.dialpad_id, "Desk as listed", 31)
    count(world.company, "department", "30", "Care", 32)
    count(world.company, "user", "7", "Ann <b>", 33)
    count(world.company, "office", "1", "", 34)
    count(world.company, "office", "2", "", 35)
    count(world.other, "department", "40", "Zenith Care", 36)
    return world


def test_the_overview_says_how_many_and_leads_to_the_names(counted: World) -> None:
    page = text(counted.admin, counted.url())
    assert "165 recorded calls are outside every rule. Rokuon does not copy them. Counted on 1 of" in page
    assert f'href="{counted.url("outside/")}?kind=department"' in page
    assert "Departments" in page


def test_the_page_names_every_line_and_where_a_rule_is_possible(counted: World) -> None:
    page = text(counted.admin, counted.url("outside/"))
    for words in (
        "165 recorded calls are outside every rule",
        "Acme Desk",
        "Care",
        "Ann <b>",
        "Acme Tokyo",
        "Acme Osaka",
        ">Personal line</td>",
    ):
        assert words in page
    assert "Zenith Care" not in page
    assert page.count("Backup rule</a>") == 1
    assert f"{counted.url('rules/')}?kind=callcenter&q=Acme+Desk" in page


def test_no_rule_is_offered_for_a_center_that_was_deleted_at_dialpad(counted: World) -> None:
    Target.objects.filter(pk=counted.desk.pk).update(state="deleted")
    page = text(counted.admin, counted.url("outside/"))
    assert "Acme Desk" in page
    assert "Backup rule</a>" not in page


def test_the_page_says_that_calls_of_a_rule_that_is_off_count_although_they_were_copied(counted: World) -> None:
    assert "even if they were copied before" in text(counted.admin, counted.url("outside/"))


def test_who_may_back_up_the_company_is_led_there_and_who_may_not_is_not(counted: World) -> None:
    link = f'{counted.url("backup-now/")}">Back up now</a>'
    assert link in text(counted.admin, counted.url("outside/")).partition("<main")[2]
    for role in (Role.OFFICE_ADMIN, Role.VIEWER):
        page = text(counted.client(role, counted.osaka), counted.url("outside/")).partition("<main")[2]
        assert "counts the days that are missing" in page
        assert link not in page


def test_names_from_dialpad_are_text(counted: World) -> None:
    assert b"Ann <b>" not in counted.admin.get(counted.url("outside/")).content


def test_the_page_of_one_kind_shows_that_kind_and_any_other_word_shows_all(counted: World) -> None:
    page = text(counted.admin, counted.url("outside/?kind=department"))
    assert "Care" in page
    assert "Acme Desk" not in page
    assert "Acme Desk" in text(counted.admin, counted.url("outside/?kind=nonsense"))


def test_many_lines_have_pages(counted: World) -> None:
    for number in range(60):
        count(counted.company, "user", f"9{number}", f"Person {number:02}", 1)
    first = text(counted.admin, counted.url("outside/?kind=user"))
    assert "1 to 50 of 61" in first
    assert f'href="{counted.url("outside/")}?kind=user&page=2"' in first
    assert "51 to 61 of 61" in text(counted.admin, counted.url("outside/?kind=user&page=2"))


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_who_sees_one_office_sees_its_lines_alone(counted: World, role: str) -> None:
    browser = counted.client(role, counted.osaka)
    page = text(browser, counted.url("outside/"))
    assert "66 recorded calls are outside every rule" in page
    assert "Only lines of an office are shown here" in page
    for words in ("Care", "Ann", "Acme Tokyo"):
        assert words not in page
    assert "66 recorded calls" in text(browser, counted.url())


def test_the_figures_of_one_office_lead_to_that_offices_lines(counted: World) -> None:
    page = text(counted.admin, counted.url(f"?office={counted.osaka.pk}"))
    link = f"{counted.url('outside/')}?office={counted.osaka.pk}&kind=office"
    assert f'<a href="{link}">35</a>' in page
    lines = text(counted.admin, link)
    assert "66 recorded calls are outside every rule" in lines
    assert "Acme Desk" not in lines
    assert counted.client(Role.VIEWER, counted.tokyo).get(link).status_code == 404


def test_strangers_and_members_of_other_companies_see_nothing(counted: World) -> None:
    assert counted.client(Role.COMPANY_ADMIN, company=counted.other).get(counted.url("outside/")).status_code == 404
    assert Client().get(counted.url("outside/")).status_code == 302


def test_before_a_day_of_the_whole_company_is_listed_nothing_is_claimed(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    overview, page = text(world.admin, world.url()), text(world.admin, world.url("outside/"))
    assert "is not known yet" in overview
    assert "Not known yet" in page
    assert "Back up now of the whole company with “Check everything again”" in page
    assert "No recorded call is outside" not in page


NONE, NONE_LISTED = "No recorded call is outside every rule", "No recorded call outside every rule was listed"
VERIFIED = '#verified"'


def know(company: Company, days: int = 731) -> None:
    """Enter that so many days up to yesterday are known; the past two years are 729 of them at most."""
    now = timezone.now()
    past = [(now - timedelta(days=number)).date() for number in range(days)]
    how = fingerprint(company)
    OutsideDay.objects.bulk_create(OutsideDay(company=company, day=day, fingerprint=how, listed_at=now, published_at=now) for day in past)


def beside(page: str) -> str:
    """The part of the overview about calls outside every rule."""
    return page.partition('aria-labelledby="outside"')[2].partition("</section>")[0]


def told(browser: Client, world: World) -> tuple[str, str]:
    """What the page and the overview say."""
    return text(browser, world.url("outside/")).partition("<main")[2], beside(text(browser, world.url()))


def test_a_company_that_records_nothing_else_is_told_so_when_all_days_are_known(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    know(world.company)
    for said in told(world.admin, world):
        assert NONE in said
        assert VERIFIED in said


def test_a_part_of_the_days_is_not_enough_to_say_that_no_call_is_outside(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    know(world.company, 600)
    for said in told(world.admin, world):
        assert NONE_LISTED in said
        assert NONE not in said
        assert VERIFIED not in said


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_who_sees_one_office_is_told_of_its_lines_alone_though_nothing_is_listed_there(world: World, role: str) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    know(world.company)
    count(world.company, "department", "30", "Care", 32)
    for said in told(world.client(role, world.osaka), world):
        assert f"{NONE_LISTED} on the lines of this office" in said
        assert "Only lines of an office are shown here" in said
        assert NONE not in said
        assert VERIFIED not in said


def test_an_office_that_the_overview_is_narrowed_to_is_not_the_company(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    know(world.company)
    for url in ("", "outside/"):
        page = text(world.admin, world.url(f"{url}?office={world.osaka.pk}"))
        assert f"{NONE_LISTED} on the lines of this office" in page
        assert NONE not in page


def test_an_entry_that_could_not_be_read_may_be_a_call_outside(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    know(world.company)
    now = timezone.now()
    unread.enter(world.company.pk, [Unread(None, "c1//", "no start", ms(now) - 50 * HOUR_MS, ms(now) - 49 * HOUR_MS, "c1")], [], now)
    for said in told(world.admin, world):
        assert NONE_LISTED in said
        assert "1 entry of Dialpad's call list could not be read, so the figure may be too low." in said
        assert NONE not in said
        assert VERIFIED not in said
    unread.enter(world.company.pk, [], ["c1"], now)
    assert NONE in told(world.admin, world)[0]
