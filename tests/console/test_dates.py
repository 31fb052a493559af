"""Times on pages: the company's zone, a person's own choice on top, the zone of what the time is about in the tooltip."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from rokuon.accounts.models import AuditEntry, Person
from rokuon.base import i18n
from rokuon.console.web import status_banner
from rokuon.ledger.models import Run
from rokuon.org import tree
from rokuon.org.budget import BudgetState
from rokuon.org.models import Office, Target

from .conftest import World
from .copies import add_copy

PAGE = "account_time_zone"
WHEN = datetime(2026, 11, 29, 10, 18, 5, tzinfo=UTC)


@pytest.fixture
def far(world: World) -> World:
    """A third office, in San Francisco, with a recording."""
    office = Office.objects.create(company=world.company, dialpad_id="3", name="San Francisco", timezone="America/Los_Angeles")
    target = Target.objects.create(company=world.company, office=office, kind="callcenter", dialpad_id="14", name="West", backed_up=True)
    add_copy(target, world.bucket, 1, started=WHEN)
    return world


def times(client: Client, url: str) -> list[tuple[str, str]]:
    """The times of a page: tooltip and text."""
    answer = client.get(url)
    assert answer.status_code == 200
    found = re.findall(r'<time datetime="[^"]+" title="([^"]+)">(.*?)</time>', answer.content.decode().partition("<main")[2])
    return [(title, re.sub("<[^>]+>", "", text)) for title, text in found]


def reading(client: Client, **choice: str) -> Client:
    Person.objects.filter(pk=client.session["_auth_user_id"]).update(**choice)
    return client


def test_a_time_is_in_the_companys_zone_and_the_tooltip_has_that_of_its_target(far: World) -> None:
    ((title, shown),) = times(far.admin, far.url("recordings/"))
    assert shown == "2026-11-29 19:18 Asia/Tokyo"
    assert title == "2026-11-29 02:18:05 America/Los_Angeles · 2026-11-29 10:18:05 UTC"


def test_a_japanese_page_has_japanese_dates(far: World) -> None:
    ((title, shown),) = times(reading(far.admin, language="ja"), far.url("recordings/"))
    assert shown == "2026年11月29日(日) 19:18 Asia/Tokyo"
    assert title.startswith("2026年11月29日(日) 02:18:05 America/Los_Angeles")


def test_a_persons_own_zone_comes_before_the_companys(far: World) -> None:
    ((_title, shown),) = times(reading(far.admin, time_zone="Europe/Berlin"), far.url("recordings/"))
    assert shown == "2026-11-29 11:18 Europe/Berlin"


def test_the_company_has_the_zone_of_most_offices_unless_the_installation_names_one(far: World) -> None:
    assert tree.company_zone(far.company, "UTC") == "Asia/Tokyo"
    assert tree.company_zone(far.company, "Europe/Berlin") == "Europe/Berlin", "offices differ, and the operator has named a zone"
    far.company.offices.filter(name="San Francisco").update(state="deleted")
    assert tree.company_zone(far.company, "Europe/Berlin") == "Asia/Tokyo", "all offices share it"
    far.company.offices.update(timezone="")
    assert tree.company_zone(far.company, "UTC") == "UTC"


def test_back_up_now_takes_the_companys_days_for_an_office_elsewhere_and_says_so(far: World) -> None:
    page = far.admin.get(far.url("backup-now/")).content.decode()
    assert "in Asia/Tokyo, the company&#x27;s time zone" in page or "in Asia/Tokyo, the company's time zone" in page
    office = far.company.offices.get(name="San Francisco")
    admin = reading(far.admin, time_zone="America/Los_Angeles")
    run = Run.objects.create(
        company=far.company,
        scope_kind="office",
        scope_id=office.pk,
        targets=[],
        since=datetime(2026, 10, 31, 15, tzinfo=UTC),
        until=datetime(2026, 11, 3, 15, tzinfo=UTC),
    )
    shown = admin.get(far.url(f"backup-now/{run.pk}/")).content.decode()
    assert '<time datetime="2026-11-01">2026-11-01</time> – <time datetime="2026-11-03">2026-11-03</time>' in shown


def test_a_person_chooses_a_zone_and_returns_to_the_companys(far: World) -> None:
    client = far.admin
    assert 'value="Asia/Tokyo"' in client.get(reverse(PAGE)).content.decode()
    answer = client.post(reverse(PAGE), {"time_zone": "America/New_York"})
    assert (answer.status_code, answer["Location"]) == (303, reverse(PAGE))
    ((_title, shown),) = times(client, far.url("recordings/"))
    assert shown == "2026-11-29 05:18 America/New_York"
    client.post(reverse(PAGE), {"time_zone": ""})
    ((_title, shown),) = times(client, far.url("recordings/"))
    assert shown.endswith("Asia/Tokyo")


@pytest.mark.parametrize("unknown", ["Mars/Olympus", "America", "x" * 500, "Asia/Tokyo\0"])
def test_a_zone_that_does_not_exist_is_refused_with_a_reason_and_nothing_is_stored(far: World, unknown: str) -> None:
    client = far.admin
    answer = client.post(reverse(PAGE), {"time_zone": unknown})
    assert answer.status_code == 422 and "Choose a time zone of the list." in answer.content.decode()
    assert Person.objects.get(pk=client.session["_auth_user_id"]).time_zone == ""


def test_a_stranger_chooses_nothing(far: World) -> None:
    answer = Client().post(reverse(PAGE), {"time_zone": "Asia/Tokyo"})
    assert (answer.status_code, Person.objects.filter(time_zone="Asia/Tokyo").exists()) == (302, False)


def test_a_choice_changes_only_ones_own_times(far: World) -> None:
    far.admin.post(reverse(PAGE), {"time_zone": "America/New_York"})
    ((_title, shown),) = times(far.admin, far.url("recordings/"))
    assert shown.endswith("Asia/Tokyo")


def test_days_of_the_audit_log_are_those_of_the_reader(far: World) -> None:
    AuditEntry.objects.all().delete()
    AuditEntry.objects.create(
        company=far.company, actor="x", action="settings.change", subject="s", at=datetime(2026, 11, 19, 15, tzinfo=UTC)
    )
    assert times(far.admin, far.url("audit/?since=2026-11-20"))
    assert not times(reading(far.admin, time_zone="America/New_York"), far.url("audit/?since=2026-11-20"))


def test_account_pages_have_the_zone_of_the_only_company(far: World) -> None:
    assert [text for _title, text in times(far.admin, reverse("account_sessions")) if not text.endswith("Asia/Tokyo")] == []


def test_a_pause_in_the_banner_is_in_the_readers_zone() -> None:
    standing = BudgetState(1, 20, WHEN, WHEN)
    assert "until 2026-11-29 05:18 America/New_York" in status_banner.paused(standing, "America/New_York")
    assert status_banner.paused(BudgetState(20, 20), "Asia/Tokyo") == ""


def test_dates_of_the_cli_are_japanese_in_japanese() -> None:
    from rokuon.cli.support import output

    with i18n.speaking("ja"):
        assert output.moment(WHEN, "Asia/Tokyo") == "2026年11月29日(日) 19:18 Asia/Tokyo"
