"""The head of a printed page: company, installation, buckets, reader and time; nothing of other offices and other companies."""

import re
from html import unescape

from django.conf import settings
from django.test import Client
from django.urls import reverse

from rokuon.org import services
from rokuon.org.models import Office

from .conftest import Role, World


def head(client: Client, url: str) -> str:
    """What the head says."""
    answer = client.get(url)
    assert answer.status_code == 200
    found = re.search(r'<div class="print-head">(.*?)</dl></div>', answer.content.decode(), re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def own_bucket(world: World, office: Office, name: str) -> None:
    bucket = services.register_bucket(world.company, name)
    services.change(world.company, {"restricted": False})
    Office.objects.filter(pk=office.pk).update(customized=True, bucket=bucket)


def test_a_printed_page_says_what_it_is_about_who_opened_it_and_when(world: World) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    for page in ("", "recordings/", "failures/", "audit/"):
        said = head(client, world.url(page))
        assert f"Company Acme Installation {settings.ROKUON_PUBLIC_URL.host} Bucket gs://acme-recordings Opened by {person.email}" in said
        assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d Asia/Tokyo$", said)


def test_an_office_admin_prints_no_bucket_that_only_another_office_uses(world: World) -> None:
    own_bucket(world, world.osaka, "gs://osaka-only")
    assert "gs://osaka-only" in head(world.admin, world.url("recordings/"))
    assert "gs://osaka-only" in head(world.client(Role.OFFICE_ADMIN, world.osaka), world.url("recordings/"))
    assert "gs://osaka-only" not in head(world.client(Role.OFFICE_ADMIN, world.tokyo), world.url("recordings/"))


def test_many_buckets_are_counted(world: World) -> None:
    for number in range(4):
        services.register_bucket(world.company, f"gs://zz-{number}")
    assert "gs://zz-1 , and 2 more" in head(world.admin, world.url("recordings/"))


def test_a_page_about_no_company_names_none(world: World) -> None:
    said = head(world.admin, reverse("account_sessions"))
    assert "Company" not in said and "Bucket" not in said and "Opened by" in said


def test_nobody_is_named_to_a_stranger_and_parts_of_a_page_have_no_head(world: World) -> None:
    assert "print-head" not in Client().get(reverse("account_login")).content.decode()
    assert "print-head" not in world.admin.get(world.url("work/"), headers={"HX-Request": "true"}).content.decode()


def test_a_hostile_name_is_text_in_the_head(world: World) -> None:
    world.company.name = "<script>x</script>"
    world.company.save(update_fields=["name"])
    page = world.admin.get(world.url("recordings/")).content.decode()
    assert "<script>x" not in page and "<bdi>&lt;script&gt;x" in page
