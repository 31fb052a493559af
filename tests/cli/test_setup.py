"""Companies, keys, buckets, settings, rules: what works, and what is refused without a trace."""

from pathlib import Path

import psycopg
import pytest
from django.db import connection

from rokuon.org import services
from rokuon.org.models import Bucket
from rokuon.runtime import cluster
from rokuon.simulator import SimulatorProcess

from .conftest import Rokuon, wait_until


def _add(rokuon: Rokuon, sim: SimulatorProcess, key: str) -> tuple[int, str]:
    answer = rokuon("company", "add", "--base-url", sim.base_url, "--key-file", "-", stdin=key)
    assert key not in answer.out + answer.err
    return answer.code, answer.err


def test_refused_key_creates_no_company(empty: Rokuon, sim: SimulatorProcess) -> None:
    assert _add(empty, sim, "wrong-key-123") == (
        2,
        "Error: Dialpad refuses the API key. Enter a current company-admin key; waiting recordings then resume automatically. "
        "[source_key_refused] (401 from 127.0.0.1)\n",
    )
    no_list = sim.control("POST", "keys", {"secret": "no-list-key-1", "scopes": ["recordings_export"]})["secret"]
    code, said = _add(empty, sim, no_list)
    assert (code, "calls:list" in said) == (2, True)
    assert empty("company", "list", "--json").json == []


def test_dialpad_that_is_away_is_exit_code_1(empty: Rokuon) -> None:
    answer = empty("company", "add", "--base-url", "http://127.0.0.1:9", "--key-file", "-", stdin="some-key")
    assert (answer.code, "source_unavailable" in answer.err) == (1, True)


def test_plain_http_is_for_this_machine_only(empty: Rokuon) -> None:
    answer = empty("company", "add", "--base-url", "http://dialpad.com", "--key-file", "-", stdin="some-key")
    assert (answer.code, answer.err.startswith("Error: The Dialpad address must")) == (2, True)


def test_secret_is_never_an_argument(empty: Rokuon) -> None:
    assert empty("company", "add", "--key", "some-key").code == 2
    answer = empty("company", "add", "--key-file", "no-such-file")
    assert (answer.code, "no-such-file" in answer.err) == (2, True)
    assert "--key-file" in empty("company", "add").err


def test_key_is_sealed_in_the_database(ready: Rokuon, sim: SimulatorProcess) -> None:
    with psycopg.connect(cluster.dsn(ready.data)) as connection:
        row = connection.execute("SELECT api_key FROM org_company").fetchone()
    assert row is not None
    assert row[0]
    assert sim.key not in row[0]


def test_second_registration_of_a_company_is_refused(ready: Rokuon, sim: SimulatorProcess) -> None:
    assert _add(ready, sim, sim.key)[0] == 2
    assert len(ready("company", "list", "--json").json) == 1


def test_key_of_another_company_does_not_replace_the_key(ready: Rokuon) -> None:
    with SimulatorProcess("--recordings=1", "--seed=77") as other:
        pass
    answer = ready("company", "key", "--key-file", "-", stdin=other.key)
    assert answer.code == 2
    assert ready("sync", "--json").json["offices"] == 3


def test_bucket_that_cannot_work_is_not_registered(ready: Rokuon, tmp_path: Path) -> None:
    file = ready.data / "buckets" / "a-file"
    file.write_text("not a folder")
    for url, reason in (
        ((ready.data / "buckets" / "missing").as_uri(), "bucket_missing"),
        (file.as_uri(), "bucket_unusable"),
        (tmp_path.as_uri(), "ROKUON_LOCAL_ROOTS"),
        ("/just/a/path", "gs://name"),
    ):
        answer = ready("bucket", "add", url, "--no-wait")
        assert (answer.code, reason in answer.err) == (2, True), answer.err
    assert [one["url"] for one in ready("bucket", "list", "--json").json] == [ready.folder("main")]
    assert not (ready.data / "buckets" / "missing").exists()


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that not even root can write: /sys is not mounted")
def test_folder_that_cannot_be_written_is_refused_with_what_to_do(ready: Rokuon) -> None:
    answer = ready("bucket", "add", "file:///sys/kernel", "--no-wait", ROKUON_LOCAL_ROOTS=f"/sys:{ready.data}/buckets")
    assert (answer.code, "Give the user that runs Rokuon the right to write" in answer.err) == (2, True), answer.err


def test_bucket_of_another_company_is_refused(ready: Rokuon) -> None:
    url = ready.folder("claimed")
    marker = ready.data / "buckets" / "claimed" / "call-recordings" / ".rokuon"
    marker.parent.mkdir()
    marker.write_text('{"rokuon-company": "11111111-2222-3333-4444-555555555555", "rokuon-installation": "else"}')
    answer = ready("bucket", "add", url, "--no-wait")
    assert (answer.code, "bucket_claimed_by_other" in answer.err) == (2, True)


def test_settings_say_which_level_won_and_why(ready: Rokuon) -> None:
    own = ready.folder("office")
    assert ready("bucket", "add", own).code == 0
    tree = ready("settings", "show", "--json").json
    office, target = tree["offices"][0], tree["offices"][0]["targets"][0]
    assert ready("settings", "set", "--office", office["id"], "--bucket", own).code == 0
    shown = ready("settings", "show", "--json").json["offices"][0]["targets"][0]
    assert (shown["effective"]["bucket"], shown["effective"]["decided_by"]) == (own, "office")

    assert ready("settings", "set", "--restrict").code == 0
    shown = ready("settings", "show", "--json").json["offices"][0]["targets"][0]
    assert (shown["effective"]["bucket"], shown["effective"]["why"]) == (ready.folder("main"), "restricted")
    assert shown["effective"]["ignored"] == [{"level": "office", "why": "restricted"}]
    refused = ready("settings", "set", "--target", target["id"], "--bucket", own)
    assert (refused.code, "Switch the restriction off" in refused.err) == (2, True)

    assert ready("settings", "set", "--no-restrict").code == 0
    assert ready("settings", "set", "--office", office["id"], "--inherit").code == 0
    shown = ready("settings", "show", "--json").json["offices"][0]["targets"][0]
    assert shown["effective"]["decided_by"] == "company"


def test_unknown_and_ambiguous_names_list_candidates(ready: Rokuon) -> None:
    near = ready("settings", "set", "--office", "San Fransisco", "--inherit")
    assert (near.code, "San Francisco (" in near.err) == (2, True)
    many = ready("rule", "enable", "Billing")
    assert (many.code, many.err.count("Billing (")) == (2, 2)
    offices = {
        one["name"] for one in ready("settings", "show", "--json").json["offices"] if "Billing" in {t["name"] for t in one["targets"]}
    }
    assert len(offices) == 2
    for office in offices:
        assert f", office {office})" in many.err, "the id alone says nothing to a person"
    bucket = ready("settings", "set", "--bucket", "gs://never-registered")
    assert (bucket.code, "rokuon bucket add" in bucket.err) == (2, True)


def test_rules_are_switched_by_kind_and_counted(ready: Rokuon) -> None:
    assert "2 targets were disabled" in ready("rule", "disable", "--kind", "coachingteam").out
    targets = [one for office in ready("settings", "show", "--json").json["offices"] for one in office["targets"]]
    assert {one["rule"] for one in targets if one["kind"] == "coachingteam"} == {False}
    assert "2 targets were enabled" in ready("rule", "enable", "--all").out
    assert ready("rule", "enable").code == 2


def test_doctor_finds_a_bucket_that_went_away(ready: Rokuon) -> None:
    fine = ready("doctor", "--json")
    assert (fine.code, fine.json["problems"]) == (0, 0)
    url = ready.folder("leaving")
    assert ready("bucket", "add", url).code == 0
    folder = ready.data / "buckets" / "leaving"
    folder.rename(folder.with_name("left"))
    broken = ready("doctor", "--json")
    assert broken.code == 1
    assert [check["what"] for check in broken.json["checks"] if check["level"] == "problem"] == [f"Bucket {url}"]


def test_probe_reports_without_names_ids_or_the_key(ready: Rokuon, sim: SimulatorProcess) -> None:
    answer = ready("probe")
    assert answer.code == 0, answer.err
    report = answer.json
    assert report["list_details"]["recorded_with_details"] > 0
    assert {one["kind"] for one in report["narrow_windows"]} == {"company", "callcenter", "coachingteam"}
    assert not any(one["newer_than_asked"] or one["older_than_asked"] for one in report["narrow_windows"])
    assert {hop["status"] for media in report["media"] for hop in media["hops"]} <= {200, 206, 302}
    told = sim.control("GET", "truth?sha256=0")
    private = {sim.key} | {str(one[name]) for one in told for name in ("id", "own_call_id", "agent_name", "center_name") if one[name]}
    assert not [word for word in private if f'"{word}"' in answer.out or (len(word) > 9 and word in answer.out)]


def test_probe_sees_which_lists_ignore_the_range_and_doctor_says_so_until_a_probe_sees_them_kept(
    ready: Rokuon, sim: SimulatorProcess
) -> None:
    def said() -> list[str]:
        return [check["says"] for check in ready("doctor", "--json").json["checks"] if check["what"].endswith("list of calls")]

    assert said() == []
    sim.control("POST", "switches", {"ignored_bounds": "both", "bounds_ignored_by": "callcenter"})
    report = ready("probe").json
    assert {one["kind"] for one in report["narrow_windows"] if one["newer_than_asked"]} == {"callcenter"}
    assert any("ignores the end of the range in lists of a contact center's calls" in one for one in said())
    sim.control("POST", "switches", {"ignored_bounds": "none"})
    ready("probe")
    assert said() == []


def test_a_bucket_is_started_again_only_when_somebody_says_yes(ready: Rokuon) -> None:
    url = ready.folder("again")
    assert ready("bucket", "add", url).code == 0
    marker = ready.data / "buckets" / "again" / "call-recordings" / ".rokuon"
    before = marker.read_text()
    marker.unlink()
    asked = ready("bucket", "restart", url)
    assert (asked.code, "No recording counts as verified in this bucket." in asked.out, "--yes" in asked.err) == (2, True, True)
    assert not marker.exists()
    done = ready("bucket", "restart", url, "--yes")
    assert (done.code, "is marked" in done.out) == (0, True), done.err
    assert marker.read_text() != before, "with an identity of its own"
    assert ready("bucket", "restart", "gs://nobodys", "--yes").code == 2


def test_a_key_with_an_invisible_character_within_is_not_said_to_hold_a_space(empty: Rokuon) -> None:
    answer = empty("company", "add", "--base-url", "http://127.0.0.1:9", "--key-file", "-", stdin="some\u200bkey")
    assert (answer.code, "maybe an invisible one" in answer.err, "space" in answer.err) == (2, True, False), answer.err
    assert "holds a space" in empty("company", "add", "--base-url", "http://127.0.0.1:9", "--key-file", "-", stdin="some key").err
    marked = empty("company", "add", "--base-url", "http://127.0.0.1:9", "--key-file", "-", stdin="\ufeffsome-key")
    assert "source_unavailable" in marked.err, "it was asked with the key"


def test_a_folder_inside_a_bucket_or_around_one_is_refused_by_whatever_way(ready: Rokuon) -> None:
    main = ready.data / "buckets" / "main"
    (main / "inner").mkdir()
    (ready.data / "buckets" / "link").symlink_to(main / "inner")
    (ready.data / "buckets" / "main2").mkdir(mode=0o700)
    before = ready("bucket", "list", "--json").json
    for folder in (main / "inner", main / "call-recordings", main.parent, main.parent / "link"):
        answer = ready("bucket", "add", folder.as_uri(), "--no-wait")
        assert (answer.code, "lie one inside the other" in answer.err) == (2, True), answer.err
    assert ready("bucket", "list", "--json").json == before
    assert not (main / "inner" / "call-recordings").exists()
    assert ready("bucket", "add", (main.parent / "main2").as_uri(), "--no-wait").code == 0, "a name that begins alike lies apart"


@pytest.mark.parametrize("folders", [("outer", "outer/inner"), ("outer/inner", "outer"), ("outer", "outer")])
@pytest.mark.parametrize("companies", [("acme", "acme"), ("acme", "other")])
def test_of_two_folders_that_overlap_one_is_registered_however_close_the_two_come(
    desk: Rokuon, folders: tuple[str, str], companies: tuple[str, str]
) -> None:
    for name in set(companies):
        services.create_company(name, f"https://{name}.example", name)
    (desk.data / "buckets" / "outer" / "inner").mkdir(parents=True, mode=0o700)
    urls = [(desk.data / "buckets" / folder).as_uri() for folder in folders]
    with psycopg.connect(desk.environment["ROKUON_DATABASE_URL"]) as busy:
        busy.execute("LOCK TABLE org_bucket IN SHARE MODE")  # both look, and neither can be registered yet
        both = [desk.start("bucket", "add", url, "--company", company, "--no-wait") for url, company in zip(urls, companies, strict=True)]
        # One whose company finds the other's marker there ends by itself.
        wait_until(lambda: _held_up() + sum(process.poll() is not None for process in both) == 2, 60)
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(process.returncode == 0 for process in both) == [False, True], said
    assert Bucket.objects.filter(url__in=urls).count() == 1
    assert not any("Traceback" in err for _out, err in said)


def _held_up() -> int:
    """How many others wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return int(cursor.fetchone()[0])
