"""What is learned of listings by target is one conditional update: of two who learn at once neither loses what the other has seen."""

import pytest

from rokuon.org import services
from rokuon.org.models import Company


@pytest.fixture
def company(db: None) -> Company:
    return services.create_company("Acme", "https://acme.example", "1")


def trust() -> dict[str, bool]:
    found: dict[str, bool] = Company.objects.get().listing_trust
    return found


def test_two_kinds_learned_by_two_processes_are_both_kept(company: Company) -> None:
    services.learn_listing(company.pk, "callcenter", True)
    services.learn_listing(company.pk, "coachingteam", False)
    assert trust() == {"callcenter": True, "coachingteam": False}


def test_what_was_seen_to_lack_something_is_not_trusted_again_by_who_asked_before(company: Company) -> None:
    services.distrust_listing(company.pk, "callcenter")
    services.learn_listing(company.pk, "callcenter", True)
    assert trust() == {"callcenter": False}


def test_trust_is_taken_back_whatever_was_learned(company: Company) -> None:
    services.learn_listing(company.pk, "callcenter", True)
    services.distrust_listing(company.pk, "callcenter")
    services.distrust_listing(company.pk, "callcenter")
    assert trust() == {"callcenter": False}
