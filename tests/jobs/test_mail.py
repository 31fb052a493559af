"""The mail job: asked for by the tick, done by a worker, in nobody's way."""

import asyncio
import time
from datetime import timedelta

from django.db import connection

from rokuon.accounts import mail_links
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger.sql import fetch
from rokuon.notify import outbox
from rokuon.notify.message import Letter, NoticeLine
from rokuon.notify.models import Mail
from rokuon.notify.recipients import Address
from rokuon.org.models import User
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world
from tests.ledger.factory import NOW, World
from tests.notify.conftest import smtp
from tests.notify.mail_server import MailServer

__all__ = ["smtp"]

OPEN_TRANSACTIONS = "SELECT state FROM pg_stat_activity WHERE application_name = 'rokuon' AND state LIKE 'idle in%%'"
LETTER = Letter("opened", "Acme", "Tokyo", lines=(NoticeLine("failed", "bucket_forbidden", count=3),))


def mail_jobs() -> int:
    return jobs_of(queue.MAIL)


def jobs_of(task: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s", [task])
        return int(cursor.fetchone()[0])


def test_a_due_mail_whose_job_was_lost_is_asked_for_again_once(world: World, smtp: MailServer) -> None:
    outbox.put(LETTER, [Address("ken@acme.example", "en")], company_id=world.company.pk, office_id=None, now=NOW + timedelta(minutes=5))
    tick(NOW)
    assert mail_jobs() == 0, "it is not due yet"
    tick(NOW + timedelta(minutes=5))
    tick(NOW + timedelta(minutes=6))
    assert mail_jobs() == 1


def test_c13_a_hanging_mail_server_keeps_no_other_work_waiting(rig_of: MakeRig, smtp: MailServer, settings: object) -> None:
    rig = rig_of(world=small_world(recordings=2))
    smtp.hangs = True
    outbox.put(LETTER, [Address("ken@acme.example", "en")], company_id=rig.company.pk, office_id=None, now=rig.clock())

    async def work(engine: JobHandlers) -> tuple[float, list[str]]:
        sending = asyncio.create_task(engine.mail())
        while not smtp.connections:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        for _ in range(50):
            await engine.db(outbox.waits, rig.clock())
        took = time.monotonic() - began
        assert not sending.done()
        states = await engine.db(
            fetch, "SELECT state FROM pg_stat_activity WHERE application_name = 'rokuon' AND state LIKE 'idle in%%'", []
        )
        await sending
        return took, states

    took, in_transaction = rig.run_async(work)
    assert took < 1.0
    assert in_transaction == []
    assert Mail.objects.get().error == "server:SMTPServerDisconnected"


def test_a_worker_sends_what_the_outbox_holds(rig_of: MakeRig, smtp: MailServer) -> None:
    rig = rig_of(world=small_world(recordings=2))
    outbox.put(LETTER, [Address("ken@acme.example", "ja")], company_id=rig.company.pk, office_id=None, now=rig.clock())
    rig.run_async(lambda engine: engine.mail())
    assert smtp.readers == ["ken@acme.example"]
    assert Mail.objects.get().sent_at is not None


def test_a_worker_sends_the_sign_in_link_that_a_person_asked_for(rig_of: MakeRig, smtp: MailServer) -> None:
    rig = rig_of(world=small_world(recordings=2))
    User.objects.create(company=rig.company, dialpad_id="77", emails=["boss@acme.example"], is_super_admin=True)
    for email in ("boss@acme.example", "stranger@elsewhere.example"):
        mail_links.ask(email, mail_links.Purpose.SIGN_IN, "/", "ja", rig.clock())
    rig.run_async(lambda engine: engine.sign_in_mail())
    assert smtp.readers == ["boss@acme.example"]
    assert not mail_links.waits(rig.clock())


def test_a_sign_in_link_whose_job_was_lost_is_asked_for_again_once(world: World) -> None:
    mail_links.ask("boss@acme.example", mail_links.Purpose.SIGN_IN, "/", "ja", NOW)
    tick(NOW)
    tick(NOW)
    assert jobs_of(queue.SIGN_IN_MAIL) == 1
