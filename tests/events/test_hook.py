"""Rokuon's own webhook at Dialpad: made, checked, mended, its secret changed (rows Q5, W12, W13)."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rokuon.base import logs
from rokuon.console.web import webhook_view as hook_views
from rokuon.events import known_hooks
from rokuon.events.models import Hint, Hook
from rokuon.simulator.hooks import Subscription
from rokuon.wiring import webhook_upkeep
from tests.e2e.rig import Rig

from .conftest import the_hook
from .tokens import EVENT, token

LiveRig = Callable[..., Rig]


def subscriptions(rig: Rig) -> list[Subscription]:
    return list(rig.sim.hooks[rig.sim.company.id].subscriptions.values())


def again(rig: Rig) -> Hook:
    """A day goes by; the tick finds the check due, and its job does it."""
    rig.advance(days=1, minutes=1)
    assert webhook_upkeep.companies_due(rig.config.public, rig.clock()) == [rig.company.pk]
    rig.run_async(lambda engine: engine.hook(rig.company.pk))
    return the_hook(rig)


def secret_of(rig: Rig, sealed: str) -> str:
    return rig.installation.vault.open(sealed, owner=webhook_upkeep.hook_owner(rig.company.pk), field=webhook_upkeep.HOOK_SECRET).reveal()


def post(rig: Rig, secret: str, call_id: int = 1, path: str = "") -> int:
    started = int(rig.clock().timestamp() * 1000)
    body = token({**EVENT, "call_id": call_id, "date_started": started, "event_timestamp": started}, secret)
    return Client().post(f"/hooks/dialpad/{path or the_hook(rig).path}", body, content_type="text/plain").status_code


def test_one_subscription_for_the_whole_company_and_the_states_that_matter(live_rig: LiveRig) -> None:
    rig = live_rig()
    (mine,) = subscriptions(rig)
    assert (mine.target, sorted(mine.states), mine.enabled, mine.group_calls_only) == (
        None,
        ["admin_recording", "hangup", "recording"],
        True,
        False,
    )
    since = the_hook(rig).since
    assert since is not None and again(rig).since == since, "when events first could come is never forgotten"
    assert len(subscriptions(rig)) == 1 == len(rig.sim.hooks[rig.sim.company.id].webhooks), "a second check makes no second one"


def test_w13_a_subscription_that_was_deleted_is_made_again_within_a_day(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.sim.hooks[rig.sim.company.id].subscriptions.clear()
    assert again(rig).reason == ""
    assert len(subscriptions(rig)) == 1


def test_w13_one_that_was_switched_off_or_narrowed_is_put_right(live_rig: LiveRig) -> None:
    rig = live_rig()
    (mine,) = subscriptions(rig)
    mine.enabled, mine.states = False, ["hangup"]
    again(rig)
    assert (mine.enabled, sorted(mine.states)) == (True, ["admin_recording", "hangup", "recording"])


def test_a_webhook_that_was_deleted_is_made_again_with_our_secret(live_rig: LiveRig) -> None:
    rig = live_rig()
    store = rig.sim.hooks[rig.sim.company.id]
    store.webhooks.clear()
    store.subscriptions.clear()
    hook = again(rig)
    (webhook,) = store.webhooks.values()
    assert webhook.secret == secret_of(rig, hook.secret)


def test_the_webhooks_of_others_are_left_alone(live_rig: LiveRig) -> None:
    rig = live_rig()
    store = rig.sim.hooks[rig.sim.company.id]
    foreign = type(next(iter(store.webhooks.values())))(77, "https://crm.example/hook", "theirs")
    store.webhooks[77] = foreign
    store.subscriptions[78] = Subscription(78, foreign, ["all"])
    again(rig)
    assert (foreign.hook_url, foreign.secret, store.subscriptions[78].states) == ("https://crm.example/hook", "theirs", ["all"])


def test_a_key_that_may_not_have_events_is_said_and_asked_again_in_an_hour(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.enter_key("revoked")
    Hook.objects.update(since=None)
    hook = again(rig)
    assert (hook.reason, hook.since) == ("source_key_refused", None)
    assert webhook_upkeep.companies_due(rig.config.public, rig.clock()) == []
    assert webhook_upkeep.companies_due(rig.config.public, rig.clock() + timedelta(hours=1)) == [rig.company.pk]


def test_w12_both_secrets_count_for_a_day_and_then_the_new_one_alone(live_rig: LiveRig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="rokuon.console.web.webhook_view")
    rig = live_rig()
    old = secret_of(rig, the_hook(rig).secret)
    webhook_upkeep.change_secret(rig.installation, the_hook(rig), rig.clock())
    new = secret_of(rig, the_hook(rig).secret)
    assert old != new
    assert (post(rig, old, 1), post(rig, new, 2)) == (200, 200)
    assert [record.message for record in caplog.records].count("event_by_old_secret") == 1
    Hook.objects.update(old_until=rig.clock() - timedelta(seconds=1))
    assert (post(rig, old, 3), post(rig, new, 4)) == (401, 200)
    assert set(Hint.objects.values_list("call_id", flat=True)) == {"1", "2", "4"}


def test_w12_a_secret_counts_from_the_moment_it_is_changed_and_from_then_on_only_as_long_as_it_may(live_rig: LiveRig) -> None:
    """The web process has just read the hook, and reads it again before it refuses."""
    rig = live_rig()
    old = secret_of(rig, the_hook(rig).secret)
    for number in range(5):
        assert post(rig, old, number) == 200
        webhook_upkeep.change_secret(rig.installation, the_hook(rig), rig.clock())
        new = secret_of(rig, the_hook(rig).secret)
        assert (post(rig, new, 10 + number), post(rig, old, 20 + number), post(rig, "x" * 43, 30 + number)) == (200, 200, 401)
        old = new
    assert Hint.objects.count() == 15


def test_w12_no_secret_is_changed_while_dialpad_may_not_know_the_last_one(live_rig: LiveRig) -> None:
    """Only two count at once: Dialpad would go on signing with the one before."""
    rig = live_rig()
    rig.enter_key("revoked")
    before = the_hook(rig).secret
    rig.advance(days=90)
    changed = again(rig)
    assert (changed.reason, changed.secret != before) == ("source_key_refused", True), "changed, and Dialpad could not be told"
    rig.advance(days=90)
    assert again(rig).secret == changed.secret
    assert post(rig, secret_of(rig, before), 1) == 200


def test_w4_a_flood_of_unsigned_requests_costs_few_questions_to_the_database_and_hides_no_change_of_the_secret(
    live_rig: LiveRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, clock = live_rig(), [100.0]
    monkeypatch.setattr(hook_views, "_known", known_hooks.KnownHooks(lambda: clock[0]))
    assert post(rig, secret_of(rig, the_hook(rig).secret), 0) == 200
    path = the_hook(rig).path
    for address, each in ((path, 2), ("A" * 22, 1)):
        with CaptureQueriesContext(connection) as asked:
            answers = [Client().post(f"/hooks/dialpad/{address}", b"x", content_type="text/plain").status_code for _ in range(200)]
        assert set(answers) == {401}
        assert len(asked) == known_hooks.BURST * each, "read again, and counted where the address is one"
    webhook_upkeep.change_secret(rig.installation, the_hook(rig), rig.clock())
    clock[0] += known_hooks.REMEMBERED_S
    assert post(rig, secret_of(rig, the_hook(rig).secret), 1) == 200


def test_a_hook_that_is_made_after_the_others_were_read_is_known_at_once(live_rig: LiveRig) -> None:
    rig = live_rig()
    assert post(rig, secret_of(rig, the_hook(rig).secret), 0) == 200
    other = webhook_upkeep.hook_of(rig.installation, _another_company().pk)
    secret = rig.installation.vault.open(
        other.secret, owner=webhook_upkeep.hook_owner(other.company_id), field=webhook_upkeep.HOOK_SECRET
    ).reveal()
    assert post(rig, secret, 1, path=other.path) == 200


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x/y", ""]
)
def test_what_the_sender_calls_the_body_does_not_matter(live_rig: LiveRig, content_type: str) -> None:
    rig = live_rig()
    started = int(rig.clock().timestamp() * 1000)
    body = token({**EVENT, "date_started": started, "event_timestamp": started}, secret_of(rig, the_hook(rig).secret))
    for sent in (body, b'"' + body + b'"\r\n'):
        answer = Client().generic("POST", f"/hooks/dialpad/{the_hook(rig).path}", sent, content_type=content_type)
        assert answer.status_code == 200
    assert Hint.objects.count() == 1


def test_w12_the_secret_is_changed_every_ninety_days_without_anybody(live_rig: LiveRig) -> None:
    rig = live_rig()
    before = the_hook(rig).secret
    rig.advance(days=90)
    hook = again(rig)
    assert (hook.secret != before, hook.old_secret) == (True, before)
    (webhook,) = rig.sim.hooks[rig.sim.company.id].webhooks.values()
    assert webhook.secret == secret_of(rig, hook.secret)


def test_w6_q6_the_secret_of_one_company_opens_no_other(live_rig: LiveRig) -> None:
    rig = live_rig()
    mine = secret_of(rig, the_hook(rig).secret)
    other = webhook_upkeep.hook_of(rig.installation, _another_company().pk)
    unknown, foreign = "A" * 22, other.path
    assert (post(rig, mine, path=foreign), post(rig, mine, path=unknown)) == (401, 401)
    assert not Hint.objects.exists()


def test_a_web_process_hides_the_secret_of_a_hook_once_an_event_has_come(live_rig: LiveRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a worker hides, the web server is another process."""
    rig = live_rig()
    secret = secret_of(rig, the_hook(rig).secret)
    monkeypatch.setattr(logs, "redactor", logs.Redactor())
    assert logs.redactor(secret) == secret, "the test would see it"
    assert post(rig, secret) == 200
    assert logs.redactor(secret) == "<secret>"


def _another_company():  # type: ignore[no-untyped-def]
    from rokuon.org import services

    return services.create_company("Other", "https://other.example", "9")


def test_w5_an_event_of_yesterday_is_kept_and_not_followed(live_rig: LiveRig) -> None:
    rig = live_rig()
    secret = secret_of(rig, the_hook(rig).secret)
    old = int((rig.clock() - timedelta(days=2)).timestamp() * 1000)
    body = token({**EVENT, "date_started": old, "event_timestamp": old}, secret)
    assert Client().post(f"/hooks/dialpad/{the_hook(rig).path}", body, content_type="text/plain").status_code == 200
    assert [(hint.result, hint.due_at) for hint in Hint.objects.all()] == [("stale", None)]


def test_the_hook_takes_a_post_and_nothing_else(live_rig: LiveRig) -> None:
    rig = live_rig()
    url = f"/hooks/dialpad/{the_hook(rig).path}"
    assert {Client().generic(method, url).status_code for method in ("GET", "PUT", "DELETE", "HEAD")} == {405}
    assert Client().post(url, b"x" * (1 << 20) + b"x", content_type="text/plain").status_code == 413
    assert Client().post(url, b"", content_type="text/plain").status_code == 401
