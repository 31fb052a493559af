"""`rokuon drill`: what it reads, what it says of it, and what it never says."""

import hashlib
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from rokuon.accounts.models import AuditEntry
from rokuon.cli.drill import display
from rokuon.ledger import drills
from rokuon.ledger.drill_models import Drill
from rokuon.ledger.drills import Lot
from rokuon.ledger.models import Copy
from rokuon.runtime.database_clock import DatabaseClock
from tests.audio import mp3

from .conftest import Rokuon, interrupt, wait_until
from .filled import NUMBER, Filled, filled

__all__ = ["filled"]

HALF = ("--damaged-below", "10")
"""Of 30, this asks for 19."""


def begun(filled: Filled) -> Drill:
    return drills.begin(filled.bucket.company_id, filled.bucket.pk, Lot("s", 950_000, 100_000), "Ann", DatabaseClock()())


def test_whole_recordings_are_read_and_the_sentence_says_what_that_shows(filled: Filled) -> None:
    answer = filled("--yes", "--seed", "Audit 7", *HALF)
    assert answer.code == 0, answer.err
    assert "19 of 30 recordings were read back, drawn by lot. All of them were whole." in answer.out
    assert "With 95 % confidence fewer than 10 % are damaged." in answer.out
    assert "A sample cannot prove that not a single recording is damaged." in answer.out
    assert "Seed: Audit 7" in answer.out
    drill = Drill.objects.get()
    assert (drill.state, drill.read, drill.bad, drill.seed, drill.by) == ("finished", 19, 0, "Audit 7", "command line")


def test_it_speaks_japanese(filled: Filled) -> None:
    answer = filled("--yes", *HALF, LANG="ja_JP.UTF-8")
    assert "信頼度 95 % で、破損している録音は 10 % 未満です。" in answer.out


def test_start_and_end_are_in_the_audit_log(filled: Filled) -> None:
    filled("--yes", "--seed", "Audit 7", *HALF)
    start, end = AuditEntry.objects.filter(action__startswith="drill.").order_by("pk")
    assert (start.action, start.after["seed"], start.after["drawn"], start.after["of"]) == ("drill.start", "Audit 7", 19, 30)
    assert (end.action, end.after["read"], end.after["bad"], end.subject) == ("drill.end", 19, 0, filled.bucket.url)


def test_without_a_yes_the_cost_is_shown_and_nothing_is_read(filled: Filled) -> None:
    shutil.rmtree(filled.root)
    answer = filled(*HALF)
    assert answer.code == 2
    assert "19" in answer.out and "53.4 KiB" in answer.out, answer.out
    assert "Nothing was read." in answer.err
    plan = filled("--json", *HALF)
    assert (plan.code, plan.json["to_read"], plan.json["bytes"]) == (2, 19, 19 * len(mp3(1)))
    assert not Drill.objects.exists()
    assert not AuditEntry.objects.filter(action="drill.start").exists()


def test_a_sample_beyond_the_limit_is_refused_before_anything_is_read(filled: Filled) -> None:
    answer = filled("--yes", "--most-gib", "0.00001", *HALF)
    assert answer.code == 2
    assert "more than the 10.5 KiB that --most-gib allows" in answer.err and "None of it was read" in answer.err
    assert not Drill.objects.exists()


def test_the_limit_is_also_that_of_what_is_left_of_an_unfinished_drill(filled: Filled) -> None:
    drill = begun(filled)
    drills.record(drill.pk, [drills.ReadResult(1, "whole")])
    refused = filled("--yes", "--most-gib", "0.00001")
    assert refused.code == 2 and "None of it was read" in refused.err and "--afresh" in refused.err
    drill.refresh_from_db()
    assert (drill.state, drill.read) == ("open", 1)


def test_the_same_seed_draws_the_same_recordings(filled: Filled) -> None:
    for _ in range(2):
        assert filled("--yes", "--seed", "x", *HALF).code == 0
    first, second = Drill.objects.order_by("pk")
    assert filled.drawn(first) == filled.drawn(second)


def test_a_seed_is_kept_in_one_form_however_the_keyboard_writes_it(filled: Filled) -> None:
    assert filled("--yes", "--seed", "か\u3099", *HALF).code == 0
    assert Drill.objects.get().seed == "が"


def test_all_recordings_make_no_statement_about_others(filled: Filled) -> None:
    said = " ".join(filled.json("--confidence", "99.9")["says"])
    assert "30 of 30 recordings were read back" in said and "confidence" not in said


def test_an_altered_and_a_missing_recording_are_named_and_bound_what_may_be_damaged(filled: Filled) -> None:
    drawn = filled.drawn(begun(filled))
    altered, missing = drawn[2], drawn[11]
    filled.file(altered).write_bytes(b"\0" + filled.file(altered).read_bytes()[1:])
    filled.file(missing).unlink()
    answer = filled("--yes")
    assert answer.code == 1
    assert "2 of them were damaged or missing." in answer.out and "whole" not in answer.out.replace("found whole", "")
    assert "With 95 % confidence at most" in answer.out
    assert altered.key.rpartition("/")[2] in answer.out and "object_differs" in answer.out and "object_missing" in answer.out
    drill = Drill.objects.get()
    assert (drill.read, drill.bad, drill.read_again) == (19, 2, 2)
    assert {one.copy_id: one.result for one in drills.bad_ones(drill.pk, 9)} == {altered.pk: "object_differs", missing.pk: "object_missing"}
    assert Copy.objects.filter(state="verified").count() == NUMBER, "a drill changes no recording's state"


def test_a_bucket_that_is_not_there_ends_the_drill_and_nothing_counts_as_bad(filled: Filled) -> None:
    away = filled.root.with_name("away")
    filled.root.rename(away)
    filled.root.mkdir()
    answer = filled("--yes", *HALF)
    assert answer.code != 0
    assert "bucket_unmarked" in answer.err and "ended early" in answer.err
    assert "0 of the 19 recordings that were drawn by lot out of 30 have been read back." in answer.out
    assert "whole" not in answer.out and "confidence" not in answer.out.replace("Confidence", "")
    drill = Drill.objects.get()
    assert (drill.state, drill.read, drill.bad, drill.stopped) == ("open", 0, 0, "bucket_unmarked")
    shutil.rmtree(filled.root)
    away.rename(filled.root)
    assert filled("--yes").code == 0
    drill.refresh_from_db()
    assert (drill.state, drill.read, drill.stopped) == ("finished", 19, "")


def test_a_killed_drill_is_continued_and_reads_nothing_twice(filled: Filled, database_url: str) -> None:
    drill = begun(filled)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT 1 FROM ledger_drawnrecording WHERE drill_id = %s AND place = 9 FOR UPDATE", [drill.pk])
        process = filled.rokuon.start("drill", "--yes")
        wait_until(lambda: Drill.objects.get().read == 8, 60)
        interrupt(process, signal.SIGKILL)
    for copy in filled.drawn(drill)[:8]:
        filled.file(copy).unlink()
    answer = filled("--yes")
    assert answer.code == 0, answer.err
    assert "8 of 19 are read. It is continued." in answer.out
    assert "All of them were whole." in answer.out
    assert AuditEntry.objects.filter(action="drill.end").count() == 1


def test_an_unfinished_drill_is_not_mixed_with_another_but_can_be_left(filled: Filled) -> None:
    drill = begun(filled)
    refused = filled("--yes", "--seed", "luckier")
    assert refused.code == 2 and "--afresh" in refused.err
    assert filled("--yes", "--afresh", "--seed", "luckier", *HALF).code == 0
    drill.refresh_from_db()
    assert drill.state == "left"
    assert list(AuditEntry.objects.filter(action__startswith="drill.").order_by("pk").values_list("action", flat=True)) == [
        "drill.leave",
        "drill.start",
        "drill.end",
    ]


def test_the_sample_is_written_to_a_folder_under_its_names(filled: Filled, outer: Path) -> None:
    folder = outer / "exercise"
    done = filled.json("--restore-to", str(folder), *HALF)
    assert done["restored"] == {"folder": str(folder.resolve()), "written": 19, "not_written": []}
    for copy in filled.drawn(Drill.objects.get()):
        assert hashlib.sha256((folder / copy.key).read_bytes()).hexdigest() == copy.sha256


def test_an_existing_file_is_never_overwritten(filled: Filled, outer: Path) -> None:
    folder = outer / "exercise"
    drill = begun(filled)
    other, same = filled.drawn(drill)[:2]
    for copy, data in ((other, b"mine"), (same, filled.file(same).read_bytes())):
        (folder / copy.key).parent.mkdir(parents=True, exist_ok=True)
        (folder / copy.key).write_bytes(data)
    answer = filled("--yes", "--restore-to", str(folder))
    assert answer.code == 1
    assert f"another file has this name there: {other.key}" in answer.out
    assert (folder / other.key).read_bytes() == b"mine"
    assert f"Written to {folder.resolve()}: 17 recordings." in answer.out
    assert Drill.objects.get().bad == 0, "the recording in the bucket is whole"


def test_a_folder_that_cannot_be_written_ends_the_drill_and_says_which(filled: Filled, outer: Path) -> None:
    (outer / "file").write_text("")
    answer = filled("--yes", "--restore-to", str(outer / "file" / "below"), *HALF)
    assert answer.code == 2 and str(outer / "file" / "below") in answer.err
    assert not Drill.objects.exists()


@pytest.mark.parametrize(
    "line",
    [
        ("--confidence", "100"),
        ("--confidence", "0"),
        ("--damaged-below", "0.00001"),
        ("--damaged-below", "many"),
        ("--most-gib", "0"),
        ("--most-gib", "nan"),
        ("--seed", ""),
        ("--seed", " a"),
        ("--seed", "a\nb"),
        ("--bucket", "gs://other"),
    ],
)
def test_what_means_nothing_is_refused(filled: Filled, line: tuple[str, str]) -> None:
    answer = filled("--yes", *line)
    assert answer.code == 2, answer.out
    assert not Drill.objects.exists()


def test_without_a_recording_there_is_nothing_to_read(desk: Rokuon, filled: Filled) -> None:
    Copy.objects.all().delete()
    answer = filled("--yes")
    assert answer.code == 2 and "no verified recording" in answer.err
    assert not Drill.objects.exists()


def test_more_refused_recordings_than_are_listed_are_announced(filled: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    lot = Lot("x", 999_999, 1)
    drill = drills.begin(filled.bucket.company_id, filled.bucket.pk, lot, "Ann", DatabaseClock()())
    drills.record(drill.pk, [drills.ReadResult(place, "bucket_forbidden", refused=True) for place in range(1, NUMBER + 1)])
    drill.refresh_from_db()
    bad = drills.bad_ones(drill.pk, NUMBER)
    display.show(drill, bad, None)
    assert "are listed" not in capsys.readouterr().out
    display.show(drill, [*bad, *bad], None)
    assert "The first 50 are listed" in capsys.readouterr().out
