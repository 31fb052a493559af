"""`rokuon notices` (M12): what is open, which mails did not leave and why, who is told; every change is audited."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from rokuon.accounts.models import AuditEntry
from rokuon.notify.models import Mail, Notice, NoticeKind, NotificationSettings, Recipient
from tests.notify.factory import Place

from .conftest import Rokuon, on_database
from .test_serve import free_port

NOW = datetime.now(UTC)


@pytest.fixture
def cli(outer: Path, database_url: str) -> Rokuon:
    """An installation on the test's own database."""
    return on_database(outer, database_url, ROKUON_PUBLIC_URL="https://rokuon.example")


@pytest.fixture
def place(cli: Rokuon) -> Place:
    return Place()


def notice(place: Place, **how: Any) -> Notice:
    fields = {
        "company": place.company,
        "office": place.office,
        "kind": NoticeKind.FAILED,
        "cause": "recording_forbidden",
        "count": 3,
        "most": 3,
        "since": NOW - timedelta(hours=2),
        **how,
    }
    return Notice.objects.create(**fields)


class Server:
    """Takes mail for everybody at acme.example and refuses the rest for good."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if not address.endswith("@acme.example"):
            return "550 5.1.1 nobody here by that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content.decode())
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    handler = Server()
    controller = Controller(handler, "127.0.0.1", free_port())
    controller.start()
    yield handler, f"smtp://127.0.0.1:{controller.port}?tls=none"
    controller.stop()


def test_open_notices_say_what_where_since_when_and_who_was_told(cli: Rokuon, place: Place) -> None:
    mine = notice(place, told_at=NOW - timedelta(hours=1), times_told=2)
    notice(place, office=place.osaka, count=1)
    notice(place, company=None, office=None, kind=NoticeKind.NO_WORKER, cause="", count=1)
    notice(place, cause="recording_empty", ended_at=NOW)
    found = cli("notices", "--json").json["open"]
    assert [(one["kind"], one["office"], one["count"], one["times_told"]) for one in found] == [
        ("failed", "Tokyo", 3, 2),
        ("failed", "Osaka", 1, 0),
        ("no_worker", None, 1, 0),
    ]
    said = cli("notices").out
    for words in (
        f"{mine.pk}  Tokyo: 3 recordings are not backed up",
        "[recording_forbidden]",
        "Notified 2 times",
        "Nobody was notified yet.",
    ):
        assert words in said
    assert "No mail server is set" in said
    assert [one["office"] for one in cli("notices", "--office", "Osaka", "--json").json["open"]] == ["Osaka"]
    assert cli("notices", "--json", "ack", str(mine.pk)).code == 2, "an option before the command would be lost"


def test_mails_that_did_not_leave_say_why(cli: Rokuon, place: Place) -> None:
    common = {"company": place.company, "occasion": "opened", "language": "en", "letter": {}}
    Mail.objects.create(**common, to="waits@acme.example", due_at=NOW + timedelta(minutes=5), tries=2, error="server:535")
    Mail.objects.create(**common, to="gone@acme.example", refused_at=NOW, tries=1, error="address:550")
    Mail.objects.create(**common, to="fine@acme.example", sent_at=NOW)
    unsent = {one["to"]: one for one in cli("notices", "--json").json["unsent"]}
    assert unsent.keys() == {"waits@acme.example", "gone@acme.example"}
    assert "ROKUON_SMTP_URL" in unsent["waits@acme.example"]["why"]
    assert (unsent["gone@acme.example"]["next_try"], unsent["gone@acme.example"]["error"]) == (None, "address:550")
    assert "given up" in cli("notices").out


def test_a_notice_that_somebody_takes_in_hand_stays_open(cli: Rokuon, place: Place) -> None:
    mine = notice(place)
    assert cli("notices", "ack", str(mine.pk), "--json").json == {"acknowledged": True}
    assert cli("notices", "ack", str(mine.pk), "--json").json == {"acknowledged": False}
    mine.refresh_from_db()
    assert (mine.acknowledged_by, mine.ended_at) == ("command line", None)
    assert AuditEntry.objects.get(action="failure.acknowledge").actor == "command line"
    assert "command line" in cli("notices").out
    assert cli("notices", "ack", "999999").code == 2
    whole = notice(place, company=None, office=None, kind=NoticeKind.NO_WORKER, cause="")
    refused = cli("notices", "ack", str(whole.pk))
    assert (refused.code, "rokuon worker" in refused.err) == (2, True)


def test_a_test_mail_says_what_the_server_answered(cli: Rokuon, place: Place, server: tuple[Server, str]) -> None:
    handler, url = server
    assert cli("notices", "test", "me@acme.example").code == 2, "without a mail server"
    sent = cli("notices", "test", "me@acme.example", "--language", "ja", ROKUON_SMTP_URL=url)
    assert (sent.code, len(handler.taken)) == (0, 1), sent.err
    refused = cli("notices", "test", "me@elsewhere.example", "--json", ROKUON_SMTP_URL=url)
    assert (refused.code, refused.json["taken"], refused.json["error"]) == (1, False, "address:550")
    assert "nobody here" not in refused.out, "the server's own words are not repeated"
    nobody = cli("notices", "test", "me@acme.example", ROKUON_SMTP_URL=f"smtp://127.0.0.1:{free_port()}?tls=none")
    assert (nobody.code, "ROKUON_SMTP_URL" in nobody.err) == (1, True)
    assert not Mail.objects.exists()


def test_every_mail_can_be_looked_at_in_both_languages(cli: Rokuon) -> None:
    assert "録音" in cli("notices", "preview", "opened", "--language", "ja").out
    assert cli("notices", "preview", "weekly", "--language", "en", "--html").out.lower().lstrip().startswith("<!doctype html")
    assert cli("notices", "preview", "nonsense").code == 2


def test_addresses_are_added_listed_and_removed_by_hand(cli: Rokuon, place: Place) -> None:
    assert cli("notices", "to", "add", "Ops@acme.example", "--office", "Osaka", "--language", "ja").code == 0
    added = Recipient.objects.get()
    assert (added.email, added.office, added.language, added.added_by) == ("ops@acme.example", place.osaka, "ja", "command line")
    known = {(one["email"], one["office"], one["known_by"]) for one in cli("notices", "to", "list", "--json").json}
    assert known == {
        ("ada@acme.example", None, "person"),
        ("ken@acme.example", "Tokyo", "person"),
        ("ops@acme.example", "Osaka", "added"),
    }
    assert cli("notices", "to", "add", "ops@acme.example", "--office", "Osaka").code == 2
    assert cli("notices", "to", "add", "no address").code == 2
    assert cli("notices", "to", "remove", "ops@acme.example").code == 2, "of the office, not of the company"
    assert cli("notices", "to", "remove", "OPS@acme.example", "--office", "Osaka").code == 0
    assert not Recipient.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["notice.add", "notice.remove"]


def test_c17_an_office_that_nobody_is_told_of_is_named(cli: Rokuon, place: Place) -> None:
    assert "notified instead: Osaka." in cli("notices", "to", "list").out


def test_how_a_company_is_told_is_set_and_audited(cli: Rokuon, place: Place) -> None:
    assert cli("notices", "set").code == 2
    assert cli("notices", "set", "--no-weekly", "--language", "ja", "--json").json == {"changed": True}
    assert cli("notices", "set", "--no-weekly", "--json").json == {"changed": False}
    preferences = NotificationSettings.objects.get(pk=place.company.pk)
    assert (preferences.weekly, preferences.directory_admins, preferences.language) == (False, True, "ja")
    assert cli("notices", "set", "--language", "default", "--no-directory-admins").code == 0
    preferences.refresh_from_db()
    assert (preferences.weekly, preferences.directory_admins, preferences.language) == (False, False, "")
    assert AuditEntry.objects.filter(action="notice.rhythm", actor="command line").count() == 2
