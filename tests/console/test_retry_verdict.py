"""The end of a retry: one verdict in words, for the eye and for screen readers, with and without script."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.ledger.models import Copy, Hold, Run
from tests.ledger.factory import NOW

from .conftest import Role, World
from .test_cause import page, words
from .test_failures import copy_of


def begin(world: World, many: int = 3) -> str:
    """A retry of that many recordings; the address of its page."""
    for number in range(many):
        copy_of(world.sales, number, "failed", "recording_truncated")
    return str(world.admin.post(world.url("failures/retry/"), {"what": "all"})["Location"])


def end(*results: tuple[str, str]) -> None:
    """The recordings got these states and reasons, in the order of their calls."""
    for copy, (state, reason) in zip(Copy.objects.order_by("pk"), results, strict=True):
        if state == "verified":
            proof = {"size": 10, "sha256": "a" * 64, "crc32c": 7, "version": "1", "proof": "length", "audio_ms": 1000}
            Copy.objects.filter(pk=copy.pk).update(state=state, reason="", due_at=None, **proof)
        else:
            due = timezone.now() + timedelta(hours=1) if state == "pending" else None
            Copy.objects.filter(pk=copy.pk).update(state=state, reason=reason, due_at=due)


VERIFIED, TRUNCATED = ("verified", ""), ("failed", "recording_truncated")


def status(source: str) -> str:
    found = re.search(r'<div id="verdict" role="status" aria-atomic="true">(.*?)</div>', source, re.DOTALL)
    assert found
    return words(found[1])


def test_while_recordings_are_tried_the_page_says_so_and_polls(world: World) -> None:
    url = begin(world)
    shown = page(world.admin, url)
    assert "3 recordings are tried again" in status(shown)
    assert "hx-get" in shown
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert "verdict" not in page(world.admin, url + "progress/"), "nothing is announced twice"


def test_all_backed_up_is_the_headline_and_the_title(world: World) -> None:
    url = begin(world)
    end(VERIFIED, VERIFIED, VERIFIED)
    shown = page(world.admin, url)
    assert "All 3 recordings are backed up" in status(shown)
    assert "<title>All 3 recordings are backed up · Rokuon</title>" in shown
    assert "refresh" not in shown
    assert "hx-get" not in shown


def test_the_last_poll_puts_the_verdict_into_the_live_region(world: World) -> None:
    url = begin(world)
    end(VERIFIED, VERIFIED, TRUNCATED)
    part = page(world.admin, url + "progress/")
    assert '<div id="verdict" hx-swap-oob="innerHTML">' in part
    assert "<title>2 of 3 recordings are backed up · Rokuon</title>" in part
    assert "hx-get" not in part


def test_what_failed_again_is_counted_with_its_cause_and_a_link(world: World) -> None:
    url = begin(world, 5)
    end(VERIFIED, VERIFIED, TRUNCATED, TRUNCATED, ("gone", "recording_gone"))
    shown = page(world.admin, url)
    said = status(shown)
    assert "2 of 5 recordings are backed up" in said
    assert "2 failed again: the audio ended early." in said
    assert "1 is no longer at Dialpad." in said
    assert world.url("failures/failed/recording_truncated/") in shown


def test_nothing_backed_up_is_said_as_such(world: World) -> None:
    url = begin(world)
    end(TRUNCATED, TRUNCATED, TRUNCATED)
    assert "None of the 3 recordings is backed up" in status(page(world.admin, url))


def test_a_single_recording_is_not_called_all(world: World) -> None:
    url = begin(world, 1)
    end(VERIFIED)
    assert "The recording is backed up" in status(page(world.admin, url))


def test_what_waits_for_a_later_try_ends_the_polling_and_is_no_success(world: World) -> None:
    url = begin(world)
    end(VERIFIED, VERIFIED, ("pending", "recording_not_ready"))
    shown = page(world.admin, url)
    assert "2 of 3 recordings are backed up" in status(shown)
    assert "1 waits for another try: the audio is not ready." in status(shown)
    assert "hx-get" not in shown


def test_what_a_hold_stops_is_said_with_the_holds_cause(world: World) -> None:
    url = begin(world)
    now = timezone.now()
    Hold.objects.create(company=world.company, on="bucket", ref=str(world.bucket.pk), reason="bucket_unmarked", since=now, probe_at=now)
    shown = page(world.admin, url)
    assert "None of the 3 recordings is backed up" in status(shown)
    assert "3 wait on hold: Rokuon's marker is gone from the bucket." in status(shown)
    assert world.url(f"settings/buckets/{world.bucket.pk}/") in shown
    assert world.url(f"settings/buckets/{world.bucket.pk}/") not in page(world.client(Role.VIEWER), url), "it would be refused there"


def test_what_a_paused_backup_keeps_is_said(world: World) -> None:
    url = begin(world)
    Run.objects.create(
        company=world.company,
        scope_kind="company",
        targets=[world.sales.pk],
        since=NOW - timedelta(days=900),
        until=NOW,
        state="paused",
        paused_at=NOW,
    )
    assert "3 wait for a paused backup." in status(page(world.admin, url))


def test_another_offices_part_of_a_retry_is_not_in_the_verdict(world: World) -> None:
    copy_of(world.sales, 1, "failed", "recording_truncated")
    copy_of(world.desk, 2, "failed", "recording_truncated")
    url = str(world.admin.post(world.url("failures/retry/"), {"what": "all"})["Location"])
    end(VERIFIED, TRUNCATED)
    assert "The recording is backed up" in status(page(world.client(Role.OFFICE_ADMIN, world.tokyo), url))
    assert "The recording is not backed up" in status(page(world.client(Role.OFFICE_ADMIN, world.osaka), url))


@pytest.mark.parametrize(("language", "said"), [("en", "2 of 3 recordings are backed up"), ("ja", "3 件のうち 2 件をバックアップしました")])
def test_the_verdict_is_in_the_readers_language(world: World, language: str, said: str) -> None:
    url = begin(world)
    end(VERIFIED, VERIFIED, TRUNCATED)
    browser = world.admin
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    assert said in status(page(browser, url))
