"""Metrics: the overview's numbers for Prometheus, only with the operator's token, without names, in bounded time."""

import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from pydantic import SecretStr

from rokuon import __version__
from rokuon.accounts.permissions import AccessReach
from rokuon.console.metrics import endpoint
from rokuon.console.metrics.exposition import Gauge, text_of
from rokuon.console.overview.read_model import load_overview
from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.ledger import failures, holds
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Run, Window
from rokuon.org import services
from rokuon.org.models import Company

from .conftest import World, make_company
from .counted_links import counted
from .test_counted_links import KINDS, LEDGERS, fill, run_of
from .test_overview import cover, end, found

TOKEN = "a-long-token-of-the-operator"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
LINE = re.compile(r'^(rokuon_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? (-?[0-9.e+]+)$')


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.ROKUON_METRICS_TOKEN = SecretStr(TOKEN)


@pytest.fixture
def ready(world: World) -> World:
    """A company that is set up."""
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    return world


def read(body: str) -> dict[str, float]:
    """The samples, as `name{labels}`. Raises AssertionError for a line that is not of the format, and for a sample without a type."""
    values, known = {}, ""
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            known = line.split()[2]
            assert line.endswith(" gauge")
        elif not line.startswith("# HELP "):
            parts = LINE.match(line)
            assert parts and parts[1] == known, line
            values[f"{parts[1]}{{{parts[2] or ''}}}"] = float(parts[3])
    return values


def scrape() -> dict[str, float]:
    answer = Client().get("/metrics", headers=RIGHT)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    return read(answer.content.decode())


def of(company: Company, values: dict[str, float], name: str, **labels: str) -> float:
    inside = ",".join(f'{label}="{value}"' for label, value in {"company": company.public_id, **labels}.items())
    return values[f"rokuon_{name}{{{inside}}}"]


@given(ledger=LEDGERS)
@tries(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_numbers_equal_those_of_the_overview(ready: World, ledger: Any) -> None:
    with transaction.atomic():
        fill(ready, ledger)
        cover(ready.sales, days=20)
        company, now = ready.company, timezone.now()
        values = scrape()
        targets = list(company.targets.select_related("office"))
        look = load_overview(company, AccessReach(company.pk, None), targets, now)
        for state in State:
            assert of(company, values, "recordings", state=state) == getattr(look.counts, state)
        assert of(company, values, "recordings_open", state="failed") == look.facts.failed
        assert of(company, values, "recordings_open", state="gone") == look.facts.gone
        assert of(company, values, "unlisted_days") == look.facts.lacks.days
        assert of(company, values, "never_listed_targets") == look.facts.lacks.never
        assert abs(of(company, values, "oldest_waiting_seconds") - (look.oldest.age_s if look.oldest else 0)) < 60
        shown = {link.rpartition("state=")[2]: number for link, number, _rows in counted(ready.admin, ready.url()) if "?state=" in link}
        for state, number in shown.items():
            if state in set(State):
                assert of(company, values, "recordings", state=state) == number, state
        transaction.set_rollback(True)


def test_a_company_is_complete_when_its_headline_says_so(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk, days=800)
    assert of(ready.company, scrape(), "complete") == 1
    works = found(ready, ready.sales, 2)
    assert of(ready.company, scrape(), "complete") == 0, "two wait"
    end(works, State.FAILED, "object_occupied")
    values = scrape()
    assert (of(ready.company, values, "complete"), of(ready.company, values, "recordings_open", state="failed")) == (0, 2)
    failures.close(failures.choose(ready.company.pk, None, Which(state=State.FAILED)), "explained", "Ann", timezone.now())
    values = scrape()
    assert (of(ready.company, values, "complete"), of(ready.company, values, "recordings_open", state="failed")) == (1, 0)
    services.change(ready.company, {"enabled": False})
    values = scrape()
    assert (of(ready.company, values, "complete"), of(ready.company, values, "enabled")) == (0, 0)


def test_holds_workers_and_the_last_success_are_there(ready: World) -> None:
    company, now = ready.company, timezone.now()
    values = scrape()
    assert [of(company, values, "holds", on=on) for on in HoldOn] == [0, 0, 0]
    assert values["rokuon_workers_alive{}"] == 0
    assert not any("last_success" in name for name in values), "never is no time"
    holds.open_hold(company.pk, HoldOn.BUCKET, str(ready.bucket.pk), "bucket_forbidden", "", now)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now()), (now() - interval '1 hour')")
    good, bad = run_of(ready, 30, ready.sales), run_of(ready, 30, ready.sales)
    Run.objects.filter(pk=good.pk).update(finished_at=now - timedelta(hours=2))
    Window.objects.create(
        run=bad,
        scope_kind="company",
        targets=[],
        after=now - timedelta(days=2),
        before=now,
        listed_down_to=now,
        state=Window.State.FAILED,
        reason="x",
    )
    values = scrape()
    assert of(company, values, "holds", on="bucket") == 1
    assert values["rokuon_workers_alive{}"] == 1
    assert abs(of(company, values, "last_success_timestamp_seconds") - (now - timedelta(hours=2)).timestamp()) < 1
    assert values[f'rokuon_build_info{{version="{__version__}"}}'] == 1


def test_every_company_is_there_by_its_id_and_no_name_is(ready: World) -> None:
    fill(ready, [(0, kind, 3, False) for kind in KINDS])
    body = Client().get("/metrics", headers=RIGHT).content.decode()
    for company in (ready.company, ready.other):
        assert f'company="{company.public_id}"' in body
    for name in ("Acme", "Zenith", "Tokyo", "Sales", "gs://", "Ann", str(ready.company.dialpad_id)):
        assert name not in re.sub(r"# (HELP|TYPE) .*", "", body), name


def test_without_a_token_in_the_environment_there_is_no_such_address(world: World, settings: Any) -> None:
    settings.ROKUON_METRICS_TOKEN = None
    for headers in ({}, RIGHT, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
        answer, other = Client().get("/metrics", headers=headers), Client().get("/no-such-page", headers=headers)
        assert (answer.status_code, other.status_code) == (404, 404)
        numbers = [re.sub(r"<code>[0-9a-f]{12}</code>", "", one.content.decode()) for one in (answer, other)]
        assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ü", f"Token {TOKEN}"]
)
def test_another_token_reads_nothing_and_learns_nothing(world: World, given: str) -> None:
    answer = Client().get("/metrics", headers={"authorization": given} if given else {})
    assert (answer.status_code, answer.content, answer["WWW-Authenticate"]) == (401, b"", "Bearer")


def test_a_session_of_the_console_is_no_token(world: World) -> None:
    assert world.admin.get("/metrics").status_code == 401


def test_any_host_name_is_answered_and_only_reading_is(world: World) -> None:
    assert Client().get("/metrics", headers={**RIGHT, "host": "10.0.0.7:8377"}).status_code == 200
    assert Client().post("/metrics", headers=RIGHT).status_code == 404


def test_a_scrape_costs_the_same_for_any_number_of_recordings_and_counts_no_copies(ready: World) -> None:
    fill(ready, [(0, kind, 3, False) for kind in KINDS])
    scrape()
    with CaptureQueriesContext(
        connection,
    ) as few:
        scrape()
    fill(ready, [(1, kind, age, False) for kind in KINDS for age in range(4, 12)])
    with CaptureQueriesContext(connection) as many:
        scrape()
    assert len(few) == len(many)
    for query in many.captured_queries:
        counts = re.search(r"count\(.*FROM ledger_(copy|recording)", query["sql"], re.DOTALL | re.IGNORECASE)
        assert not counts, query["sql"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_in_time_is_said_and_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    make_company("Acme")
    monkeypatch.setattr(endpoint, "EACH_STATEMENT", "200ms")
    how = connection.get_connection_params()
    with psycopg.connect(**{name: how[name] for name in ("host", "port", "user", "password", "dbname") if how.get(name)}) as busy:
        busy.execute("LOCK TABLE org_company")
        answer = Client().get("/metrics", headers=RIGHT)
    assert (answer.status_code, answer.content) == (503, b"")
    assert Client().get("/metrics", headers=RIGHT).status_code == 200


def test_a_label_may_be_any_text() -> None:
    gauge = Gauge("rokuon_test", "Help.")
    gauge.add(0.5, name='a"b\\c\nd')
    assert text_of([gauge, Gauge("rokuon_empty", "Nothing.")]) == (
        '# HELP rokuon_test Help.\n# TYPE rokuon_test gauge\nrokuon_test{name="a\\"b\\\\c\\nd"} 0.5\n'
    )
