"""Back up now (M11) in the console: the plan before the start, one run per scope, pause and resume, and each within their reach."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry, Membership, Person
from rokuon.console.runs import read_model
from rokuon.console.runs import start_views as view
from rokuon.console.web.installation import installation
from rokuon.domain.work import PlannedCall, PlannedCopy, Work
from rokuon.ledger import place, record, runs
from rokuon.ledger.models import Run, Window
from rokuon.org.models import Company, Office, Target
from tests.e2e.conftest import MakeRig
from tests.e2e.conftest import rig_of as rig_of
from tests.e2e.rig import Rig
from tests.ledger.factory import failed, verified

from .conftest import Role, World

NOW = timezone.now()
SINCE = NOW - timedelta(days=100)


# --- with a Dialpad -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rig(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A company over a simulated Dialpad; the console serves its installation."""
    rig = rig_of()
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    installation.cache_clear()
    yield rig
    installation.cache_clear()


def browser(company: Company, role: str = Role.COMPANY_ADMIN, office: Office | None = None) -> Client:
    person = Person.objects.create(email=f"{role}{Person.objects.count()}@rig.example")
    Membership.objects.create(person=person, company=company, office=office, role=role)
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def page_of(company: Company, rest: str = "") -> str:
    return f"/c/{company.public_id}/backup-now/{rest}"


WHOLE = {"scope": "company:0", "period": "two_years"}


def test_the_plan_says_what_a_start_would_do_and_does_nothing(rig: Rig) -> None:
    answer = browser(rig.company).post(page_of(rig.company, "plan/"), WHOLE, follow=True)
    said = answer.content.decode()
    assert answer.status_code == 200
    assert "recordings to fetch" in said
    assert answer.context["plan"].recordings > 25
    assert 'name="scope" value="company:0"' in said
    assert Run.objects.count() == 0
    assert rig.audio_requests() == 0


def test_a_plan_of_the_whole_company_counts_what_is_outside_every_rule_and_one_of_an_office_does_not(rig: Rig) -> None:
    words = "Recorded calls outside every rule, not fetched"
    whole = browser(rig.company).post(page_of(rig.company, "plan/"), WHOLE, follow=True)
    assert whole.context["plan"].outside > 0
    assert words in whole.content.decode()
    office = rig.company.offices.get(dialpad_id=str(rig.sim.company.offices[0].id))
    asked = {"scope": f"office:{office.pk}", "period": "two_years"}
    for client in (browser(rig.company), browser(rig.company, Role.OFFICE_ADMIN, office)):
        own = client.post(page_of(rig.company, "plan/"), asked, follow=True).content.decode()
        assert "What a start would do" in own
        assert words not in own


def test_pressing_start_twice_joins_and_the_recordings_arrive(rig: Rig) -> None:
    client = browser(rig.company)
    first = client.post(page_of(rig.company, "start/"), WHOLE)
    run = Run.objects.get()
    assert (first.status_code, first["Location"]) == (303, page_of(rig.company, f"{run.pk}/"))
    second = client.post(page_of(rig.company, "start/"), WHOLE, follow=True)
    assert "nothing was started twice" in second.content.decode()
    assert Run.objects.count() == 1
    rig.drain()
    ended = client.get(page_of(rig.company, f"{run.pk}/")).content.decode()
    assert f"All {rig.states()['verified']} recordings are in your bucket" in ended
    rig.check()
    history = client.get(page_of(rig.company)).content.decode()
    assert f'run={run.pk}&amp;state=verified">{rig.states()["verified"]}</a></td>' in history
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["run.start", "run.join"]


def test_an_office_admin_starts_a_run_of_their_office_alone(rig: Rig) -> None:
    office = rig.company.offices.order_by("pk")[0]
    client = browser(rig.company, Role.OFFICE_ADMIN, office)
    Company.objects.filter(pk=rig.company.pk).update(synced_at=timezone.now())
    assert client.post(page_of(rig.company, "start/"), WHOLE).status_code == 422
    assert client.post(page_of(rig.company, "start/"), {**WHOLE, "scope": f"office:{office.pk}"}).status_code == 303
    run = Run.objects.get()
    assert (run.scope_kind, run.scope_id) == ("office", office.pk)
    assert set(run.targets) == set(Target.objects.filter(office=office).values_list("pk", flat=True))
    assert AuditEntry.objects.get(action="run.start").office_id == office.pk


def test_a_refused_key_is_said_with_the_page_that_mends_it(rig: Rig) -> None:
    rig.enter_key("not-the-key-at-all")
    answer = browser(rig.company).post(page_of(rig.company, "plan/"), WHOLE, follow=True)
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Dialpad refuses the API key" in said
    assert "source_key_refused" in said
    assert page_of(rig.company).replace("backup-now/", "set-up/") in said
    assert "rokuon " not in said.replace("Rokuon ", "")
    assert Run.objects.count() == 0


def test_a_company_without_a_key_and_one_whose_key_cannot_be_read_are_told_so(rig: Rig) -> None:
    client = browser(rig.company)
    for sealed, sentence in (("", "has no Dialpad API key yet"), ("v1:nonsense", "cannot be read. Enter it again")):
        Company.objects.filter(pk=rig.company.pk).update(api_key=sealed)
        answer = client.post(page_of(rig.company, "plan/"), WHOLE)
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True), sentence


def test_a_dialpad_that_does_not_answer_in_time_leaves_the_choice_to_start_without_a_plan(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.sim.faults.load([{"endpoint": "calls", "action": {"kind": "delay", "seconds": 5}}])
    monkeypatch.setattr(view, "PATIENCE_S", 0.5)
    Company.objects.filter(pk=rig.company.pk).update(synced_at=timezone.now())
    client = browser(rig.company)
    answer = client.post(page_of(rig.company, "plan/"), WHOLE)
    assert answer.status_code == 422
    assert "Start without a plan" in answer.content.decode()
    assert client.post(page_of(rig.company, "start/"), WHOLE).status_code == 303


def test_starting_what_is_paused_lets_it_go_on(rig: Rig) -> None:
    client = browser(rig.company)
    run = rig.start()
    runs.pause(run, rig.clock())
    assert "is paused. Starting resumes it" in client.post(page_of(rig.company, "plan/"), WHOLE, follow=True).content.decode()
    answer = client.post(page_of(rig.company, "start/"), WHOLE, follow=True)
    assert "It is now resumed" in answer.content.decode()
    assert Run.objects.get().state == "running"
    assert AuditEntry.objects.get().action == "run.resume"


# --- without one ----------------------------------------------------------------------------------------------------------------


def found(world: World, target: Target, count: int, first: int = 0) -> list[Work]:
    """So many recordings of the target, placed in the bucket of the company, yesterday."""
    started = int((NOW - timedelta(days=1)).timestamp() * 1000)
    numbers = [target.pk * 1000 + first + number for number in range(count)]
    copies = [
        PlannedCopy(
            target_id=target.pk,
            bucket_id=world.bucket.pk,
            kind="callrecording",
            recording_id=f"r{number}",
            call_id=f"c{number}",
            started_ms=started,
            duration_ms=1000,
            url="https://dialpad.example/r",
            agent="Ann",
            key=f"call-recordings/{target.pk}/2026-09-21/{number}.mp3",
            spare_key=f"call-recordings/{target.pk}/2026-09-21/{number} (2).mp3",
        )
        for number in numbers
    ]
    calls = [PlannedCall(target.pk, f"c{number}", started, True, 1) for number in numbers]
    return place.place(world.company.pk, calls, copies, NOW)


def open_run(world: World, kind: str = "company", scope: int = 0, targets: list[Target] | None = None) -> Run:
    ids = [target.pk for target in (targets or [world.sales, world.trainees, world.desk])]
    run, _started = runs.open_run(world.company.pk, kind, scope, ids, SINCE, NOW, NOW, relist=False)
    runs.add_windows(run, [runs.WindowPlan("company", "", tuple(ids), SINCE, NOW)], NOW)
    return run


def of(world: World, run: Run, rest: str = "") -> str:
    return world.url(f"backup-now/{run.pk}/{rest}")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"since": "2999-01-01"}, "is in the future"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "Exchange them"),
        ({"since": "yesterday"}, "is not a date"),
        ({"scope": "office:999999"}, "Select a valid choice"),
        ({"scope": "' OR 1=1 --"}, "Select a valid choice"),
        ({"period": "for ever"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_asked_for_starts_nothing_and_says_why(world: World, asked: dict[str, str], sentence: str) -> None:
    for step in ("plan/", "start/"):
        answer = world.admin.post(world.url(f"backup-now/{step}"), {"scope": "company:0", "period": "dates", **asked})
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert Run.objects.count() == 0


def test_pause_shows_numbers_first_then_stops_the_run_and_resume_lets_it_go_on(world: World) -> None:
    run, client = open_run(world), world.admin
    works = found(world, world.sales, 7)
    record.record([verified(work) for work in works[:3]], NOW)
    asked = client.get(of(world, run, "pause/")).content.decode()
    assert "3 recordings, 30 B" in asked
    assert "4 recordings" in asked
    assert Run.objects.get().state == "running"
    assert client.post(of(world, run, "pause/")).status_code == 303
    shown = client.get(of(world, run)).content.decode()
    assert "This backup is paused" in shown
    assert "Nothing was changed" in client.post(of(world, run, "pause/"), follow=True).content.decode()
    assert client.get(of(world, run, "pause/")).status_code == 303, "there is nothing to ask any more"
    assert client.post(of(world, run, "resume/")).status_code == 303
    assert Run.objects.get().state == "running"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["run.pause", "run.resume"]


def test_a_cancelled_run_says_what_was_set_aside_in_words(world: World) -> None:
    run, client = open_run(world), world.admin
    found(world, world.sales, 5)
    assert client.post(of(world, run, "cancel/"), follow=True).status_code == 200
    shown = client.get(of(world, run)).content.decode()
    assert "was cancelled" in shown
    assert "The next Back up now takes them back" in shown
    assert client.get(of(world, run, "cancel/")).status_code == 303


def test_the_live_part_tells_the_page_to_load_anew_when_the_state_has_changed(world: World) -> None:
    run, client = open_run(world), world.admin
    same = client.get(of(world, run, "progress/?state=waiting"))
    assert "HX-Refresh" not in same
    assert "<html" not in same.content.decode()
    assert 'hx-trigger="every 2s"' in same.content.decode()
    runs.pause(run.pk, NOW)
    assert client.get(of(world, run, "progress/?state=running"))["HX-Refresh"] == "true"
    assert client.get(world.url(f"backup-now/current/?shown={run.pk}")).status_code == 200
    runs.cancel(run.pk, NOW)
    assert client.get(world.url(f"backup-now/current/?shown={run.pk}"))["HX-Refresh"] == "true"
    assert "hx-trigger" not in client.get(of(world, run, "progress/?state=cancelled")).content.decode()


def test_without_script_a_running_page_loads_itself_again(world: World) -> None:
    run, client = open_run(world), world.admin
    assert '<noscript><meta http-equiv="refresh"' in client.get(of(world, run)).content.decode()
    runs.cancel(run.pk, NOW)
    assert "http-equiv" not in client.get(of(world, run)).content.decode()


def test_a_run_that_nobody_works_on_says_so_until_a_worker_runs(world: World) -> None:
    run, client = open_run(world), world.admin
    assert "waits for a worker" in client.get(of(world, run)).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now())")
    assert "waits for a worker" not in client.get(of(world, run)).content.decode()
    assert client.get(of(world, run, "progress/?state=waiting"))["HX-Refresh"] == "true"


OTHERS = r"(?<![\d.])3(13|20)(?!\d)"
"""Another office's 313 recordings, and the 320 of both. Digits of a time are no such number."""


def test_an_office_sees_of_a_company_run_its_own_part_and_may_not_stop_it(world: World) -> None:
    run = open_run(world)
    record.record([verified(work) for work in found(world, world.sales, 7)], NOW)
    record.record([failed(work) for work in found(world, world.desk, 313)], NOW)
    client = world.client(Role.OFFICE_ADMIN, world.tokyo)
    for path in (of(world, run), of(world, run, "progress/"), world.url("backup-now/"), world.url("backup-now/current/")):
        shown = client.get(path).content.decode()
        assert "your part" in shown or path.endswith("progress/")
        assert "Osaka" not in shown
        assert "Desk" not in shown
        assert not re.search(OTHERS, shown)
    for change in ("pause/", "resume/", "cancel/"):
        assert client.get(of(world, run, change)).status_code == 403
        assert client.post(of(world, run, change)).status_code == 403
    assert Run.objects.get().state == "running"
    runs.cancel(run.pk, NOW)
    history = client.get(world.url("backup-now/")).content.decode()
    assert f'run={run.pk}&amp;state=verified">7</a></td>' in history
    assert '<td data-label="Failed" class="num">0</td>' in history
    assert not re.search(OTHERS, history)


def test_another_offices_run_is_not_there(world: World) -> None:
    theirs = open_run(world, "office", world.osaka.pk, [world.desk])
    also = open_run(world, "callcenter", world.desk.pk, [world.desk])
    client = world.client(Role.OFFICE_ADMIN, world.tokyo)
    assert "Acme Desk" not in client.get(world.url("backup-now/")).content.decode()
    for run in (theirs, also):
        for rest in ("", "progress/", "pause/", "resume/", "cancel/"):
            assert client.get(of(world, run, rest)).status_code == 404
        assert client.post(of(world, run, "cancel/")).status_code == 404


def test_an_office_is_offered_its_own_things_only(world: World) -> None:
    shown = world.client(Role.OFFICE_ADMIN, world.tokyo).get(world.url("backup-now/")).content.decode()
    assert f'value="office:{world.tokyo.pk}"' in shown
    assert f'value="callcenter:{world.sales.pk}"' in shown
    assert "company:0" not in shown
    assert "Osaka" not in shown


def test_a_viewer_watches_and_starts_nothing(world: World) -> None:
    run = open_run(world)
    client = world.client(Role.VIEWER)
    assert "Show the plan" not in client.get(world.url("backup-now/")).content.decode()
    shown = client.get(of(world, run)).content.decode()
    assert "pause/" not in shown
    assert client.post(of(world, run, "pause/")).status_code == 403


def test_days_that_could_not_be_listed_are_named_with_the_reason_in_words(world: World) -> None:
    run = open_run(world)
    Window.objects.update(state="failed", reason="source_unavailable")
    runs.end_done(world.company.pk, NOW)
    client = world.admin
    shown = client.get(of(world, run)).content.decode()
    assert "could not be listed from end to end" in shown
    assert "source_unavailable" in shown
    assert "1 period not listed" in client.get(world.url("backup-now/")).content.decode()


def test_the_history_goes_back_page_by_page(world: World) -> None:
    for number in range(read_model.PAGE + 5):
        run, _started = runs.open_run(world.company.pk, "company", 0, [world.sales.pk], SINCE, NOW, NOW, relist=False)
        runs.cancel(run.pk, NOW + timedelta(seconds=number))
    client = world.admin
    newest = client.get(world.url("backup-now/"))
    older = client.get(world.url(f"backup-now/?before={newest.context['next_page']}"))
    shown = [one.run.pk for page in (newest, older) for one in page.context["history"]]
    assert shown == sorted(Run.objects.values_list("pk", flat=True), reverse=True)
    assert older.context["next_page"] is None
    for nonsense in ("x", "-1", "9" * 30):
        assert client.get(world.url("backup-now/"), {"before": nonsense}).status_code == 200
