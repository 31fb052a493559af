"""Opening a secret hides it from the log from then on, also if a library or an error writes it into a line."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from rokuon.actions import buckets, companies
from rokuon.base import logs
from rokuon.events.models import Hook
from rokuon.org.models import Bucket
from rokuon.runtime import installation
from rokuon.wiring import webhook_upkeep
from rokuon.wiring.connections import API_KEY, CREDENTIAL, bucket_owner, company_owner
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig

SMTP_PASSWORD = "smtp-password-6d1f"
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 2 + "-----END PRIVATE KEY-----\n"


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    return rig_of(ROKUON_SMTP_URL=f"smtp://me:{SMTP_PASSWORD}@mail.example:587", ROKUON_PUBLIC_URL="https://rokuon.example")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    monkeypatch.setattr(logs, "redactor", logs.Redactor())
    root, out = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    logs.set_up(stream=out)
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


def shown(lines: io.StringIO, value: str) -> str:
    """Return how a log line shows the value that a library wrote into it."""
    lines.truncate(lines.seek(0))
    logging.getLogger("some.library").warning("sent [%s]", value)
    return json.loads(lines.getvalue())["event"].removeprefix("sent [").removesuffix("]")


def test_an_api_key_is_hidden_once_a_source_is_open(rig: Rig, lines: io.StringIO) -> None:
    key = rig.installation.vault.open(rig.company.api_key, owner=company_owner(rig.company.pk), field=API_KEY).reveal()
    assert shown(lines, key) == key, "the test would see it"
    rig.run_async(lambda engine: engine.connections.source(rig.company.pk))
    assert shown(lines, key) == "<secret>"


def test_a_key_that_is_tried_is_hidden(rig: Rig, lines: io.StringIO) -> None:
    key = companies.stored_key(rig.installation, rig.company)
    companies.examine_key(rig.config, rig.company.base_url, key, rig.clock())
    assert shown(lines, key.reveal()) == "<secret>"


def test_a_credential_is_hidden_with_the_private_key_in_it(rig: Rig, lines: io.StringIO) -> None:
    bucket = Bucket.objects.get()
    credential = json.dumps({"client_email": "a@b.example", "private_key": PRIVATE_KEY})
    bucket.credential = rig.installation.vault.seal(credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL)
    buckets.kept_credential(rig.installation, bucket)
    assert shown(lines, credential) == "<secret>"
    assert "MIIEvQ" not in shown(lines, PRIVATE_KEY)
    assert shown(lines, "a@b.example") == "a@b.example", "who it is may be said"


def test_a_hook_s_secret_is_hidden_once_it_is_used(rig: Rig, lines: io.StringIO) -> None:
    rig.run_async(lambda engine: engine.hook(rig.company.pk))
    hook = Hook.objects.get()
    secret = rig.installation.vault.open(hook.secret, owner=webhook_upkeep.hook_owner(rig.company.pk), field=webhook_upkeep.HOOK_SECRET)
    assert shown(lines, secret.reveal()) == "<secret>"


def test_passwords_of_the_environment_are_hidden_from_the_start(rig: Rig, lines: io.StringIO) -> None:
    assert shown(lines, SMTP_PASSWORD) == SMTP_PASSWORD, "the test would see it"
    installation.open_installation(rig.config).close()
    assert shown(lines, SMTP_PASSWORD) == "<secret>"
