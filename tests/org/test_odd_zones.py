"""A time zone that nobody knows is told, with the office or target and the name, and a later one counts for new recordings only."""

from dataclasses import replace

import pytest
from django.utils import timezone

from rokuon.domain.recording import Company as ListedCompany
from rokuon.domain.recording import Directory, TargetKind
from rokuon.domain.recording import Office as ListedOffice
from rokuon.domain.recording import Target as ListedTarget
from rokuon.ledger.models import Copy
from rokuon.org import directory, services
from rokuon.org.models import Company, Office, Target
from rokuon.org.odd_zones import odd_zone, odd_zones
from rokuon.org.tree import zone_of
from tests.ledger.factory import World

pytestmark = pytest.mark.django_db

OFFICES = (
    ListedOffice("1", "Tokyo", "Asia/Tokyo"),
    ListedOffice("2", "Mars", "", unknown_timezone="Mars/Olympus"),
    ListedOffice("3", "Silent", ""),
    ListedOffice("4", "Empty", "", unknown_timezone="Moon/Base"),
)
TARGETS = (
    ListedTarget(TargetKind.CONTACT_CENTER, "11", "Sales", "1", "Asia/Tokyo"),
    ListedTarget(TargetKind.CONTACT_CENTER, "12", "Odd", "1", "Asia/Tokyo", unknown_timezone="JST-9ish"),
    ListedTarget(TargetKind.CONTACT_CENTER, "21", "Rover", "2"),
    ListedTarget(TargetKind.CONTACT_CENTER, "31", "Quiet", "3"),
)


def sync(company: Company, offices: tuple[ListedOffice, ...] = OFFICES, targets: tuple[ListedTarget, ...] = TARGETS) -> None:
    listed = Directory(ListedCompany("9", "Acme"), offices, targets, members={}, users=())
    directory.apply(company.pk, listed, timezone.now())


def test_each_office_and_target_without_a_known_zone_is_named_with_what_dialpad_says_and_what_counts() -> None:
    company = services.create_company("Acme", "https://acme.example", "9")
    sync(company)
    assert [(one.name, one.given, one.used) for one in odd_zones(company)] == [
        ("Mars", "Mars/Olympus", ""),
        ("Silent", "", ""),
        ("Odd", "JST-9ish", "Asia/Tokyo"),
    ]
    said = [str(one) for one in odd_zones(company)]
    assert "'Mars/Olympus'" in said[0] and "UTC" in said[0]
    assert "names no time zone" in said[1]
    assert "Asia/Tokyo" in said[2]
    assert odd_zone(Target.objects.get(name="Rover")) is not None and odd_zone(Target.objects.get(name="Sales")) is None
    assert odd_zone(Office.objects.get(name="Mars")) is not None


def test_a_zone_that_becomes_known_is_no_longer_told_and_moves_no_recording() -> None:
    world = World()
    for node in (Office, Target):
        node.objects.filter(company=world.company).update(timezone="", unknown_timezone="Mars/Olympus")
    before = world.place(world.planned(1))
    keys = list(Copy.objects.values_list("key", flat=True))
    assert odd_zones(world.company) and before is not None
    for node in (Office, Target):
        node.objects.filter(company=world.company).update(timezone="Pacific/Kiritimati", unknown_timezone="")
    assert odd_zones(world.company) == []
    world.place(world.planned(1))
    assert list(Copy.objects.values_list("key", flat=True)) == keys


def test_the_next_sync_takes_the_zone_that_was_corrected() -> None:
    company = services.create_company("Acme", "https://acme.example", "9")
    sync(company)
    sync(company, tuple(replace(office, timezone="Asia/Tokyo", unknown_timezone="") for office in OFFICES), TARGETS[:1] + TARGETS[2:])
    assert [one.name for one in odd_zones(company)] == []
    assert zone_of(Target.objects.get(name="Rover")) == "Asia/Tokyo"
