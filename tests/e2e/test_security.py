"""Security rows of docs/design/security.md that need whole runs. docs/design/security.md says where each row is tested."""

import json
import logging
import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rokuon.domain.failures import HoldOn
from rokuon.ledger.models import Hold
from rokuon.org.models import Company
from tests.checker import MARKERS
from tests.e2e.conftest import MakeRig
from tests.e2e.gcs import GcsThread
from tests.e2e.rig import Rig, small_world
from tests.e2e.test_faults import storm

CANARY = "dp-canary-7c1f9b2e84d04f6e"


def with_canary_key(rig: Rig) -> None:
    rig.sim.keys.revoke(rig.sim.key)
    rig.sim.keys.add(rig.sim.company.id, CANARY)
    rig.enter_key(CANARY)


def everything_in(dsn: str) -> str:
    """Return every row of every table, as a dump would show it."""
    texts = []
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            texts += [row[0] for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall()]
    return "\n".join(texts)


def test_q10_the_key_travels_in_the_header_alone(rig_of: MakeRig) -> None:
    """Dialpad's own redirect contains the key in its query (docs/design/dialpad.md 3); Rokuon puts it into no query."""
    rig = rig_of()
    with_canary_key(rig)
    rig.back_up_now()
    rig.check()
    assert set(rig.sim.meter.key_in_query) <= {"media_secureblob"}
    with_key = [entry for entry in rig.sim.meter.log if CANARY in entry.query]
    assert {entry.endpoint for entry in with_key} <= {"media_secureblob"}


class _Listener:
    def __init__(self) -> None:
        self.hits = 0


@contextmanager
def nobody_should_come() -> Iterator[tuple[int, _Listener]]:
    seen, server = _Listener(), socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            try:
                server.accept()[0].close()
                seen.hits += 1
            except TimeoutError:
                continue

    thread = threading.Thread(target=listen)
    thread.start()
    yield server.getsockname()[1], seen
    stop.set()
    thread.join()
    server.close()


def test_q12_proxy_variables_of_the_environment_are_not_used(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_should_come() as (port, seen), GcsThread() as gcs:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        rig = rig_of(world=small_world(recordings=20), ROKUON_STORAGE_EMULATOR_HOST=gcs.double.url)
        rig.use_bucket(gcs.url, gcs.key)
        rig.back_up_now()
        assert rig.states().get("verified", 0) > 10
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
    assert seen.hits == 0


def test_q15_names_that_climb_stay_inside_the_bucket(rig_of: MakeRig, outer: Path) -> None:
    rig = rig_of(world=small_world(recordings=60, centers=11, users=22))
    before = {path for path in outer.rglob("*") if path.is_file() and not path.is_relative_to(rig.bucket_folder())}
    rig.back_up_now()
    rig.check()
    after = {path for path in outer.rglob("*") if path.is_file() and not path.is_relative_to(rig.bucket_folder())}
    assert after == before
    for key in rig.objects():
        assert key.startswith("call-recordings/")
        assert not {"", ".", ".."} & set(key.split("/")[:-1])


def test_q20_a_dump_of_the_database_holds_no_secret(rig_of: MakeRig) -> None:
    with GcsThread() as gcs:
        rig = rig_of(world=small_world(recordings=20), ROKUON_STORAGE_EMULATOR_HOST=gcs.double.url)
        with_canary_key(rig)
        rig.use_bucket(gcs.url, gcs.key)
        rig.back_up_now()
        assert rig.states().get("verified", 0) > 10
        dump = everything_in(rig.dsn)
    secrets = [CANARY, *[line for line in json.loads(gcs.key)["private_key"].splitlines() if len(line) > 40]]
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in dump] == []
    assert Company.objects.values_list("api_key", flat=True).get(pk=rig.company.pk) in dump, "the dump was read at all"


def test_q20_a_secret_moved_to_another_company_does_not_open_and_no_request_is_made(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(companies=2, recordings=20))
    mine, other = rig.companies
    sealed = Company.objects.values_list("api_key", flat=True).get(pk=mine.pk)
    Company.objects.filter(pk=other.pk).update(api_key=sealed)
    rig.sim.meter.reset()
    rig.start(other)
    rig.drain()
    assert [(hold.company_id, hold.on) for hold in Hold.objects.all()] == [(other.pk, HoldOn.SOURCE)]
    assert list(rig.sim.meter.log) == []
    assert rig.states(1) == {}
    rig.back_up_now()
    rig.check_without_spool(0)


@pytest.mark.parametrize("seed", range(2))
def test_q22_no_secret_no_address_and_no_name_of_a_person_in_logs_or_texts_of_the_ledger_through_a_storm(
    rig_of: MakeRig, impatient: None, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is registered with the log's redaction, so the test shows that the values are never written."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record) + repr({k: v for k, v in record.__dict__.items() if k not in ("args",)}))

    keep = Keep(level=logging.DEBUG)
    keep.setFormatter(logging.Formatter("%(message)s %(exc_text)s"))
    root = logging.getLogger("rokuon")
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(keep)
    try:
        rig = rig_of(world=small_world(seed=seed + 1, recordings=60))
        with_canary_key(rig)
        rig.sim.faults.load(storm(random.Random(seed)))
        rig.back_up_now()
        rig.pass_time(steps=(0.02, 0.1))
        rig.sim.faults.clear()
        rig.pass_time()
    finally:
        root.removeHandler(keep)
        root.setLevel(before)
    assert len(said) > 20, "something was logged"
    with psycopg.connect(rig.dsn) as connection:
        texts = [
            row[0]
            for row in connection.execute(
                """SELECT reason || ' ' || detail FROM ledger_copy UNION ALL SELECT reason || ' ' || detail FROM ledger_window
                   UNION ALL SELECT reason || ' ' || detail FROM ledger_hold
                   UNION ALL SELECT args::text FROM procrastinate_jobs"""
            ).fetchall()
        ]
    names = {user.name for user in rig.sim.company.users if len(user.name) > 4} | {center.name for center in rig.sim.company.centers}
    for canary in [CANARY, "apikey=", "sig=", "/secureblob/", "Bearer", "+1415555", *names]:
        assert [text[:300] for text in said + texts if canary in text] == []


def test_q45_what_is_written_is_private_whatever_the_umask(rig_of: MakeRig) -> None:
    old = os.umask(0)
    try:
        rig = rig_of(world=small_world(recordings=20), switches={"media_length": "close"})
        rig.back_up_now()
        rig.check()
    finally:
        os.umask(old)
    assert rig.config.spool_dir.stat().st_mode & 0o777 == 0o700
    modes = {(rig.bucket_folder() / key).stat().st_mode & 0o777 for key in rig.objects() if key not in MARKERS}
    assert modes == {0o640}


def test_q14_a_flood_of_endless_bodies_leaves_the_spool_empty_and_the_others_arrive(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=30), ROKUON_MAX_RECORDING_BYTES=str(1 << 20), ROKUON_MEMORY_BUDGET_BYTES=str(1 << 20))
    rig.sim.faults.load([{"endpoint": "media_blob", "share": 0.3, "seed": 3, "action": {"kind": "endless", "rate": 50 << 20}}])
    rig.back_up_now()
    hit = sum(rule.hits for rule in rig.sim.faults.rules)
    assert hit > 3
    rig.sim.faults.clear()
    rig.pass_time()
    rig.back_up_now()
    rig.check()


def test_q17_the_log_of_the_store_shows_no_request_that_could_replace_or_delete(rig_of: MakeRig) -> None:
    with GcsThread("objectUser") as gcs:
        rig = rig_of(world=small_world(recordings=20), ROKUON_STORAGE_EMULATOR_HOST=gcs.double.url)
        rig.use_bucket(gcs.url, gcs.key)
        rig.start()
        rig.drain(engines=2)
        assert gcs.double.bucket.overwrites == 0
        assert {entry.op.value for entry in gcs.double.log} <= {"upload", "start", "chunk", "stat", "media", "list", "token", "permissions"}
