"""Who is told: `notify.recipients`."""

from datetime import timedelta

from rokuon.accounts.models import Person
from rokuon.notify import recipients
from rokuon.notify.models import NotificationSettings
from tests.ledger.factory import NOW
from tests.notify.factory import Place, Role, refused, taken


def emails(addresses: tuple[recipients.Address, ...]) -> set[str]:
    return {one.email for one in addresses}


def test_an_office_is_told_of_by_its_own_admins_by_all_three_ways(place: Place) -> None:
    place.add("desk@acme.example", place.office)
    place.listed("Mia", "mia@acme.example", offices=(place.office,))
    place.listed("Bob", "bob@acme.example", offices=(place.osaka,))
    place.listed("Old", "old@acme.example", offices=(place.office,), state="deleted")
    place.person("looker@acme.example", Role.VIEWER, place.office)
    audience = recipients.of_office(place.office, NOW)
    assert not audience.fallback
    assert {(one.email, one.source) for one in audience.addresses} == {
        ("ken@acme.example", "person"),
        ("desk@acme.example", "added"),
        ("mia@acme.example", "directory"),
    }


def test_an_address_written_in_two_ways_is_one_reader_in_the_language_he_chose(place: Place) -> None:
    place.listed("Ken", "KEN@Acme.example", offices=(place.office,))
    place.add("Ken@acme.example", place.office, language="en")
    (only,) = recipients.of_office(place.office, NOW).addresses
    assert (only.email, only.language, only.source) == ("ken@acme.example", "ja", "person")


def test_the_directory_is_left_out_where_a_company_says_so(place: Place) -> None:
    NotificationSettings.objects.create(company=place.company, directory_admins=False)
    place.listed("Mia", "mia@acme.example", offices=(place.office,))
    place.listed("Sue", "sue@acme.example", is_super_admin=True)
    assert emails(recipients.of_office(place.office, NOW).addresses) == {"ken@acme.example"}
    assert emails(recipients.of_company(place.company, NOW)) == {"ada@acme.example"}


def test_what_the_directory_calls_an_address_must_be_one(place: Place) -> None:
    place.listed("Mia", "no address", "mia@acme.example", offices=(place.office,))
    place.listed("Eve", "eve@acme.example\nBcc: all@acme.example", offices=(place.office,))
    assert emails(recipients.of_office(place.office, NOW).addresses) == {"ken@acme.example", "mia@acme.example"}


def test_the_language_is_the_readers_then_the_companys_then_the_installations(place: Place) -> None:
    place.listed("Mia", "mia@acme.example", offices=(place.office,))
    mine = {one.email: one.language for one in recipients.of_office(place.office, NOW).addresses}
    assert mine["mia@acme.example"] == "en"
    NotificationSettings.objects.create(company=place.company, language="ja")
    mine = {one.email: one.language for one in recipients.of_office(place.office, NOW).addresses}
    assert mine["mia@acme.example"] == "ja"


def test_c17_where_nobody_of_an_office_can_be_reached_the_companys_admins_are_told(place: Place) -> None:
    audience = recipients.of_office(place.osaka, NOW)
    assert audience.fallback and emails(audience.addresses) == {"ada@acme.example"}


def test_c17_an_admin_who_left_is_not_told_any_more(place: Place) -> None:
    Person.objects.filter(pk=place.ken.pk).update(disabled_at=NOW)
    audience = recipients.of_office(place.office, NOW)
    assert audience.fallback and emails(audience.addresses) == {"ada@acme.example"}


def test_c17_a_refused_address_counts_as_nobody_for_a_week(place: Place) -> None:
    refused("ken@acme.example", NOW - timedelta(days=1))
    assert recipients.of_office(place.office, NOW).fallback
    assert not recipients.of_office(place.office, NOW + timedelta(days=6, minutes=1)).fallback


def test_c17_an_address_that_takes_mail_again_counts_again(place: Place) -> None:
    refused("ken@acme.example", NOW - timedelta(days=1))
    taken("ken@acme.example", NOW - timedelta(hours=1))
    assert not recipients.of_office(place.office, NOW).fallback


def test_c17_an_office_may_have_nobody_at_all(place: Place) -> None:
    refused("ada@acme.example")
    assert recipients.of_office(place.osaka, NOW) == recipients.Audience((), True)


def test_another_companys_people_are_not_told(place: Place) -> None:
    other = Place("Borg")
    other.listed("Mia", "mia@borg.example", offices=(other.office,))
    assert emails(recipients.of_office(place.office, NOW).addresses) == {"ken@acme.example"}
    assert emails(recipients.of_company(place.company, NOW)) == {"ada@acme.example"}


def test_the_installation_is_the_operators_matter_and_everybodys_where_there_is_none(place: Place) -> None:
    other = Place("Borg")
    assert emails(recipients.of_everybody(NOW)) == {"ada@acme.example", "ada@borg.example"}
    Person.objects.create(email="op@host.example", is_operator=True)
    assert emails(recipients.of_everybody(NOW)) == {"op@host.example"} == emails(recipients.operators(NOW))
    refused("op@host.example")
    assert emails(recipients.of_everybody(NOW)) == {"ada@acme.example", f"ada@{other.company.name.lower()}.example"}
