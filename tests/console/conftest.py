"""A company with two offices and one person for each role; a second company beside it, which the first must never see."""

from dataclasses import dataclass

import pytest
from django.test import Client

from rokuon.accounts.models import Membership, Person
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target

Role = Membership.Role


@dataclass
class World:
    """`tokyo` has the center `sales` and the team `trainees`, `osaka` the center `desk`; `other` is another company with all of its own."""

    company: Company
    bucket: Bucket
    tokyo: Office
    osaka: Office
    sales: Target
    trainees: Target
    desk: Target
    other: Company
    other_office: Office
    other_target: Target

    def person(self, role: str, office: Office | None = None, company: Company | None = None) -> Person:
        """A new person with one role."""
        person = Person.objects.create(email=f"{role}{Person.objects.count()}@example.com")
        Membership.objects.create(person=person, company=company or self.company, office=office, role=role)
        return person

    def client(self, role: str, office: Office | None = None, company: Company | None = None) -> Client:
        """A browser in which that person is signed in, reading English."""
        browser = Client(headers={"accept-language": "en"})
        browser.force_login(self.person(role, office, company))
        return browser

    @property
    def admin(self) -> Client:
        return self.client(Role.COMPANY_ADMIN)

    def url(self, rest: str = "") -> str:
        return f"/c/{self.company.public_id}/{rest}"


def make_company(name: str) -> tuple[Company, Bucket, Office, Office, Target, Target, Target]:
    company = services.create_company(name, f"https://{name.lower()}.example", name)
    bucket = services.register_bucket(company, f"gs://{name.lower()}-recordings")
    tokyo = Office.objects.create(company=company, dialpad_id="1", name=f"{name} Tokyo", timezone="Asia/Tokyo")
    osaka = Office.objects.create(company=company, dialpad_id="2", name=f"{name} Osaka", timezone="Asia/Tokyo")
    sales = Target.objects.create(company=company, office=tokyo, kind="callcenter", dialpad_id="11", name=f"{name} Sales", backed_up=True)
    team = Target.objects.create(
        company=company, office=tokyo, kind="coachingteam", dialpad_id="12", name=f"{name} Trainees", backed_up=True
    )
    desk = Target.objects.create(company=company, office=osaka, kind="callcenter", dialpad_id="13", name=f"{name} Desk", backed_up=True)
    services.change(company, services.choice(company, bucket))
    services.change(company, {"enabled": True})
    company.refresh_from_db()
    return company, bucket, tokyo, osaka, sales, team, desk


@pytest.fixture
def world(db: None) -> World:
    company, bucket, tokyo, osaka, sales, trainees, desk = make_company("Acme")
    other, _bucket, _tokyo, other_office, _sales, _team, other_target = make_company("Zenith")
    return World(company, bucket, tokyo, osaka, sales, trainees, desk, other, other_office, other_target)
