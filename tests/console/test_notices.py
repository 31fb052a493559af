"""The page of notices (M12): what is open, who is told, the mails of late; and who may change which of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rokuon.accounts import recent_auth
from rokuon.accounts.models import AuditEntry, Person
from rokuon.actions import notifications
from rokuon.notify import paths
from rokuon.notify.models import Mail, Notice, NoticeKind, NotificationSettings, Recipient
from rokuon.org.models import Office, Target, User
from tests.notify.mail_server import MailServer

from .conftest import Role, World

NOW = timezone.now()
TOKYO = timedelta(hours=9)
WITH_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="mail.acme.example", EMAIL_PORT=587)
WITHOUT_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def notice(world: World, kind: str = NoticeKind.FAILED, office: Office | None = None, **about: Any) -> Notice:
    about = {
        "cause": "bucket_forbidden" if kind in (NoticeKind.FAILED, NoticeKind.HOLD) else "",
        "count": 31,
        "since": NOW - timedelta(hours=2),
    } | about
    return Notice.objects.create(company=world.company, office=office, kind=kind, **about)


def mail(world: World, to: str = "ken@acme.example", office: Office | None = None, **about: Any) -> Mail:
    return Mail.objects.create(
        company=world.company, office=office, **{"occasion": "opened", "to": to, "language": "en", "letter": {}, "created_at": NOW} | about
    )


def add(world: World, browser: Client, email: str = "desk@acme.example", place: object = "company", language: str = "en") -> Any:
    return browser.post(world.url("notices/add/"), {"email": email, "place": str(place), "language": language})


def stale(browser: Client) -> Client:
    session = browser.session
    session[recent_auth.PROVED_AT] -= 601
    session.save()
    return browser


@WITHOUT_MAIL
def test_without_a_mail_server_the_page_says_so_and_which_setting_mends_it(world: World) -> None:
    page = text(world.admin, world.url("notices/"))
    assert "No notification mails are sent about failures" in page
    assert "ROKUON_SMTP_URL" in page
    assert "Send a test mail" not in page


@WITH_MAIL
def test_the_page_says_how_many_are_told_and_by_which_server(world: World) -> None:
    world.person(Role.OFFICE_ADMIN, world.tokyo)
    world.person(Role.OFFICE_ADMIN, world.osaka)
    page = text(world.admin, world.url("notices/"))
    assert "3 addresses receive notifications when backups fail" in page
    assert "mail.acme.example:587" in page
    assert "No notice is open" in page


@WITH_MAIL
def test_c17_an_office_of_which_nobody_can_be_told_is_a_warning(world: World) -> None:
    person = world.person(Role.OFFICE_ADMIN, world.osaka)
    mail(world, person.email, refused_at=NOW - timedelta(days=1), error="address:550")
    page = text(world.admin, world.url("notices/"))
    assert re.search(r"Nobody of +Acme Tokyo +can be notified. The company's admins are notified instead.", page)
    assert re.search(r"Nobody of +Acme Osaka +can be notified", page), "a refused address is nobody's"
    assert f"{NOW - timedelta(days=1) + TOKYO:%Y-%m-%d %H:%M}" in page, "when it was refused"
    Target.objects.update(backed_up=False)
    assert "Nobody of" not in text(world.admin, world.url("notices/")), "where nothing is backed up nobody needs to be told"


@WITH_MAIL
def test_c17_a_company_without_anybody_to_tell_is_the_first_thing_said(world: World) -> None:
    browser = world.client(Role.VIEWER)
    assert "Nobody can be notified of failures" in text(browser, world.url("notices/"))


@WITH_MAIL
def test_everybody_who_is_told_is_named_with_how_they_are_known(world: World) -> None:
    User.objects.create(company=world.company, dialpad_id="7", name="Mia", emails=["mia@acme.example"], admin_office_ids=["1"])
    browser = world.admin
    add(world, browser, "desk@acme.example", world.osaka.pk, "ja")
    page = text(browser, world.url("notices/"))
    assert re.search(r"Mia +mia@acme.example +Dialpad's directory", page)
    assert re.search(r"desk@acme.example +added by hand · +日本語", page)
    assert "role here" in page


def test_what_is_open_is_told_with_its_cause_what_to_do_and_the_way_there(world: World) -> None:
    told = NOW - timedelta(minutes=30)
    notice(world, office=world.tokyo, told_at=told, times_told=2)
    notice(world, NoticeKind.HOLD, ref=f"bucket:{world.bucket.pk}", facts={"name": world.bucket.url})
    page = world.admin.get(world.url("notices/")).content.decode()
    assert "31 recordings are not backed up" in page
    assert "bucket_forbidden" in page
    assert f'href="{world.url("failures/failed/bucket_forbidden/")}"' in page
    assert f'href="{world.url(f"settings/buckets/{world.bucket.pk}/")}"' in page
    assert "2 times" in page
    assert "2 notices are open." in page


@pytest.mark.parametrize("kind", NoticeKind.values)
def test_every_kind_of_notice_has_words_in_both_languages(world: World, kind: str) -> None:
    company_wide = kind not in (NoticeKind.FAILED, NoticeKind.GONE)
    notice(world, kind, None if company_wide else world.tokyo, cause="recording_gone", ref="7")
    browser = world.admin
    english = text(browser, world.url("notices/"))
    browser.post("/language/", {"language": "ja"})
    japanese = text(browser, world.url("notices/"))
    (row,) = re.findall(r"Reminders +(.*?) +Stop reminders", english)
    (line,) = re.findall(r"リマインダー +(.*?) +リマインダーメールを停止", japanese)
    assert re.search(r"[\u3041-\u30ff]", line)
    assert not re.search(r"[\u3041-\u30ff]", row)


@pytest.mark.parametrize(
    ("kind", "ref"), [*((kind, "7") for kind in NoticeKind.values), (NoticeKind.HOLD, "source"), (NoticeKind.HOLD, "bucket")]
)
def test_the_way_that_a_mail_names_leads_to_a_page(world: World, kind: str, ref: str) -> None:
    ref = f"bucket:{world.bucket.pk}" if ref == "bucket" else ref
    path = paths.of_notice(world.company.public_id, notice(world, kind, cause="bucket_forbidden", ref=ref))
    assert path or kind == NoticeKind.NO_WORKER
    if path:
        assert world.admin.get(path.partition("#")[0]).status_code in (200, 303)
        assert f'href="{path}"' in world.admin.get(world.url("notices/")).content.decode()


def test_no_link_leads_where_the_reader_may_not_go(world: World) -> None:
    for kind in (NoticeKind.NO_EVENT, NoticeKind.HOLD):
        notice(world, kind, ref=f"bucket:{world.bucket.pk}" if kind == NoticeKind.HOLD else "")
    page = world.client(Role.VIEWER).get(world.url("notices/")).content.decode()
    for closed in ("set-up/", "system/", "settings/buckets/"):
        assert f'href="{world.url(closed)}' not in page


def test_what_is_over_is_not_open(world: World) -> None:
    notice(world, office=world.tokyo, ended_at=NOW)
    assert "31 recordings are not" not in text(world.admin, world.url("notices/"))


def test_an_office_sees_its_own_notices_addresses_and_mails_alone(world: World) -> None:
    mine = world.client(Role.OFFICE_ADMIN, world.osaka)
    notice(world, office=world.tokyo, count=4131)
    notice(world, NoticeKind.NOT_LISTED, count=4132)
    notice(world, office=world.osaka, count=4133)
    add(world, world.admin, "tokyo-desk@acme.example", world.tokyo.pk)
    add(world, world.admin, "board@acme.example")
    mail(world, "osaka-mail@acme.example", world.osaka, sent_at=NOW)
    mail(world, "tokyo-mail@acme.example", world.tokyo, sent_at=NOW)
    mail(world, "board-mail@acme.example", sent_at=NOW)
    page = text(mine, world.url("notices/"))
    assert "4,133" in page
    assert "osaka-mail" in page
    for foreign in ("4,131", "tokyo-desk", "board@", "tokyo-mail", "board-mail", "Acme Tokyo", "not been checked"):
        assert foreign not in page


@WITH_MAIL
def test_c13_the_mails_of_late_say_what_became_of_each(world: World) -> None:
    mail(world, "ok@acme.example", sent_at=NOW)
    mail(world, "wait@acme.example", due_at=NOW + timedelta(minutes=5), tries=1, error="server:ConnectionRefusedError")
    mail(world, "gone@acme.example", refused_at=NOW, error="address:550")
    page = text(world.admin, world.url("notices/"))
    assert "Mails wait for the mail server" in page
    assert "ROKUON_SMTP_URL" in page
    assert re.search(r"ok@acme.example +New problem +Sent", page)
    assert re.search(r"wait@acme.example +New problem +Waiting +next try", page)
    assert "ConnectionRefusedError" in page
    assert re.search(r"gone@acme.example +New problem +Refused", page)
    assert "(550)" in page


@WITH_MAIL
def test_one_address_that_is_not_taken_for_now_is_no_fault_of_the_server(world: World) -> None:
    mail(world, "full@acme.example", due_at=NOW + timedelta(minutes=5), tries=1, error="address:452")
    page = text(world.admin, world.url("notices/"))
    assert "1 address receives notifications when backups fail" in page
    assert "(452)" in page


# --- acknowledging ----------------------------------------------------------------------------------------------------


def test_c15_who_stops_the_reminders_is_named_and_it_stays_open(world: World) -> None:
    found = notice(world, office=world.osaka)
    person = world.person(Role.OFFICE_ADMIN, world.osaka)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    assert browser.post(world.url(f"notices/{found.pk}/acknowledge/")).status_code == 303
    found.refresh_from_db()
    assert (found.acknowledged_by, found.ended_at) == (person.email, None)
    page = text(browser, world.url("notices/"))
    assert re.search(rf"stopped by +{person.email}", page)
    assert "31 recordings are not backed up" in page
    entry = AuditEntry.objects.get(action="failure.acknowledge")
    assert (entry.office, entry.actor) == (world.osaka, person.email)


def test_c15_only_who_may_retry_stops_reminders_and_only_within_reach(world: World) -> None:
    found, company_wide = notice(world, office=world.tokyo), notice(world, NoticeKind.NOT_LISTED)
    url = world.url(f"notices/{found.pk}/acknowledge/")
    assert world.client(Role.VIEWER).post(url).status_code == 403
    osaka = world.client(Role.OFFICE_ADMIN, world.osaka)
    assert osaka.post(url).status_code == 404
    assert osaka.post(world.url(f"notices/{company_wide.pk}/acknowledge/")).status_code == 404
    assert world.client(Role.COMPANY_ADMIN, company=world.other).post(url).status_code == 404
    assert not Notice.objects.exclude(acknowledged_at=None).exists()
    assert not AuditEntry.objects.exists()


def test_reminders_that_are_stopped_already_are_not_stopped_again(world: World) -> None:
    found = notice(world, office=world.tokyo)
    browser = world.admin
    for _time in range(2):
        browser.post(world.url(f"notices/{found.pk}/acknowledge/"))
    assert AuditEntry.objects.filter(action="failure.acknowledge").count() == 1
    assert "Already done" in text(browser, world.url("notices/"))


# --- addresses --------------------------------------------------------------------------------------------------------


def test_an_address_is_added_and_removed_and_both_are_written_down(world: World) -> None:
    browser = world.admin
    assert add(world, browser, " Desk@Acme.example ", world.osaka.pk, "ja").status_code == 303
    added = Recipient.objects.get()
    assert (added.email, added.office, added.language) == ("desk@acme.example", world.osaka, "ja")
    assert browser.post(world.url(f"notices/recipients/{added.pk}/remove/")).status_code == 303
    assert not Recipient.objects.exists()
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "office_id", "subject"))
    assert entries == [("notice.add", world.osaka.pk, "desk@acme.example"), ("notice.remove", world.osaka.pk, "desk@acme.example")]


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", "not an e-mail address"),
        ("nobody", "not an e-mail address"),
        ("a@acme.example\r\nBcc: all@acme.example", "not an e-mail address"),
        ("a@acme.example,b@acme.example", "not an e-mail address"),
        ("Ann <ann@acme.example>", "not an e-mail address"),
        ("a\0b@acme.example\0.", "not an e-mail address"),
        (f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.example", "not an e-mail address"),
        ("KNOWN@acme.example", "already receives notifications there"),
    ],
)
def test_an_address_that_cannot_be_is_refused_and_stands_in_the_form(world: World, email: str, said: str) -> None:
    browser = world.admin
    add(world, browser, "known@acme.example")
    answer = add(world, browser, email)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Recipient.objects.count() == 1


def test_the_same_address_may_be_told_of_two_offices(world: World) -> None:
    browser = world.admin
    for place in ("company", world.tokyo.pk, world.osaka.pk):
        assert add(world, browser, place=place).status_code == 303
    assert Recipient.objects.count() == 3


@pytest.mark.parametrize("place", ["", "everywhere", "0", "-1", "9" * 40, "other"])
def test_a_place_or_a_language_that_there_is_not_is_refused(world: World, place: str) -> None:
    place = str(world.other_office.pk) if place == "other" else place
    browser = world.admin
    assert add(world, browser, place=place).status_code == 422
    assert add(world, browser, language=place or "fr").status_code == 422
    assert not Recipient.objects.exists()


def test_there_is_an_end_to_how_many_addresses_a_place_has(world: World) -> None:
    for number in range(notifications.MOST):
        Recipient.objects.create(company=world.company, email=f"a{number}@acme.example", language="en")
    browser = world.admin
    answer = add(world, browser)
    assert answer.status_code == 422
    assert "Use a mailing list instead" in answer.content.decode()
    assert add(world, browser, place=world.osaka.pk).status_code == 303


def test_an_office_admin_changes_the_addresses_of_that_office_alone(world: World) -> None:
    admin, osaka = world.admin, world.client(Role.OFFICE_ADMIN, world.osaka)
    add(world, admin, "tokyo@acme.example", world.tokyo.pk)
    add(world, admin, "board@acme.example")
    assert add(world, osaka, "mine@acme.example", world.osaka.pk).status_code == 303
    assert add(world, osaka, "mine@acme.example", world.tokyo.pk).status_code == 422
    assert add(world, osaka, "mine@acme.example", "company").status_code == 422
    for email, expected in (("tokyo@acme.example", 404), ("board@acme.example", 404), ("mine@acme.example", 303)):
        found = Recipient.objects.get(email=email)
        assert osaka.post(world.url(f"notices/recipients/{found.pk}/remove/")).status_code == expected
    assert set(Recipient.objects.values_list("email", flat=True)) == {"tokyo@acme.example", "board@acme.example"}


def test_a_viewer_and_another_company_change_no_address(world: World) -> None:
    add(world, world.admin)
    found = Recipient.objects.get()
    url = world.url(f"notices/recipients/{found.pk}/remove/")
    viewer, stranger = world.client(Role.VIEWER), world.client(Role.COMPANY_ADMIN, company=world.other)
    assert [viewer.post(url).status_code, stranger.post(url).status_code] == [403, 404]
    assert [add(world, viewer).status_code, add(world, stranger).status_code] == [403, 404]
    there = f"/c/{world.other.public_id}/notices/recipients/{found.pk}/remove/"
    assert stranger.post(there).status_code == 404, "an id of another company"
    assert Recipient.objects.count() == 1


def test_who_gets_mails_is_changed_only_by_who_proved_a_moment_ago_who_it_is(world: World) -> None:
    browser = world.admin
    add(world, browser)
    stale(browser)
    assert add(world, browser, "late@acme.example")["Location"].startswith("/account/confirm/")
    assert browser.post(world.url(f"notices/recipients/{Recipient.objects.get().pk}/remove/"))["Location"].startswith("/account/confirm/")
    assert Recipient.objects.count() == 1
    page = browser.get(world.url("notices/")).content.decode()
    assert "asks you to confirm who you are before it changes the recipients" in page
    assert 'name="email"' in page, "the form stays, and what is typed in it comes back"


# --- how it is told ---------------------------------------------------------------------------------------------------


def test_a_company_admin_chooses_how_it_is_told(world: World) -> None:
    browser = world.admin
    assert browser.post(world.url("notices/how/"), {"weekly": "on", "language": "ja"}).status_code == 303
    preferences = NotificationSettings.objects.get(company=world.company)
    assert (preferences.directory_admins, preferences.weekly, preferences.language) == (False, True, "ja")
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"directory_admins": True, "language": ""}, {"directory_admins": False, "language": "ja"})
    browser.post(world.url("notices/how/"), {"weekly": "on", "language": "ja"})
    assert AuditEntry.objects.count() == 1, "what differs in nothing is no change"


def test_nobody_else_does(world: World) -> None:
    url = world.url("notices/how/")
    for browser in (world.client(Role.VIEWER), world.client(Role.OFFICE_ADMIN, world.tokyo)):
        assert browser.post(url, {"language": "ja"}).status_code == 403
    assert world.client(Role.COMPANY_ADMIN, company=world.other).post(url, {"language": "ja"}).status_code == 404
    assert world.admin.post(url, {"language": "fr"}).status_code == 422
    assert not NotificationSettings.objects.exists()


# --- test mail and previews -------------------------------------------------------------------------------------------


@WITHOUT_MAIL
def test_without_a_mail_server_no_test_mail_is_promised(world: World) -> None:
    browser = world.admin
    browser.post(world.url("notices/test/"))
    assert "No mail server is set, so no mail can be sent." in text(browser, world.url("notices/"))


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that this installation uses."""
    taking = MailServer()
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=taking.port,
        EMAIL_TIMEOUT=5,
        EMAIL_USE_TLS=False,
        EMAIL_USE_SSL=False,
    ):
        taking.on()
        yield taking
        taking.off()


def test_a_test_mail_goes_to_oneself_in_ones_language_and_not_twice_a_moment(world: World, server: MailServer) -> None:
    person = world.person(Role.OFFICE_ADMIN, world.osaka)
    Person.objects.filter(pk=person.pk).update(language="ja")
    browser = Client()
    browser.force_login(Person.objects.get(pk=person.pk))
    for _time in range(2):
        assert browser.post(world.url("notices/test/"), {"to": "someone@else.example"}).status_code == 303
    assert server.readers == [person.email]
    assert server.mails[0]["Content-Language"] == "ja"
    assert re.search(r"[\u3041-\u30ff]", server.mails[0]["Subject"])


def test_an_address_that_the_server_refuses_is_said_at_once(world: World, server: MailServer) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    server.refuses[person.email] = "550 no such user"
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    browser.post(world.url("notices/test/"))
    page = text(browser, world.url("notices/"))
    assert "(550)" in page
    assert "no such user" not in page, "a server's words are nobody's to show"


@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9)
def test_a_test_mail_that_is_not_taken_says_why_and_what_to_do(world: World) -> None:
    browser = world.admin
    browser.post(world.url("notices/test/"))
    assert "ROKUON_SMTP_URL" in text(browser, world.url("notices/"))


def test_a_viewer_sends_no_test_mail(world: World, server: MailServer) -> None:
    assert world.client(Role.VIEWER).post(world.url("notices/test/")).status_code == 403
    assert server.connections == 0


def test_every_mail_is_shown_in_both_languages_in_a_frame_that_runs_nothing(world: World) -> None:
    browser = world.client(Role.VIEWER)
    shown = browser.get(world.url("notices/mails/"))
    assert "frame-src 'self'" in shown["Content-Security-Policy"]
    names = re.findall(r'href="\?mail=(\w+)&amp;language=en"', shown.content.decode())
    assert len(set(names)) >= 8
    for name in set(names):
        for language in ("en", "ja"):
            page = browser.get(world.url(f"notices/mails/?mail={name}&language={language}"))
            assert page.status_code == 200
            (frame,) = re.findall(r'<iframe class="mail-frame" src="([^"]+)"[^>]* sandbox>', page.content.decode())
            one = browser.get(frame.replace("&amp;", "&"))
            assert f'lang="{language}"' in one.content.decode()
            assert "default-src 'none'" in one["Content-Security-Policy"]
            assert "script" not in one["Content-Security-Policy"]
            assert one["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("asked", ["mail=nothing", "language=fr", "mail=", "mail=<script>"])
def test_a_mail_that_there_is_not_is_not_found(world: World, asked: str) -> None:
    browser = world.admin
    assert browser.get(world.url(f"notices/mails/?{asked}")).status_code == 404
    assert browser.get(world.url(f"notices/mails/one/?{asked}")).status_code == 404


def test_the_page_asks_the_database_as_much_for_many_offices_as_for_few(world: World) -> None:
    browser, asked = world.admin, []
    for number in range(20):
        if number in (1, 19):
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(world.url("notices/")).status_code == 200
            asked.append(len(queries))
        office = Office.objects.create(company=world.company, dialpad_id=f"o{number}", name=f"Office {number}")
        Target.objects.create(
            company=world.company, office=office, kind="callcenter", dialpad_id=f"t{number}", name=f"T{number}", backed_up=True
        )
        notice(world, office=office)
        mail(world, f"m{number}@acme.example", office, sent_at=NOW)
        Recipient.objects.create(company=world.company, office=office, email=f"r{number}@acme.example", language="en")
    assert asked[0] == asked[1]
    assert asked[1] <= 41
