"""Buckets on the command line: removed where nothing uses them, named, and a request budget above Dialpad's limit."""

from .conftest import Rokuon


def test_a_bucket_that_nothing_uses_is_removed_and_one_in_use_stays(ready: Rokuon) -> None:
    spare, used = ready.folder("by-mistake"), ready.folder("main")
    assert ready("bucket", "add", spare).code == 0
    refused = ready("bucket", "remove", used)
    assert refused.code == 2 and "is in use" in refused.err and "choose another bucket there first" in refused.err
    done = ready("bucket", "remove", spare)
    assert (done.code, "no longer registered" in done.out) == (0, True), done.err
    listed = ready("bucket", "list", "--json").out
    assert used in listed and spare not in listed
    assert ready("bucket", "remove", spare).code == 2
    assert "bucket.remove" in ready("audit", "log", "--json").out


def test_a_bucket_is_named_and_the_list_shows_the_name(ready: Rokuon) -> None:
    used = ready.folder("main")
    assert ready("bucket", "rename", used, "通話録音 2026").code == 0
    assert '"name": "通話録音 2026"' in ready("bucket", "list", "--json").out
    assert "already" in ready("bucket", "rename", used, "通話録音 2026").out
    assert ready("bucket", "rename", used, "x" * 81).code == 2
    assert ready("bucket", "rename", used, "").code == 0


def test_more_requests_than_dialpad_allows_need_a_confirmed_exception(ready: Rokuon) -> None:
    refused = ready("settings", "set", "--requests-per-second", "21")
    assert refused.code == 2 and "Enter at most 20." in refused.err and "--above-dialpad-limit" in refused.err
    assert '"requests_per_second": 20.0' in ready("settings", "show", "--json").out
    assert ready("settings", "set", "--requests-per-second", "21", "--above-dialpad-limit").code == 0
    assert ready("settings", "set", "--requests-per-second", "20").code == 0
