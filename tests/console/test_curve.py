"""The throughput of a run: exact steps from the ledger, a drawing with its table, within the reader's reach."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from rokuon.console.runs import curve_svg
from rokuon.ledger import run_curve
from rokuon.ledger.models import Run
from rokuon.ledger.run_curve import MOST, Step, curve, step_s

from .conftest import Role, World
from .copies import STARTED, add_copy

BEGAN = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)


def a_run(world: World, *, lasted: float = 120, **more: object) -> Run:
    fields: dict[str, object] = {
        "company": world.company,
        "scope_kind": "company",
        "targets": [world.sales.pk, world.desk.pk],
        "since": STARTED - timedelta(days=1),
        "until": STARTED + timedelta(days=1),
        "created_at": BEGAN,
        "finished_at": BEGAN + timedelta(seconds=lasted),
        "state": "finished",
    }
    return Run.objects.create(**(fields | more))


def test_the_steps_of_a_run_count_what_was_verified_while_it_ran(world: World) -> None:
    for number, after in enumerate((1, 1.5, 61, 119, 121, -1)):
        add_copy(world.sales, world.bucket, number, data=b"1234", changed_at=BEGAN + timedelta(seconds=after))
    add_copy(world.desk, world.bucket, 10, state="failed", reason="recording_not_audio", changed_at=BEGAN + timedelta(seconds=5))
    add_copy(world.sales, world.bucket, 11, started=STARTED + timedelta(days=9), changed_at=BEGAN + timedelta(seconds=5))
    steps = curve(a_run(world), BEGAN)
    assert (len(steps), steps[0].seconds) == (60, 2.0)
    assert [number for number, step in enumerate(steps) if step.copies] == [0, 30, 59]
    assert (steps[0].copies, steps[0].bytes, steps[0].per_second, steps[0].bytes_per_second) == (2, 8, 1.0, 4.0)
    assert sum(step.copies for step in steps) == 4, "not before it, not after it, no other calls, and only what is verified"


def test_a_run_that_has_verified_nothing_has_no_curve(world: World) -> None:
    assert curve(a_run(world), BEGAN) == []
    assert "Nothing was verified yet while this backup ran." in page(world, a_run(world, scope_kind="office", scope_id=world.tokyo.pk))


def test_a_running_run_has_a_curve_until_now(world: World) -> None:
    add_copy(world.sales, world.bucket, 1, changed_at=BEGAN + timedelta(seconds=3))
    steps = curve(a_run(world, state="running", finished_at=None), BEGAN + timedelta(seconds=4.5))
    assert [(step.copies, step.seconds) for step in steps] == [(0, 1), (0, 1), (0, 1), (1, 1), (0, 0.5)]


@pytest.mark.parametrize("lasted", [0.1, 59, 61, 3600, 86_400, 40 * 86_400, 400 * 86_400])
def test_a_curve_has_a_bounded_number_of_round_steps(lasted: float) -> None:
    step = step_s(lasted)
    assert lasted / step <= MOST
    assert step in run_curve.STEPS_S or step % 86_400 == 0


def page(world: World, run: Run, **headers: str) -> str:
    answer = world.admin.get(world.url(f"backup-now/{run.pk}/throughput/"), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_draws_the_curve_and_says_the_same_as_a_table(world: World) -> None:
    for number in range(6):
        add_copy(world.sales, world.bucket, number, data=b"x" * 1024, changed_at=BEGAN + timedelta(seconds=1))
    run = a_run(world)
    html = page(world, run)
    assert html.count('<svg class="curve"') == 2 and html.count('aria-hidden="true" focusable="false"><path class="grid"') == 2
    (row,) = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)
    assert re.sub(r"<[^>]+>", "|", row).replace("|", " ").split()[-6:] == ["3.0", "6.0", "KiB", "3.0", "KiB"] or "3.0 KiB" in row
    assert ">6<" in row, "six recordings"
    part = page(world, run, **{"HX-Request": "true"})
    assert "<html" not in part and '<svg class="curve"' in part


def test_the_page_of_a_run_leads_to_its_curve_also_without_script(world: World) -> None:
    run = a_run(world)
    shown = world.admin.get(world.url(f"backup-now/{run.pk}/")).content.decode()
    assert f'<a href="{world.url(f"backup-now/{run.pk}/throughput/")}">' in shown


def test_an_office_admin_sees_the_curve_of_the_own_targets_and_a_stranger_none(world: World) -> None:
    add_copy(world.sales, world.bucket, 1, changed_at=BEGAN + timedelta(seconds=1))
    add_copy(world.desk, world.bucket, 2, changed_at=BEGAN + timedelta(seconds=1))
    run = a_run(world)
    url = world.url(f"backup-now/{run.pk}/throughput/")
    osaka = world.client(Role.OFFICE_ADMIN, world.osaka).get(url).content.decode()
    assert "(your part)" in osaka and re.search(r"<td[^>]*>1</td>", osaka)
    assert world.client(Role.COMPANY_ADMIN, company=world.other).get(url).status_code == 404
    of_tokyo = a_run(world, scope_kind="office", scope_id=world.tokyo.pk, targets=[world.sales.pk])
    hidden = world.url(f"backup-now/{of_tokyo.pk}/throughput/")
    assert world.client(Role.OFFICE_ADMIN, world.osaka).get(hidden).status_code == 404


def test_a_curve_of_nothing_is_no_fault_and_one_value_fills_it() -> None:
    assert 'd=""' in curve_svg.drawn([])
    assert 'd="M0.0 0.0L600.0 0.0"' in curve_svg.drawn([5])
    assert Step(BEGAN, 2, 4, 8).per_second == 2
