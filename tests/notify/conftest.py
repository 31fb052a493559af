from collections.abc import Iterator
from typing import Any

import pytest

from rokuon.base.addresses import public_url
from tests.notify.factory import Place
from tests.notify.mail_server import MailServer


@pytest.fixture
def place(db: None) -> Place:
    return Place()


@pytest.fixture
def smtp(settings: Any) -> Iterator[MailServer]:
    """A mail server that is on, and that this installation uses."""
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.ROKUON_PUBLIC_URL = public_url("https://rokuon.example")
    settings.DEFAULT_FROM_EMAIL = "Rokuon <rokuon@rokuon.example>"
    server.on()
    yield server
    server.hangs = False
    server.off()
