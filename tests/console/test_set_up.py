"""The way to the first verified recording: its steps, a new key, the directory, and what the strip says when Rokuon is unwell."""

import html
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from rokuon.accounts.models import AuditEntry
from rokuon.console.setup.checklist import SetupFacts, StepState, judge
from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Hold, Recording
from rokuon.org.models import Company, Office, Target
from rokuon.simulator.model import Center
from rokuon.stores import google_principal

from .conftest import Role, World
from .dialpad import CANARY, Dialpad, add, operator
from .dialpad import dialpad as dialpad
from .dialpad import installed as installed

NOW = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
READY = SetupFacts(
    has_key=True,
    exports=True,
    synced_at=NOW,
    targets=3,
    buckets=1,
    sound_buckets=1,
    enabled=True,
    chosen=True,
    ruled=2,
    stored=2,
    runs=1,
    first_verified_at=NOW,
)


def states(facts: SetupFacts) -> str:
    return " ".join(step.state.value for step in judge(facts).steps)


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_first_step_that_is_not_done_is_the_next() -> None:
    assert states(SetupFacts()) == "current open open open open open open"
    assert states(replace(READY, buckets=0, sound_buckets=0, enabled=False, chosen=False, runs=0, first_verified_at=None)) == (
        "done done current open done open open"
    )
    assert states(replace(READY, running=True, first_verified_at=None)) == "done done done done done done current"
    assert judge(replace(READY, runs=0, first_verified_at=None)).current is not None


def test_when_all_is_done_the_page_may_say_since_when() -> None:
    done = judge(READY)
    assert (done.done_at, done.current, {step.state for step in done.steps}) == (NOW, None, {StepState.DONE})


@pytest.mark.parametrize(
    ("wrong", "step", "says"),
    [
        ({"key_reason": "source_key_refused"}, "key", "Dialpad refuses the API key"),
        ({"exports": False}, "key", "recordings_export"),
        ({"targets": 0}, "directory", "no contact center"),
        ({"bucket_reason": "bucket_forbidden"}, "bucket", "refuses Rokuon"),
        ({"sound_buckets": 0}, "bucket", "No bucket passed"),
        ({"stored": 0}, "rules", "has a bucket"),
        ({"first_verified_at": None, "running": True, "workers": False}, "verified", "no worker is running"),
        ({"first_verified_at": None, "failed": True}, "verified", "names the causes"),
    ],
)
def test_what_is_wrong_is_said_at_its_step_also_when_all_was_done(wrong: dict[str, object], step: str, says: str) -> None:
    judged = judge(replace(READY, **wrong))  # type: ignore[arg-type]
    assert judged.done_at is None
    assert judged.current is not None
    assert (judged.current.name, judged.current.state) == (step, StepState.WRONG)
    assert says in judged.current.says


def test_every_step_leads_to_where_it_is_done(world: World) -> None:
    page = text(world.admin, world.url("set-up/"))
    for place in ("settings/", "rules/", "backup-now/"):
        assert f'href="{world.url(place)}' in page


def test_the_guide_names_the_account_to_let_in(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    assert "This machine has no service account" in text(world.admin, world.url("set-up/"))
    key = tmp_path / "key.json"
    key.write_text('{"type": "service_account", "client_email": "rokuon@acme.iam.gserviceaccount.com"}')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    page = text(world.admin, world.url("set-up/"))
    assert "--member=serviceAccount:rokuon@acme.iam.gserviceaccount.com" in page
    assert "roles/storage.objectCreator" in page
    assert "roles/storage.objectViewer" in page


def test_a_machine_that_is_not_googles_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "K_SERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert google_principal._is_googles() is False


@pytest.fixture
def added(transactional_db: None, installed: None, dialpad: Dialpad) -> tuple[Client, Company]:
    browser = operator()
    return browser, add(browser, dialpad, dialpad.key("the-first-key-1234"))


def url(company: Company, rest: str = "") -> str:
    return f"/c/{company.public_id}/set-up/{rest}"


def test_a_new_key_replaces_the_old_one_and_lifts_what_waited(added: tuple[Client, Company], dialpad: Dialpad) -> None:
    browser, company = added
    holds.open_hold(company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    assert "Dialpad API key: something is wrong" in text(browser, url(company))
    answer = browser.post(url(company, "key/"), {"key": f" {dialpad.key(CANARY)}\n"})
    assert (answer.status_code, answer["Location"]) == (303, url(company) + "#key")
    page = text(browser, url(company))
    assert "The new key works and is kept." in page
    assert f"…{CANARY[-4:]}" in page
    assert "operator@example.com" in page
    assert CANARY not in page
    assert not Hold.objects.filter(lifted_at=None).exists()
    entry = AuditEntry.objects.get(action="company.key")
    assert (entry.before["key"], entry.after["key"]) == ("…1234", f"…{CANARY[-4:]}")


def test_a_key_of_another_company_is_refused_without_its_name(added: tuple[Client, Company], dialpad: Dialpad) -> None:
    browser, company = added
    answer = browser.post(url(company, "key/"), {"key": dialpad.key("key-of-the-second-1", dialpad.second)})
    said = html.unescape(answer.content.decode())
    assert (answer.status_code, "This key belongs to another company." in said) == (422, True)
    assert dialpad.second.name not in said
    company.refresh_from_db()
    assert company.key_ending == "1234"


def test_a_refused_key_leaves_the_old_one(added: tuple[Client, Company]) -> None:
    browser, company = added
    answer = browser.post(url(company, "key/"), {"key": "no-such-key-123456"})
    assert (answer.status_code, b"Dialpad refused the key (401)" in answer.content) == (422, True)
    company.refresh_from_db()
    assert company.key_ending == "1234"


def test_a_scope_taken_away_in_dialpad_is_seen_when_the_key_is_checked_again(added: tuple[Client, Company], dialpad: Dialpad) -> None:
    browser, company = added
    key = dialpad.sim.keys.find("the-first-key-1234")
    assert key is not None
    key.scopes = frozenset({"recordings_export"})
    answer = browser.post(url(company, "check/"))
    assert (answer.status_code, b"The key lacks the scope calls:list." in answer.content) == (422, True)
    key.scopes = frozenset({"calls:list"})
    assert browser.post(url(company, "check/")).status_code == 303
    assert "missing: the key lacks the scope recordings_export" in text(browser, url(company))
    key.scopes = frozenset({"calls:list", "recordings_export"})
    assert browser.post(url(company, "check/")).status_code == 303
    assert "Next: Bucket" in text(browser, url(company))


def test_a_sync_says_what_is_new_gone_and_renamed(added: tuple[Client, Company], dialpad: Dialpad) -> None:
    browser, company = added
    browser.post(url(company, "sync/"))
    assert "Nothing has changed since the last time." in text(browser, url(company))
    theirs = dialpad.first
    old, gone = theirs.centers[0], theirs.centers[1]
    theirs.centers.append(Center(4242, "新しい <b>窓口</b>", theirs.offices[0], "+81300000000", False))
    old.name, before = "Renamed desk", gone.name
    theirs.centers.remove(gone)
    assert browser.post(url(company, "sync/"))["Location"] == url(company) + "#directory"
    raw = browser.get(url(company)).content.decode()
    assert "<b>窓口</b>" not in raw
    page = html.unescape(raw)
    assert "New: \u2068新しい <b>窓口</b>\u2069." in page
    assert f"No longer in Dialpad: \u2068{before}\u2069." in page
    assert "Renamed: \u2068Renamed desk\u2069." in page
    assert Target.objects.get(company=company, dialpad_id=str(gone.id)).state == "deleted"


def test_a_sync_that_fails_says_why_and_changes_nothing(added: tuple[Client, Company], dialpad: Dialpad) -> None:
    browser, company = added
    dialpad.sim.keys.revoke("the-first-key-1234")
    answer = browser.post(url(company, "sync/"))
    assert (answer.status_code, b"source_key_refused" in answer.content) == (422, True)
    assert not AuditEntry.objects.filter(action="directory.sync").exists()


def test_the_strip_names_the_bucket_to_those_who_use_it(world: World) -> None:
    holds.open_hold(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), "bucket_forbidden", "403", NOW)
    Target.objects.filter(pk=world.desk.pk).update(customized=True, bucket=None)
    for browser, sees in (
        (world.admin, True),
        (world.client(Role.OFFICE_ADMIN, world.tokyo), True),
        (world.client(Role.OFFICE_ADMIN, world.osaka), False),
    ):
        page = text(browser, world.url())
        assert ("acme-recordings" in page, "bucket_forbidden" in page) == (sees, sees)


def test_the_strip_sends_the_admin_to_the_key_and_others_to_the_admin(world: World) -> None:
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    link = f'href="{world.url("set-up/")}#key"'
    assert link in text(world.admin, world.url())
    page = text(world.client(Role.VIEWER), world.url())
    assert (link in page, "A company admin can do this." in page) == (False, True)


@pytest.mark.parametrize("reason", ["source_away", "source_tls_invalid"])
def test_s8_s33_the_strip_sends_nobody_to_the_key_for_what_no_key_mends(world: World, reason: str) -> None:
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", reason, "", NOW)
    for browser in (world.admin, world.client(Role.VIEWER)):
        page = text(browser, world.url())
        assert reason in page
        assert "To the API key" not in page
        assert "A company admin can do this." not in page


def test_many_holds_are_summed_up_and_cost_no_more_questions(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(9):
        holds.open_hold(world.company.pk, HoldOn.KIND, f"kind{number}", "source_kind_denied", "", NOW)
    browser = world.client(Role.VIEWER)
    with django_assert_max_num_queries(12):
        page = browser.get(world.url("audit/")).content.decode()
    assert page.count("source_kind_denied") == 3
    assert "6 more things are held." in page


def test_pages_that_are_not_there_stand_in_the_navigation_of_the_company(world: World) -> None:
    answer = world.client(Role.VIEWER).get(world.url("audit/"))
    assert (answer.status_code, b'class="places"' in answer.content) == (403, True)
    answer = Client().get("/c/nosuchplace/")
    assert answer.status_code == 302
    answer = world.admin.get("/c/nosuchplace/")
    assert (answer.status_code, b'class="places"' in answer.content) == (404, False)


def test_a_part_that_refreshes_itself_sends_the_whole_page_to_sign_in(world: World) -> None:
    answer = Client().get(world.url(), headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{world.url('rules/')}"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/sign-in/?next={world.url('rules/')}")


def test_an_office_that_is_gone_does_not_blur_the_zone(world: World) -> None:
    Office.objects.create(company=world.company, dialpad_id="9", name="Gone", timezone="US/Pacific", state="deleted")
    Company.objects.filter(pk=world.company.pk).update(synced_at=NOW)
    assert "2026-04-01 18:30" in text(world.admin, world.url("set-up/"))


def test_the_next_step_stands_on_every_page_of_the_admin_until_a_recording_is_verified(world: World) -> None:
    link = f'href="{world.url("set-up/")}#'
    assert link in text(world.admin, world.url("rules/"))
    assert link not in text(world.client(Role.OFFICE_ADMIN, world.tokyo), world.url("rules/"))
    verified_copy(world)
    assert link not in text(world.admin, world.url("rules/"))


def verified_copy(world: World) -> None:
    recording = Recording.objects.create(
        company=world.company, kind="callrecording", recording_id="9", call_id="8", call_started_at=NOW, url="https://dialpad.com/r/9"
    )
    Copy.objects.create(
        company=world.company,
        recording=recording,
        target=world.sales,
        bucket=world.bucket,
        call_started_at=NOW,
        key="call-recordings/Sales/2026-04-01/Agent - 8 - 9.mp3",
        state="verified",
        size=9,
        sha256="0" * 64,
        crc32c=1,
        audio_ms=1,
        proof="length",
    )
