"""An invitation over a real socket: the same manners as any other mail of ours."""

import smtplib

import pytest

from rokuon.accounts.mail import send_invitation
from rokuon.accounts.models import Person
from rokuon.runtime.mail import trouble
from tests.notify.mail_server import MailServer

LINK = "https://rokuon.example/link/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789/"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_invitation_arrives_whole_and_as_a_mail_of_a_program(smtp: MailServer, language: str) -> None:
    person = Person.objects.create(email="new@example.com", language=language)
    send_invitation(person, LINK, "青空トラベル\r\nBcc: eve@example.org", Person(email="hanako@acme.example", name="花子"), 7)
    (mail,) = smtp.mails
    assert smtp.readers == ["new@example.com"]
    assert "青空トラベル Bcc: eve＠example．org" in mail["Subject"]
    assert mail["Bcc"] is None
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", language)
    for kind in ("plain", "html"):
        assert LINK in mail.get_body((kind,)).get_content()  # type: ignore[union-attr]
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert ("word-break:auto-phrase" in html) == (language == "ja"), "lines break at phrases as on the pages"
    assert smtp.taken[0][1].isascii()


@pytest.mark.usefixtures("db")
def test_an_invitation_that_is_refused_says_so(smtp: MailServer) -> None:
    smtp.refuses["new@example.com"] = "550 5.1.1 nobody"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send_invitation(Person.objects.create(email="new@example.com"), LINK, "Acme", Person(email="ada@acme.example"), 7)
    assert str(trouble(refused.value)) == "address:550"
