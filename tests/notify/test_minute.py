"""Once a minute, for every company: `wiring.notices` and the tick."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import resolve

from rokuon.domain.failures import HoldOn
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger import holds
from rokuon.notify import paths
from rokuon.notify.models import Mail, Notice, NoticeKind
from rokuon.wiring import notices, sweeps
from tests.ledger.factory import NOW
from tests.notify.factory import Place, taken

MINUTE = timedelta(minutes=1)


def mail_jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo'", [queue.MAIL])
        return int(cursor.fetchone()[0])


def test_l7_the_tick_tells_of_each_cause_once_and_asks_for_the_mail_to_be_sent(place: Place) -> None:
    place.fail(1, 2, 3)
    for minute in range(5):
        tick(NOW + minute * MINUTE)
    assert mail_jobs() == 0
    for minute in range(5, 65):
        tick(NOW + minute * MINUTE)
    assert list(Mail.objects.values_list("to", "occasion")) == [("ken@acme.example", "opened")]
    assert mail_jobs() == 1


def test_one_companys_oddity_keeps_nobody_else_waiting(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    holds.open_hold(place.company.pk, HoldOn.BUCKET, "not a number", "bucket_missing", "404", NOW)
    other = Place("Borg")
    other.fail(1)
    notices.watch(NOW, queue)
    notices.watch(NOW + 5 * MINUTE, queue)
    assert list(Mail.objects.values_list("to", flat=True)) == ["ken@borg.example"]
    assert {getattr(record, "company", None) for record in caplog.records if record.message == "notices_not_looked_at"} == {
        place.company.pk
    }


def test_l7_whatever_goes_wrong_before_it_in_the_minute_what_is_wrong_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(sweeps, "start_due", broken)
    place.fail(1)
    for minute in range(6):
        with pytest.raises(ArithmeticError):
            tick(NOW + minute * MINUTE)
    assert list(Mail.objects.values_list("to", flat=True)) == ["ken@acme.example"]
    assert mail_jobs() == 1


def test_who_looks_is_a_worker_so_there_is_one(place: Place) -> None:
    notices.of_installation(0, NOW, queue.enqueue_mail)
    assert Notice.objects.filter(kind=NoticeKind.NO_WORKER, ended_at=None).exists() and mail_jobs() == 1
    for minute in (1, 20):
        notices.watch(NOW + minute * MINUTE, queue)
    assert not Notice.objects.filter(ended_at=None).exists()


def test_the_tick_forgets_what_is_old(place: Place) -> None:
    taken("ken@acme.example", NOW)
    tick(NOW + timedelta(days=91))
    assert not Mail.objects.filter(created_at=NOW).exists()


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("ref", ["source", "callrecording", "bucket:7"])
def test_every_notice_leads_to_a_page_of_the_console(kind: NoticeKind, ref: str) -> None:
    path = paths.of_notice("abc_-123", Notice(kind=kind, cause="recording_not_audio", ref=ref))
    assert (path == "") == (kind is NoticeKind.NO_WORKER)
    if path:
        found = resolve(path.partition("#")[0])
        assert found.kwargs["company"] == "abc_-123"
        expected = {
            NoticeKind.FAILED: "console:failures-cause",
            NoticeKind.GONE: "console:failures-cause",
            NoticeKind.HOLD: "console:settings-bucket" if ref.startswith("bucket") else "console:set_up",
            NoticeKind.UNNAMED: "console:failures-unnamed",
        }
        assert found.view_name == expected.get(kind, found.view_name)


def test_the_letter_leads_to_the_overview() -> None:
    assert resolve(paths.overview("abc")).view_name == "console:overview"
