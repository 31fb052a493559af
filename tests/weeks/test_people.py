"""Weeks in which people close, retry, pause and change settings: no closing is lost, and "over" only means "in the bucket"."""

import threading

from django.db import connection

from rokuon.ledger.failures import Which
from rokuon.ledger.models import Copy
from tests.weeks.conftest import MakeWeeks


def test_what_was_closed_stays_so_through_nights_until_it_is_opened_again(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim)
    weeks.days(1, nightly=True)
    assert weeks.explain(weeks.victim)
    weeks.days(3, nightly=True)
    weeks.mend()
    weeks.days(2, nightly=True)
    assert weeks.state(weeks.victim) == "failed", "nobody asked for it"
    assert weeks.reopen(weeks.victim)
    weeks.days(1, nightly=True)
    assert weeks.state(weeks.victim) == "verified"


def test_a_closing_outlives_a_changed_bucket_and_what_is_open_goes_there(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim, weeks.second)
    weeks.days(1, nightly=True)
    weeks.explain(weeks.victim)
    weeks.change_bucket("new")
    weeks.days(2, nightly=True)
    assert weeks.state(weeks.second) == "failed"
    weeks.mend()
    weeks.days(1, nightly=True)
    assert (weeks.state(weeks.victim), weeks.state(weeks.second)) == ("failed", "verified")
    assert weeks.subjects("failed")[-1][0] == "ended"


def test_a_rule_off_and_on_keeps_the_count_of_tries_and_nothing_that_it_set_aside_is_called_over(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim)
    weeks.days(1, nightly=True)
    weeks.mend()
    weeks.spoil(weeks.victim, kind="truncate")
    weeks.retry(weeks.victim)
    weeks.drain()
    weeks.rules(on=False)
    weeks.days(1)
    assert weeks.state(weeks.victim) == "excluded"
    weeks.rules(on=True)
    weeks.days(3, nightly=True)
    assert weeks.state(weeks.victim) == "failed"
    weeks.mend()
    weeks.days(1, nightly=True)
    assert weeks.state(weeks.victim) == "verified"


def test_a_run_that_is_paused_for_days_and_cancelled_leaves_what_failed_as_it_was(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim)
    weeks.days(1, nightly=True)
    run = weeks.pause()
    weeks.days(2)
    weeks.cancel(run)
    assert weeks.state(weeks.victim) == "failed"
    weeks.days(1)
    run = weeks.pause()
    weeks.days(1)
    weeks.mend()
    weeks.resume(run)
    weeks.days(1)
    assert weeks.state(weeks.victim) == "verified"


def test_of_two_admins_who_retry_and_close_at_once_the_closing_is_kept_or_there_was_nothing_to_close(weeks_of: MakeWeeks) -> None:
    weeks = weeks_of()
    weeks.spoil(weeks.victim, weeks.second)
    weeks.days(1, nightly=True)
    cause = Which(state="failed", reason=Copy.objects.get(pk=weeks.ids(weeks.victim)[0]).reason)
    both = threading.Barrier(2)

    def retries() -> None:
        try:
            both.wait(10)
            weeks.retry(which=cause, by=weeks.ben)
        finally:
            connection.close()

    other = threading.Thread(target=retries)
    other.start()
    both.wait(10)
    closed = weeks.explain(weeks.victim, weeks.second, which=cause)
    other.join(30)
    states = {weeks.state(weeks.victim), weeks.state(weeks.second)}
    assert states == ({"failed"} if closed else {"pending"})
    weeks.days(2, nightly=True)
    assert weeks.state(weeks.victim) == "failed"
