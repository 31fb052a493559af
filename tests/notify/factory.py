"""A company whose failures someone is told of: two offices with targets, people of each kind, and what the directory says."""

from datetime import datetime, timedelta

from rokuon.accounts.models import Membership, Person
from rokuon.completeness.options import fingerprint
from rokuon.domain.work import Work
from rokuon.ledger import coverage, record
from rokuon.ledger.sql import ms
from rokuon.notify import findings, tracker
from rokuon.notify.models import Mail, Recipient
from rokuon.org.models import Office, Target, User
from rokuon.runtime.mail_addresses import normal
from tests.ledger.factory import NOW, World, failed

Role = Membership.Role


class Place(World):
    """Tokyo (`office`) has an office admin, Osaka (`osaka`) nobody; Ada is the company's admin."""

    def __init__(self, name: str = "Acme") -> None:
        super().__init__(name)
        at = f"@{name.lower()}.example"
        self.asked: list[datetime] = []
        self.osaka = Office.objects.create(company=self.company, dialpad_id="2", name="Osaka", timezone="Asia/Tokyo")
        self.far = Target.objects.create(
            company=self.company, office=self.osaka, kind="callcenter", dialpad_id="21", name="Returns", backed_up=True
        )
        self.ada = self.person("ada" + at, Role.COMPANY_ADMIN)
        self.ken = self.person("ken" + at, Role.OFFICE_ADMIN, self.office, language="ja")

    def person(self, email: str, role: str, office: Office | None = None, language: str = "en") -> Person:
        person = Person.objects.filter(email=email).first() or Person.objects.create(email=email, name=email[:3], language=language)
        Membership.objects.create(person=person, company=self.company, office=office, role=role)
        return person

    def add(self, email: str, office: Office | None = None, language: str = "en") -> Recipient:
        return Recipient.objects.create(company=self.company, office=office, email=normal(email), language=language, added_by="ada")

    def fail(self, *numbers: int, target: Target | None = None, reason: str = "recording_not_audio", at: datetime = NOW) -> list[Work]:
        """Copies that are tried and fail, by the ledger's own transitions."""
        works = self.place(*(self.planned(number, target) for number in numbers), now=at)
        record.record([failed(work, reason) for work in works], at)
        return works

    def list_everything(self, *targets: Target) -> None:
        """Every day that may be wanted in a test is listed, of these targets or of all."""
        ids = [one.pk for one in targets] or list(Target.objects.filter(company=self.company).values_list("pk", flat=True))
        days = [NOW.date() + timedelta(days=number) for number in range(-830, 90)]
        coverage.cover(ids, days, fingerprint(self.company), ms(NOW + timedelta(days=90)))

    def look(self, at: datetime) -> list[Mail]:
        """What the tick does for this company at that time; the mails that it put."""
        before = set(Mail.objects.values_list("pk", flat=True))
        self.company.refresh_from_db()
        tracker.watch(self.company, findings.of_company(self.company, at), at, lambda: self.asked.append(at))
        return list(Mail.objects.exclude(pk__in=before).order_by("pk"))

    def listed(self, name: str, *emails: str, offices: tuple[Office, ...] = (), **fields: object) -> User:
        """Someone in Dialpad's directory, an admin of these offices."""
        ids = [office.dialpad_id for office in offices]
        return User.objects.create(
            company=self.company, dialpad_id=f"u-{name}", name=name, emails=list(emails), admin_office_ids=ids, **fields
        )


def refused(email: str, at: datetime = NOW) -> Mail:
    """A mail to the address that the server refused for good."""
    return Mail.objects.create(occasion="opened", to=email, language="en", letter={}, created_at=at, refused_at=at, error="address:550")


def told(mails: list[Mail]) -> list[tuple[str, str, str]]:
    """(occasion, address, office) of each."""
    return [(mail.occasion, mail.to.partition("@")[0], mail.letter["office"]) for mail in mails]


def taken(email: str, at: datetime = NOW) -> Mail:
    return Mail.objects.create(occasion="opened", to=email, language="en", letter={}, created_at=at, sent_at=at)
