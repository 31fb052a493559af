"""Each check of `rokuon doctor` (M12): fine where all is well, and what to do where it is not. None changes anything."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from rokuon.actions import buckets
from rokuon.base.addresses import public_url
from rokuon.cli.doctor import clocks, database, events, machine, mail
from rokuon.cli.doctor import commands as doctor
from rokuon.cli.doctor import company as company_check
from rokuon.cli.doctor.check import Check, Level
from rokuon.cli.doctor.events import event_checks
from rokuon.cli.support.session import CliSession
from rokuon.completeness import headline
from rokuon.config import Config
from rokuon.domain.failures import HoldOn
from rokuon.events.models import Hook
from rokuon.ledger import holds
from rokuon.ledger.models import Run
from rokuon.notify.models import Mail
from rokuon.org.models import Bucket, Company, Office, Target, User
from rokuon.runtime.django_start import django_database
from rokuon.runtime.installation import Installation
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig
from tests.events.conftest import address, live_rig, the_hook
from tests.ledger.factory import World

__all__ = ["address", "live_rig", "rig_of"]

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    return rig_of()


def session_of(rig: Rig, **environment: str) -> CliSession:
    return CliSession(Config.load({**rig.environment, **environment}), rig.installation)


def at(installation: Installation, when: datetime) -> CliSession:
    """A session on a machine whose clock says `when`."""

    class Elsewhen(CliSession):
        def now(self) -> datetime:
            return when

        own_now = now

    return Elsewhen(installation.config, installation)


def found(checks: Iterator[Check]) -> list[tuple[Level, str]]:
    """What is not fine; and that each such check says what to do."""
    wrong = [check for check in checks if check.level is not Level.OK]
    assert all(check.todo for check in wrong)
    return [(check.level, check.says) for check in wrong]


def of_company(rig: Rig) -> list[Check]:
    """All but its events, which are none of a rig's: nothing serves its public address. And but its days, none of which is listed yet."""
    return [check for check in company_check.company_checks(session_of(rig)) if not check.what.endswith(("events", "recordings"))]


def company_checks(rig: Rig) -> list[tuple[Level, str]]:
    return found(iter(of_company(rig)))


# --- the machine ----------------------------------------------------------------------------------------------------------


def machine_of(outer: Path, **environment: str) -> Config:
    config = Config.load({"ROKUON_DATA_DIR": str(outer / "data"), **environment})
    for folder in (config.data_dir / "postgres", config.spool_dir, config.dump_dir, config.data_dir / "buckets"):
        folder.mkdir(parents=True, exist_ok=True)
    (config.data_dir / "postgres" / "PG_VERSION").write_text("18\n")
    return config


def dump_of(config: Config, made: datetime) -> None:
    (config.dump_dir / f"rokuon-{made:%Y%m%dT%H%M%SZ}.dump").touch()


def test_dumps_are_as_old_as_their_names_say(outer: Path) -> None:
    config = machine_of(outer)
    os.utime(config.data_dir / "postgres" / "PG_VERSION", (NOW.timestamp(), NOW.timestamp()))

    def level(now: datetime) -> Level:
        return machine._dump(config.dump_dir, config.data_dir, now).level

    assert [level(NOW + timedelta(hours=hours)) for hours in (1, 40, 80)] == [Level.OK, Level.WARNING, Level.PROBLEM]
    dump_of(config, NOW + timedelta(hours=60))
    assert [level(NOW + timedelta(hours=hours)) for hours in (80, 100, 140)] == [Level.OK, Level.WARNING, Level.PROBLEM]


def test_an_external_database_is_dumped_by_whoever_runs_it(outer: Path) -> None:
    config = machine_of(outer, ROKUON_DATABASE_URL="postgresql://db/rokuon")
    assert "Nightly dump" not in [check.what for check in machine.machine_checks(config, NOW)]


def test_each_disk_is_one_check_and_little_space_is_a_problem(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (disk,) = machine._disks(machine_of(outer))
    assert ("data folder" in disk.says, "spool" in disk.says, "dumps" in disk.says, "buckets" in disk.says) == (True,) * 4
    monkeypatch.setattr(machine, "LOW_SPACE", 1 << 60)
    assert found(machine._disks(machine_of(outer)))[0][0] is Level.WARNING
    monkeypatch.setattr(machine, "NO_SPACE", 1 << 60)
    assert found(machine._disks(machine_of(outer)))[0][0] is Level.PROBLEM


# --- the database and its workers ---------------------------------------------------------------------------------------------


def test_a_sound_database_is_fine(rig: Rig) -> None:
    checks = list(database.database_checks(session_of(rig)))
    assert {check.what: check.level for check in checks if check.what != "Workers"} == {
        "Database": Level.PROBLEM,  # the tests' own server does not wait for the disk
        "Connections of the database": Level.OK,
        "Clock of the database": Level.OK,
        "Migrations": Level.OK,
        "Versions": Level.OK,
    }
    assert any("fsync is off" in check.says or "fsync" in check.says for check in checks)


def test_few_connections_left_are_a_problem(rig: Rig) -> None:
    name = connection.settings_dict["NAME"]
    with psycopg.connect(rig.dsn, autocommit=True) as own:
        own.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 4')
        try:
            assert database._connections().level is Level.PROBLEM
        finally:
            own.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    assert database._connections().level is Level.OK


def test_the_databases_clock_is_compared_with_ours(rig: Rig) -> None:
    for off in (timedelta(minutes=-2), timedelta(minutes=2)):
        check = clocks.of_the_database(at(rig.installation, datetime.now(UTC) + off))
        assert (check.level, check.says) == (Level.WARNING, "120 s from this machine's")


def test_workers_and_their_last_sign_of_life(rig: Rig) -> None:
    assert (database._workers().level, database._workers().says) == (Level.WARNING, "none is running")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) SELECT now() - interval '2 hours' FROM generate_series(1, 2)")
        assert "2 h" in database._workers().says
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now()")
    assert (database._workers().level, database._workers().says) == (Level.OK, "1 alive")


def test_a_process_of_another_version_is_named(rig: Rig) -> None:
    assert found(database._versions()) == []
    options = django_database(rig.dsn)["OPTIONS"]
    assert options["application_name"].startswith("rokuon ")
    with psycopg.connect(rig.dsn, application_name="rokuon 0.0.1"):
        ((level, says),) = found(database._versions())
    assert (level, "0.0.1" in says) == (Level.WARNING, True)


# --- a company ---------------------------------------------------------------------------------------------------------------


def test_a_company_that_is_set_up_is_fine(rig: Rig) -> None:
    checks = of_company(rig)
    assert [check.level for check in checks] == [Level.OK] * len(checks)
    assert "the key lists calls, recorded calls name their recordings, and one of them could be downloaded" in [
        check.says for check in checks
    ]


def test_what_was_never_listed_is_a_warning(rig: Rig) -> None:
    listing = [check for check in company_check.company_checks(session_of(rig)) if check.what.endswith("recordings")]
    assert [check.level for check in listing] == [Level.WARNING]
    assert "never listed" in listing[0].says
    assert listing[0].says.startswith(headline.of_company(rig.company, rig.clock()).sentence), "the headline of every other surface"
    assert listing[0].todo


def narrow(rig: Rig, scope: str) -> None:
    """Take a scope from the company's key, at Dialpad."""
    key = rig.sim.keys.of(int(rig.company.dialpad_id))[0]
    rig.sim.keys.add(key.company_id, key.secret, key.scopes - {scope})


def test_a_key_says_which_scope_it_lacks(rig: Rig) -> None:
    narrow(rig, "calls:list")
    ((level, says),) = company_checks(rig)
    assert (level, "calls:list" in says) == (Level.PROBLEM, True)


def test_a_key_that_names_no_recordings_is_a_problem(rig: Rig) -> None:
    narrow(rig, "recordings_export")
    assert [level for level, says in company_checks(rig) if "name no recording" in says] == [Level.PROBLEM]


def test_without_a_key_or_with_a_revoked_one(rig: Rig) -> None:
    Company.objects.update(api_key="")
    assert company_checks(rig)[0][0] is Level.PROBLEM


def test_a_hold_is_a_problem(rig: Rig) -> None:
    holds.open_hold(rig.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", rig.clock())
    assert (Level.PROBLEM, "Dialpad [source_key_refused]") in company_checks(rig)


def test_what_is_not_switched_on_is_a_warning(rig: Rig) -> None:
    Target.objects.update(backed_up=False)
    assert company_checks(rig) == [(Level.WARNING, "no backup rule is enabled")]
    Company.objects.update(enabled=False)
    assert company_checks(rig) == [(Level.WARNING, "not enabled")]


@pytest.mark.parametrize(("hours", "level"), [(1, None), (3, Level.WARNING), (30, Level.PROBLEM)])
def test_sweeps_that_do_not_end_are_late(rig: Rig, hours: int, level: Level | None) -> None:
    until = rig.clock() - timedelta(hours=hours)
    Target.objects.update(backed_up_at=until - timedelta(days=9))
    Run.objects.create(
        company=rig.company,
        purpose=Run.Purpose.SWEEP_3H,
        scope_kind="company",
        targets=[],
        since=until - timedelta(hours=3),
        until=until,
        state=Run.State.FINISHED,
        finished_at=until,
    )
    assert [one for one, _says in company_checks(rig)] == ([level] if level else [])


def marker(rig: Rig) -> Path:
    return rig.bucket_folder(0) / "call-recordings" / ".rokuon"


def test_a_lost_marker_is_told_and_not_put_back(rig: Rig) -> None:
    marker(rig).unlink()
    ((level, says),) = company_checks(rig)
    assert (level, "bucket_unmarked" in says) == (Level.PROBLEM, True)
    assert not marker(rig).exists()


def test_a_look_at_a_bucket_changes_nothing(rig: Rig) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in rig.bucket_folder(0).rglob("*"))
    Bucket.objects.update(verified_at=None, verification={})
    assert buckets.look_at_bucket(rig.installation, Bucket.objects.get()).ok
    assert sorted((path, path.stat().st_mtime_ns) for path in rig.bucket_folder(0).rglob("*")) == before
    assert Bucket.objects.get().verified_at is None


def test_a_bucket_that_is_gone_or_anothers_is_a_problem(rig: Rig) -> None:
    marker(rig).write_text('{"rokuon-company": "another", "rokuon-installation": "x"}')
    assert ["bucket_claimed_by_other" in says for _level, says in company_checks(rig)] == [True]
    shutil.rmtree(rig.bucket_folder(0))
    assert ["bucket_missing" in says for _level, says in company_checks(rig)] == [True]


# --- events ----------------------------------------------------------------------------------------------------------------


def test_events_that_arrive_are_fine_and_the_way_in_is_tried(live_rig: Callable[..., Rig]) -> None:
    rig = live_rig()
    checks = list(event_checks(session_of(rig), rig.company))
    assert [check.level for check in checks] == [Level.OK, Level.OK]
    assert "no event came yet" in checks[0].says
    assert not Hook.objects.exclude(event_at=None).exists(), "the trial is no event"


def test_a_webhook_that_failed_or_stands_elsewhere_is_told(live_rig: Callable[..., Rig]) -> None:
    rig = live_rig()
    Hook.objects.update(reason="source_scope_missing")
    assert ["[source_scope_missing]" in says for _level, says in found(event_checks(session_of(rig), rig.company))] == [True]
    Hook.objects.update(reason="", address="https://old.example/hooks/dialpad/x")
    assert ["another address" in says for _level, says in found(event_checks(session_of(rig), rig.company))] == [True]
    path = the_hook(rig).path
    Hook.objects.all().delete()
    assert ["not registered yet" in says for _level, says in found(event_checks(session_of(rig), rig.company))] == [True]
    assert path


def test_a_public_address_that_does_not_lead_here_is_told(rig: Rig) -> None:
    hook = Hook.objects.create(company=rig.company, secret="sealed", checked_at=rig.clock())
    check = events._way_in("events", public_url(rig.sim.base_url), hook)
    assert (check.level, "instead of 401" in check.says) == (Level.WARNING, True)
    gone = events._way_in("events", public_url("http://127.0.0.1:9"), hook)
    assert (gone.level, "nothing takes them" in gone.says) == (Level.WARNING, True)


def test_a_console_for_this_machine_alone_has_no_events_and_that_is_said(rig: Rig) -> None:
    Company.objects.update(base_url="https://dialpad.com")
    (check,) = event_checks(session_of(rig), Company.objects.get())
    assert (check.level, "sweeps alone" in check.says) == (Level.OK, True)


# --- mail and who is told ----------------------------------------------------------------------------------------------------


@pytest.fixture
def world(db: None) -> World:
    return World()


def mailing() -> CliSession:
    config = Config.load({"ROKUON_SMTP_URL": "smtp://127.0.0.1:1?tls=none", "ROKUON_PUBLIC_URL": "https://rokuon.example"})
    return CliSession(config, None)  # type: ignore[arg-type]


def a_mail(world: World, **how: Any) -> Mail:
    fields = {"company": world.company, "occasion": "opened", "to": "a@acme.example", "language": "en", "letter": {}, **how}
    return Mail.objects.create(**fields)


def test_c13_mails_that_wait_are_counted_with_why_and_that_none_is_lost(world: World) -> None:
    now = datetime.now(UTC)
    a_mail(world, due_at=now, created_at=now - timedelta(minutes=5))
    assert found(mail._waiting(mailing())) == []
    a_mail(world, due_at=now, created_at=now - timedelta(hours=3), error="server:535")
    (check,) = mail._waiting(mailing())
    assert (check.level, check.says.startswith("2 mails wait")) == (Level.WARNING, True)
    assert "(535)" in check.todo
    assert "None is lost" in check.todo


def test_a_machine_that_notifies_nobody_gets_no_green_tick() -> None:
    (silent,) = mail.mail_checks(CliSession(Config.load({}), None))  # type: ignore[arg-type]
    assert (silent.level, "nobody is notified" in silent.says, "ROKUON_SMTP_URL" in silent.todo) == (Level.WARNING, True, True)


def test_the_last_line_counts_what_got_no_green_tick() -> None:
    assert doctor._verdict(0, 0) == "No problem was found."
    assert doctor._verdict(0, 2).startswith("No problem was found. Warnings: 2;")
    assert doctor._verdict(1, 2) == "Problems: 1."


def test_c17_an_address_that_is_refused_and_an_office_without_anybody_are_told(world: World) -> None:
    office, session = Office.objects.get(), mailing()
    (nobody, fallback) = found(mail._nobody_told(session, world.company))
    assert (nobody[0], fallback[1].endswith(office.name)) == (Level.PROBLEM, True)
    User.objects.create(company=world.company, dialpad_id="1", emails=["boss@acme.example"], is_super_admin=True)
    assert [level for level, _says in found(mail._nobody_told(session, world.company))] == [Level.WARNING]
    User.objects.create(company=world.company, dialpad_id="2", emails=["a@acme.example"], admin_office_ids=[office.dialpad_id])
    assert found(mail._nobody_told(session, world.company)) == []
    assert found(mail._refused(session)) == []
    a_mail(world, refused_at=datetime.now(UTC), error="address:550")
    assert found(mail._refused(session)) == [(Level.WARNING, "a@acme.example")]
    assert [level for level, _says in found(mail._nobody_told(session, world.company))] == [Level.WARNING]


def test_a_time_zone_that_nobody_knows_is_a_warning_with_the_office_and_the_name(rig: Rig) -> None:
    assert not any("time zone" in says for _level, says in company_checks(rig))
    Office.objects.filter(company=rig.company).update(timezone="", unknown_timezone="Mars/Olympus")
    Target.objects.filter(company=rig.company).update(timezone="")
    found = [(level, says) for level, says in company_checks(rig) if "Mars/Olympus" in says]
    assert found and {level for level, _says in found} == {Level.WARNING}
    assert all("UTC" in says for _level, says in found)
