from datetime import UTC, datetime

import pytest
from django.test import override_settings

from rokuon.notify import outbox
from rokuon.notify.message import Letter, NoticeLine, from_json
from rokuon.notify.models import Mail
from rokuon.notify.recipients import Address

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
LETTER = Letter(
    "opened", "Aozora", "大阪オフィス", "Asia/Tokyo", (NoticeLine("failed", "bucket_forbidden", count=31, targets=(("Support", 31),)),)
)
TWO = [Address("aki@example.com", "ja", "Aki"), Address("bo@example.com", "en")]


@pytest.mark.usefixtures("db")
@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend")
def test_a_letter_becomes_one_due_mail_for_each_address() -> None:
    assert outbox.put(LETTER, TWO, company_id=None, office_id=None, now=NOW) == 2
    mails = list(Mail.objects.order_by("to"))
    assert [(mail.to, mail.language, mail.due_at, mail.tries) for mail in mails] == [
        ("aki@example.com", "ja", NOW, 0),
        ("bo@example.com", "en", NOW, 0),
    ]
    assert [from_json(mail.letter) for mail in mails] == [LETTER, LETTER]
    assert len({mail.token for mail in mails}) == 2


@pytest.mark.usefixtures("db")
@override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")
def test_without_a_mail_server_nothing_waits_to_be_sent() -> None:
    assert outbox.put(LETTER, TWO, company_id=None, office_id=None, now=NOW) == 0
    assert not Mail.objects.exists()
