"""Delivery of mails over real sockets, against a server that fails in every way a server can."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from rokuon.notify import outbox, recipients
from rokuon.notify.message import Letter, NoticeLine
from rokuon.notify.models import Mail
from rokuon.notify.recipients import Address
from rokuon.org.models import Company
from rokuon.runtime.mail import Whose
from rokuon.runtime.mail_words import Then, in_words
from tests.ledger.factory import NOW
from tests.notify.factory import Place
from tests.notify.mail_server import MailServer

ORIGIN = "https://rokuon.example"
LETTER = Letter("opened", "Acme", "Tokyo", "Asia/Tokyo", (NoticeLine("failed", "bucket_forbidden", count=31, path="/c/x/failures/"),))


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
    assert outbox.put(letter, addresses, company_id=place.company.pk, office_id=place.office.pk, now=clock()) == len(emails)


def send(clock: Clock) -> bool:
    def admins(company_id: int) -> Sequence[Address]:
        return recipients.of_company(Company.objects.get(pk=company_id), clock())

    return outbox.send_due(direct, clock, ORIGIN, admins)


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
        if outbox.waits(clock()):
            asked.append(minute)
            send(clock)
        clock.forward(minutes=1)
    waiting = outbox.outbox_state(place.company.pk, clock())
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
    assert outbox.outbox_state(place.company.pk, clock()).refused == 1
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
        outbox.send_due(dies, clock, ORIGIN, lambda _company: ())
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


@pytest.mark.parametrize("address", ["not an address", "ken@acme.example\r\nBcc: eve@example.org", "か なえ@acme.example", "@", ""])
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
        ({"sender_refused": "550 no enhanced code"}, "server:550"),
        ({"refuses": {"ken@acme.example": "550 5.1.8 your address is bad"}}, "server:550"),
        ({"refuses": {"ken@acme.example": "552 5.2.2 over quota"}}, "mailbox:552"),
        ({"refuses": {"ken@acme.example": "422 mailbox full"}}, "address:422"),
        ({"says": "554 5.7.1 on a block list"}, "policy:554"),
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
    assert outbox.outbox_state(place.company.pk, clock()).error == "server:535"
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


@pytest.mark.parametrize(
    ("break_", "error"),
    [
        ({"refuses": {"ken@acme.example": "550"}}, "address:550"),
        ({"refuses": {"ken@acme.example": "550 5.2.1 switched off"}}, "address:550"),
        ({"refuses": {"ken@acme.example": "552 5.3.4 too large"}}, "message:552"),
        ({"sender_refused": "552 5.3.4 too large"}, "message:552"),
        ({"says": "550 5.1.1 nobody of that name"}, "address:550"),
        ({"says": "554 5.6.0 cannot be read"}, "message:554"),
    ],
)
def test_what_would_be_refused_again_ends(smtp: MailServer, place: Place, clock: Clock, break_: dict[str, Any], error: str) -> None:
    for name, value in break_.items():
        setattr(smtp, name, value)
    write(place, clock, "ken@acme.example")
    send(clock)
    stored = Mail.objects.get(to="ken@acme.example")
    assert (stored.error, stored.refused_at) == (error, NOW)


ADDRESSES = {
    "jürgen@acme.example": ("jürgen@acme.example", True),
    "ju\u0308rgen@acme.example": ("jürgen@acme.example", True),
    "かなえ@acme.example": ("かなえ@acme.example", True),
    "jürgen@bücher.example": ("jürgen@xn--bcher-kva.example", True),
    "ken@bücher.example": ("ken@xn--bcher-kva.example", False),
    "ken@日本語.example": ("ken@xn--wgv71a119e.example", False),
    "ken@acme.example": ("ken@acme.example", False),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_other_letters_is_asked_for_as_the_server_understands_it(
    smtp: MailServer, place: Place, clock: Clock, address: str
) -> None:
    asked, utf8 = ADDRESSES[address]
    write(place, clock, address, "lee@acme.example")
    send(clock)
    assert sorted(smtp.readers) == sorted([asked, "lee@acme.example"])
    raw = dict(smtp.taken)[asked]
    assert f"To: {asked}\r\n".encode() in raw
    assert "SMTPUTF8" not in smtp.options, "of the latest mail, which needs it not"
    assert b"=?utf-8?" not in raw.split(b"\r\nTo:")[1].split(b"\r\n")[0].lower()
    assert utf8 or raw.isascii()


def test_a_server_without_smtputf8_is_said_to_have_none_and_is_asked_for_the_others(smtp: MailServer, place: Place, clock: Clock) -> None:
    smtp.off()
    smtp.utf8 = False
    smtp.on()
    write(place, clock, "jürgen@acme.example", "ken@bücher.example", "lee@acme.example")
    send(clock)
    assert sorted(smtp.readers) == ["ken@xn--bcher-kva.example", "lee@acme.example"]
    refused = Mail.objects.get(to="jürgen@acme.example")
    assert (refused.error, refused.refused_at) == ("address:smtputf8", NOW)
    said = in_words(refused.error, Then.GIVEN_UP)
    assert "does not offer SMTPUTF8" in said and "does not take" not in said
    trial = outbox.trial("jürgen@acme.example", "en", "Acme", "", ORIGIN)
    assert str(trial) == "address:smtputf8"


WAITS, SENDER, PASSWORD, ADDRESS = "asked to wait", "ROKUON_MAIL_FROM", "ROKUON_SMTP_URL", "Correct or remove"
WORDS = {
    "address:450": WAITS,
    "address:451": WAITS,
    "address:452": WAITS,
    "address:422": WAITS,
    "connection:421": WAITS,
    "server:421": WAITS,
    "server:451": WAITS,
    "server:454": WAITS,
    "server:SMTPConnectError 421": WAITS,
    "message:451": WAITS,
    "server:553": SENDER,
    "server:535": PASSWORD,
    "server:530": PASSWORD,
    "server:gaierror": PASSWORD,
    "server:NoServer": PASSWORD,
    "server:SSLCertVerificationError": "certificate",
    "server:SMTPConnectError 554": "from this machine",
    "server:SMTPHeloError 550": "from this machine",
    "policy:554": "rules",
    "mailbox:552": "full",
    "address:550": ADDRESS,
    "address:invalid": "no server was asked",
    "address:smtputf8": "SMTPUTF8",
    "message:552": "Ask its administrator",
    "message:ValueError": "Report this",
}


@pytest.mark.parametrize("error", WORDS)
def test_a_mail_that_was_not_taken_says_what_the_server_asked_and_no_other_cause(error: str) -> None:
    said = in_words(error, at="18:21")
    for words in {WAITS, SENDER, ADDRESS, "no server was asked", "from this machine"}:
        expected = words == WORDS[error] or (words == ADDRESS and error == "address:invalid" and "Correct or remove it" in said)
        assert (words in said) == expected or (words == ADDRESS and error == "address:invalid"), (words, said)
    assert WORDS[error] in said
    if WORDS[error] == WAITS:
        assert "tries again automatically at 18:21" in said and "Correct" not in said
        assert "given this mail up" in in_words(error, Then.GIVEN_UP) and "tries again" not in in_words(error, Then.GIVEN_UP)
        assert "not tried again" in in_words(error, Then.ONCE)


def test_a_server_that_asks_to_wait_wherever_it_does_is_waited_for(smtp: MailServer, place: Place, clock: Clock) -> None:
    """421 for the sender, for the reader and for the text; a mail that got through in the end was never anyone's fault."""
    write(place, clock, "ken@acme.example")
    for attribute, value in (
        ("sender_refused", "421 4.3.2 going down"),
        ("refuses", {"ken@acme.example": "421 4.7.0 too many"}),
        ("says", "421 4.3.2 going down"),
    ):
        before = getattr(smtp, attribute)
        setattr(smtp, attribute, value)
        send(clock)
        mail = only()
        assert mail.due_at is not None and mail.refused_at is None
        assert WAITS in in_words(mail.error) and SENDER not in in_words(mail.error), mail.error
        setattr(smtp, attribute, before)
        clock.now = mail.due_at
    send(clock)
    assert smtp.readers == ["ken@acme.example"]


def test_a_fault_of_our_own_in_one_mail_does_not_keep_the_others(
    smtp: MailServer, place: Place, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Letter("opened", "Acme", "Tokyo", lines=(NoticeLine("failed", since="no time at all"),))
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
    assert outbox.trial("ada@acme.example", "ja", "青空トラベル", "Asia/Tokyo", ORIGIN) is None
    (mail,) = smtp.mails
    assert mail["Subject"] == "青空トラベル: Rokuon からのテストメール"
    smtp.refuses["ada@acme.example"] = "550 5.1.1 no"
    refused = outbox.trial("ada@acme.example", "en", "Acme", "", ORIGIN)
    assert refused is not None
    assert (refused.whose, refused.code, refused.final) == (Whose.ADDRESS, "550", True)
    smtp.off()
    away = outbox.trial("ada@acme.example", "en", "Acme", "", ORIGIN)
    assert str(away) == "server:ConnectionRefusedError"
    assert str(outbox.trial("no address", "en", "Acme", "", ORIGIN)) == "address:invalid"
