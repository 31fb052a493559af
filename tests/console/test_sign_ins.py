"""The pages of sign-ins, and the audit log of the installation: for admins of the company, for operators, for nobody else."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from rokuon.accounts import audit
from rokuon.accounts.models import Person
from rokuon.accounts.sign_in_models import SignIn

from .conftest import Role, World


def add(email: str, *companies: int, result: str = "ok", times: int = 1, minutes: int = 1, address: str = "203.0.113.9") -> SignIn:
    at = timezone.now() - timedelta(minutes=minutes)
    return SignIn.objects.create(
        at=at, first_at=at, email=email, companies=list(companies), way="password", result=result, times=times, address=address
    )


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200, url
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def operator() -> Client:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(Person.objects.create(email="operator@localhost", is_operator=True))
    return browser


def test_a_company_admin_sees_the_companys_and_no_others(world: World) -> None:
    add("hanako@acme.example", world.company.pk, result="wrong", times=7)
    add("both@acme.example", world.company.pk, world.other.pk)
    add("taro@zenith.example", world.other.pk)
    add("nobody@nowhere.example", result="wrong")
    page = text(world.admin, world.url("audit/sign-ins/"))
    assert "hanako@acme.example" in page and "7 times within the hour" in page and "both@acme.example" in page
    assert "taro@zenith.example" not in page and "nobody@nowhere.example" not in page
    for role, office in ((Role.VIEWER, None), (Role.OFFICE_ADMIN, world.tokyo)):
        assert world.client(role, office).get(world.url("audit/sign-ins/")).status_code == 403


def test_an_operator_sees_everybodys_and_nobody_else_does(world: World) -> None:
    add("taro@zenith.example", world.other.pk)
    add("nobody@nowhere.example", result="wrong")
    page = text(operator(), "/installation/sign-ins/")
    assert "taro@zenith.example" in page and "nobody@nowhere.example" in page
    for path in ("/installation/sign-ins/", "/installation/audit/"):
        assert world.admin.get(path).status_code == 403
        assert Client().get(path)["Location"].startswith("/sign-in/")


def test_an_operator_reads_the_lines_that_belong_to_no_company_and_no_others(world: World) -> None:
    person = Person.objects.create(email="hanako@example.com")
    with transaction.atomic():
        for action, company in (("person.disable", None), ("settings.change", world.company.pk)):
            audit.record(audit.COMMAND_LINE, action, now=timezone.now(), company_id=company, subject=("person", person.pk, f"of {action}"))
    browser = operator()
    page = text(browser, "/installation/audit/")
    assert "Person disabled" in page and "of person.disable" in page
    assert "of settings.change" not in page and "Settings changed" not in page
    assert "No entry matches" in text(browser, "/installation/audit/?action=link.sign_in")
    assert "Audit log of the installation" in text(browser, "/")


def test_lines_are_filtered_and_shown_a_page_at_a_time(world: World) -> None:
    for number in range(60):
        add(f"p{number}@acme.example", world.company.pk, minutes=number, result="ok" if number % 2 else "wrong")
    browser, url = world.admin, world.url("audit/sign-ins/")
    # Who looks has signed in, too.
    first = browser.get(url).content.decode()
    older = re.search(r'href="\?(after=[^"]+)"', first)[1].replace("&amp;", "&")
    shown = [set(re.findall(r"p\d+@acme", page)) for page in (first, browser.get(f"{url}?{older}").content.decode())]
    assert not shown[0] & shown[1]
    assert len(shown[0] | shown[1]) == 60
    assert set(re.findall(r"p\d+@acme", text(browser, url + "?email=P7@acme.example"))) == {"p7@acme"}
    assert len(set(re.findall(r"p\d+@acme", text(browser, url + "?only=refused")))) == 30
    assert "No entry matches" in text(browser, url + "?address=198.51.100.1")


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=2026-01-01,1", "?after=,", "?email=%00", "?only=x", "?after=2026-01-01T00:00Z,9" + "9" * 20]
)
def test_an_address_that_makes_no_sense_is_no_fault(world: World, query: str) -> None:
    add("hanako@acme.example", world.company.pk)
    assert "hanako@acme.example" in text(world.admin, world.url("audit/sign-ins/") + query)


def test_what_a_stranger_sent_is_text_on_the_page(world: World) -> None:
    SignIn.objects.create(
        email='"><script>alert(1)</script>@x.example', browser="<img src=x>", companies=[world.company.pk], way="new", result="new"
    )
    page = world.admin.get(world.url("audit/sign-ins/")).content.decode()
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;alert" in page
