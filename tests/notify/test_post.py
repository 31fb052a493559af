"""Mails leave the house: over real sockets, against a server that fails in every way a server can."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from rokuon.notify import post, recipients
from rokuon.notify.letter import Letter, Line
from rokuon.notify.models import Mail
from rokuon.notify.recipients import Address
from rokuon.ops.mail import Whose
from rokuon.org.models import Company
from tests.ledger.factory import NOW
from tests.notify.factory import Place
from tests.notify.mail_server import MailServer

ORIGIN = "https://rokuon.example"
LETTER = Letter("opened", "Acme", "Tokyo", "Asia/Tokyo", (Line("failed", "bucket_forbidden", count=31, path="/c/x/failures/"),))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **how: float) -> None:
        self.now += timedelta(**how)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def direct(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def write(place: Place, clock: Clock, *emails: str, letter: Letter = LETTER) -> None:
    addresses = [Address(email, "en") for email in emails]
    assert post.put(letter, addresses, company_id=place.company.pk, office_id=place.office.pk, now=clock()) == len(emails)


def send(clock: Clock) -> bool:
    def admins(company_id: int) -> Sequence[Address]:
        return recipients.of_company(Company.objects.get(pk=company_id), clock())

    return post.send_due(direct, clock, ORIGIN, admins)


def only() -> Mail:
    return Mail.objects.get()


def test_a_mail_goes_once_and_says_where_it_comes_from(smtp: MailServer, place: Place, clock: Clock) -> None:
    write(place, clock, "ken@acme.example")
    assert send(clock) is False
    clock.forward(hours=3)
    assert send(clock) is False
    (mail,) = smtp.mails
    stored = only()
    assert (stored.sent_at, stored.due_at, stored.tries, stored.error) == (NOW, None, 1, "")
    assert mail["To"] == "ken@acme.example"
    assert mail["From"] == "Rokuon <rokuon@rokuon.example>"
    assert str(stored.token) in mail["Message-ID"]
    assert (mail["Auto-Submitted"], mail["List-Id"]) == ("auto-generated", "Rokuon <notices.rokuon.example>")
    assert mail["Date"] is not None
    assert mail["Subject"] == "Tokyo: 31 recordings are not backed up (the bucket cannot be written to)"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_many_mails_go_over_one_connection(smtp: MailServer, place: Place, clock: Clock) -> None:
    write(place, clock, *(f"p{n}@acme.example" for n in range(12)))
    send(clock)
    assert (len(smtp.taken), smtp.connections) == (12, 1)


def test_c13_six_hours_without_a_server_lose_no_mail_and_double_none(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.off()
    asked = []
    for minute in range(360):
        if minute < 200 and minute % 50 == 0:
            write(place, clock, f"p{minute}@acme.example")
        if post.waits(clock()):
            asked.append(minute)
            send(clock)
        clock.forward(minutes=1)
    waiting = post.standing(place.company.pk, clock())
    assert (waiting.waiting, waiting.oldest, waiting.last_sent) == (4, NOW, None)
    assert waiting.error == "server:ConnectionRefusedError"
    assert 10 < len(asked) < 40, "a server that is down is asked often at first and then hourly"
    smtp.on()
    clock.forward(hours=1)
    send(clock)
    assert sorted(smtp.readers) == ["p0@acme.example", "p100@acme.example", "p150@acme.example", "p50@acme.example"]
    send(clock)
    assert len(smtp.taken) == 4
    assert "The mail server could not be used for a while" in smtp.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_c13_the_first_mail_that_goes_takes_all_that_waited_along(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.off()
    for _ in range(8):
        write(place, clock, "early@acme.example")
        send(clock)
        clock.forward(hours=1)
    smtp.on()
    write(place, clock, "late@acme.example")
    send(clock)
    assert len(smtp.taken) == 9


def test_a_server_that_is_away_for_a_week_ends_the_mail_where_people_see_it(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.off()
    write(place, clock, "ken@acme.example")
    send(clock)
    clock.forward(days=7)
    send(clock)
    stored = only()
    assert (stored.refused_at, stored.due_at, stored.error) == (clock(), None, "server:ConnectionRefusedError")
    assert post.standing(place.company.pk, clock()).refused == 1
    clock.forward(minutes=1)
    assert not recipients.refused_of(["ken@acme.example"], clock()), "the address is not to blame"


def test_e14_killed_between_the_answer_and_the_commit_the_mail_comes_twice_as_one(smtp: MailServer, place: Place, clock: Clock) -> None:
    """The lease is what a killed sender leaves behind."""
    write(place, clock, "ken@acme.example")

    class Killed(BaseException):
        pass

    def dies(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if function.__name__ == "_sent":
            raise Killed
        return function(*args, **kwargs)

    with pytest.raises(Killed):
        post.send_due(dies, clock, ORIGIN, lambda _company: ())
    assert len(smtp.taken) == 1
    send(clock)
    assert len(smtp.taken) == 1, "not before the lease is over"
    clock.forward(minutes=5)
    send(clock)
    first, second = smtp.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert only().sent_at == clock()


def test_a_connection_that_ends_without_an_answer_leaves_the_same_message_id(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.drops = 1
    write(place, clock, "ken@acme.example", "lee@acme.example")
    send(clock)
    assert Mail.objects.filter(sent_at__isnull=False).count() == 2, "the next mail that went took it along"
    assert len(smtp.taken) == 3
    ids = {
        to: {mail["Message-ID"] for (reader, _), mail in zip(smtp.taken, smtp.mails, strict=True) if reader == to} for to in smtp.readers
    }
    assert [len(found) for found in ids.values()] == [1, 1]


@pytest.mark.usefixtures("transactional_db")
def test_two_senders_at_once_send_each_mail_once(smtp: MailServer, clock: Clock) -> None:
    place = Place()
    write(place, clock, *(f"p{n}@acme.example" for n in range(30)))
    start = threading.Barrier(2)

    def sender() -> None:
        start.wait()
        try:
            send(clock)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sender) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(smtp.readers) == sorted(f"p{n}@acme.example" for n in range(30))
    assert smtp.connections == 2


@pytest.mark.parametrize("answer", ["450 4.2.1 busy", "451 4.7.1 greylisted, come back"])
def test_a_reader_who_cannot_be_reached_now_does_not_keep_the_others_waiting(
    smtp: MailServer, place: Place, clock: Clock, answer: str
) -> None:
    smtp.refuses["ken@acme.example"] = answer
    write(place, clock, "ken@acme.example", "lee@acme.example")
    send(clock)
    assert smtp.readers == ["lee@acme.example"]
    waits = Mail.objects.get(to="ken@acme.example")
    assert (waits.due_at, waits.error) == (NOW + timedelta(minutes=1), f"address:{answer[:3]}")
    pauses = []
    for _ in range(6):
        assert waits.due_at is not None
        before = clock.now = waits.due_at
        send(clock)
        waits.refresh_from_db()
        assert waits.due_at is not None
        pauses.append((waits.due_at - before) // timedelta(minutes=1))
    assert pauses == [5, 15, 60, 60, 60, 60]
    smtp.refuses.clear()
    clock.forward(hours=2)
    send(clock)
    assert smtp.readers == ["lee@acme.example", "ken@acme.example"]


def test_c17_a_refused_reader_of_an_office_is_made_up_for_by_the_companys_admins_once(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.refuses = dict.fromkeys(("ken@acme.example", "lee@acme.example"), "550 5.1.1 nobody of that name")
    write(place, clock, "ken@acme.example", "lee@acme.example")
    send(clock)
    assert smtp.readers == ["ada@acme.example"]
    (mail,) = smtp.mails
    assert "nobody of Tokyo can be reached" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    refused = Mail.objects.filter(refused_at=NOW)
    assert {(one.to, one.error) for one in refused} == {("ken@acme.example", "address:550"), ("lee@acme.example", "address:550")}
    assert set(recipients.refused_of(["ken@acme.example"], clock())) == {"ken@acme.example"}


def test_c17_nobody_is_told_instead_of_an_office_that_one_reader_still_speaks_for(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.refuses["ken@acme.example"] = "550 5.1.1 gone"
    write(place, clock, "ken@acme.example", "lee@acme.example")
    send(clock)
    assert smtp.readers == ["lee@acme.example"]


def test_c17_an_admin_who_is_refused_too_is_not_told_for_ever(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.refuses = dict.fromkeys(("ken@acme.example", "ada@acme.example"), "550 5.1.1 gone")
    write(place, clock, "ken@acme.example")
    send(clock)
    assert Mail.objects.count() == 2
    assert not Mail.objects.filter(due_at__isnull=False).exists()


@pytest.mark.parametrize("address", ["not an address", "ken@acme.example\r\nBcc: eve@example.org", "かなえ@acme.example", ""])
def test_q39_what_is_no_address_is_never_said_to_a_server(smtp: MailServer, place: Place, clock: Clock, address: str) -> None:
    write(place, clock, address)
    send(clock)
    assert Mail.objects.get(to=address).error == "address:invalid"
    assert smtp.readers == ["ada@acme.example"]


@pytest.mark.parametrize(
    ("break_", "error"),
    [
        ({"sender_refused": "553 5.7.60 not as this sender"}, "server:553"),
        ({"sender_refused": "451 4.3.0 no space"}, "server:451"),
        ({"refuses": {"ken@acme.example": "530 5.7.0 sign in first"}}, "server:530"),
        ({"refuses": {"ken@acme.example": "554 5.7.1 relay access denied"}}, "policy:554"),
        ({"says": "451 4.3.0 later"}, "message:451"),
    ],
)
def test_what_somebody_can_mend_at_the_server_costs_no_mail(
    smtp: MailServer, place: Place, clock: Clock, break_: dict[str, Any], error: str
) -> None:
    for name, value in break_.items():
        setattr(smtp, name, value)
    write(place, clock, "ken@acme.example")
    send(clock)
    assert (only().error, only().refused_at) == (error, None)
    smtp.sender_refused, smtp.says, smtp.refuses = "", "", {}
    clock.forward(hours=1)
    send(clock)
    assert smtp.readers == ["ken@acme.example"]


def test_a_wrong_password_waits_visibly_until_it_is_right(
    smtp: MailServer, place: Place, clock: Clock, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    smtp.off()
    smtp.password = "right"
    smtp.on()
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "rokuon", "wrong-secret"
    write(place, clock, "ken@acme.example")
    with caplog.at_level(logging.DEBUG):
        send(clock)
    assert post.standing(place.company.pk, clock()).error == "server:535"
    assert "wrong-secret" not in caplog.text
    assert "ken@acme.example" not in caplog.text
    settings.EMAIL_HOST_PASSWORD = "right"
    clock.forward(minutes=1)
    send(clock)
    assert smtp.readers == ["ken@acme.example"]


def test_a_mail_that_the_server_refuses_for_what_it_says_ends(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.says = "552 5.3.4 too large, and a text that is kept nowhere"
    write(place, clock, "ken@acme.example")
    send(clock)
    stored = Mail.objects.get(to="ken@acme.example")
    assert (stored.refused_at, stored.error) == (NOW, "message:552")


def test_a_fault_of_our_own_in_one_mail_does_not_keep_the_others(
    smtp: MailServer, place: Place, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Letter("opened", "Acme", "Tokyo", lines=(Line("failed", since="no time at all"),))
    write(place, clock, "ken@acme.example", letter=broken)
    write(place, clock, "lee@acme.example")
    send(clock)
    assert smtp.readers == ["lee@acme.example"]
    assert Mail.objects.get(to="ken@acme.example").error == "message:ValueError"
    assert "mail_crashed" in caplog.text


def test_a_server_that_somebody_took_out_of_the_settings_is_one_that_is_away(
    smtp: MailServer, place: Place, clock: Clock, settings: Any
) -> None:
    write(place, clock, "ken@acme.example")
    there, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.dummy.EmailBackend"
    assert send(clock) is False
    assert (only().error, only().due_at) == ("server:NoServer", NOW + timedelta(minutes=1))
    settings.EMAIL_BACKEND = there
    clock.forward(minutes=1)
    send(clock)
    assert smtp.readers == ["ken@acme.example"]


def test_a_hanging_server_is_left_after_its_time(smtp: MailServer, place: Place, clock: Clock, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    smtp.hangs = True
    write(place, clock, "ken@acme.example")
    send(clock)
    assert only().error == "server:SMTPServerDisconnected"


def test_the_trial_says_at_once_how_it_went(smtp: MailServer, settings: Any) -> None:
    assert post.trial("ada@acme.example", "ja", "青空トラベル", "Asia/Tokyo", ORIGIN) is None
    (mail,) = smtp.mails
    assert mail["Subject"] == "青空トラベル: Rokuon からのテストメール"
    smtp.refuses["ada@acme.example"] = "550 5.1.1 no"
    refused = post.trial("ada@acme.example", "en", "Acme", "", ORIGIN)
    assert refused is not None
    assert (refused.whose, refused.code, refused.final) == (Whose.ADDRESS, "550", True)
    smtp.off()
    away = post.trial("ada@acme.example", "en", "Acme", "", ORIGIN)
    assert str(away) == "server:ConnectionRefusedError"
    assert str(post.trial("no address", "en", "Acme", "", ORIGIN)) == "address:invalid"
