"""Changes by people and Dialpad while recordings are in flight (rows C1 to C9, C11): ledger, buckets and the admin's view."""

import re
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from rokuon.accounts.models import Membership, Person
from rokuon.console.web.installation import installation
from rokuon.domain.placement import folder_key
from rokuon.ledger.models import Copy, Hold, Run, Window
from rokuon.org import services
from rokuon.org.models import Bucket, Office, Target
from rokuon.simulator.model import Center
from tests.checker import MARKERS, folder_objects
from tests.crash.processes import Worker, until
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

LATE = {"endpoint": "media_blob", "nth": [1, 4], "action": {"kind": "status", "status": 404}}
"""The first few recordings are not available yet, and wait."""

Pages = Callable[..., str]


@pytest.fixture
def pages_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Rig], "Console"]]:
    def make(rig: Rig) -> Console:
        for name, value in rig.environment.items():
            monkeypatch.setenv(name, value)
        installation.cache_clear()
        return Console(rig)

    yield make
    installation.cache_clear()


class Console:
    """The console as the company's admin uses it."""

    def __init__(self, rig: Rig) -> None:
        self._at = f"/c/{rig.company.public_id}/"
        person = Person.objects.create(email="admin@example.com")
        Membership.objects.create(person=person, company=rig.company, role=Membership.Role.COMPANY_ADMIN)
        self._browser = Client(headers={"accept-language": "en"})
        self._browser.force_login(person)

    def read(self, page: str) -> str:
        answer = self._browser.get(self._at + page)
        assert answer.status_code == 200, (page, answer.status_code)
        return _text(answer.content.decode())

    def set_rules(self, changed: set[int]) -> None:
        """Toggle the checkboxes of these targets on the rules page, and confirm the preview."""
        for kind in ("callcenter", "coachingteam"):
            form = _form(self._browser.get(f"{self._at}rules/?kind={kind}").content.decode())
            shown = {int(one) for one in re.findall(r"\d+", str(form["shown"]))} & changed
            if not shown:
                continue
            form["on"] = [str(one) for one in {int(one) for one in form["on"]} ^ shown]
            answer = self._browser.post(f"{self._at}rules/save/", form)
            if "/preview/" in answer["Location"]:
                shown_page = self._browser.get(answer["Location"]).content.decode()
                answer = self._browser.post(f"{self._at}rules/save/", _form(shown_page))
            assert answer.status_code == 303, _text(answer.content.decode())


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))


def _form(html: str) -> dict[str, str | list[str]]:
    hidden = dict(re.findall(r'<input type="hidden" name="(shown|kind|office|q|ticked|confirmed)" value="([^"]*)">', html))
    return {**hidden, "on": re.findall(r'<input type="checkbox" name="on" value="(\d+)" id="rule-\d+" checked>', html)}


def new_bucket(rig: Rig, name: str) -> Bucket:
    folder = rig.bucket_folder().parent / name
    folder.mkdir()
    bucket = services.register_bucket(rig.company, folder.as_uri())
    rig.run_async(lambda engine: rig._mark(engine, bucket))
    return bucket


def all_objects(rig: Rig) -> dict[str, bytes]:
    """Return the objects of all buckets; no key is in two of them."""
    found: dict[str, bytes] = {}
    for folder in sorted(rig.bucket_folder().parent.iterdir()):
        objects = {key: data for key, data in folder_objects(folder).items() if key not in MARKERS}
        assert not found.keys() & objects.keys()
        found |= objects
    return found


def half_way(rig: Rig) -> None:
    """Start a run over eighty days and finish its newest windows; some of their recordings wait."""
    rig.sim.faults.load([LATE])
    rig.start()
    while Copy.objects.filter(state="verified").count() < 5:
        window = Window.objects.filter(state="queued").order_by("-before")[0].pk
        rig.run_async(lambda engine, window=window: engine.window(window))  # type: ignore[misc]


def centers(rig: Rig) -> list[Center]:
    return rig.sim.world.companies[rig.sim.company.id].centers


def target_of(rig: Rig, center: Center) -> Target:
    return Target.objects.get(company=rig.company, kind="callcenter", dialpad_id=str(center.id))


def test_c1_a_bucket_changed_in_mid_run_gets_what_is_placed_afterwards_and_nothing_moves(
    rig_of: MakeRig, impatient: None, pages_of: Callable[[Rig], Console]
) -> None:
    rig = rig_of(world=small_world(recordings=50, days=80, long_call_s=0))
    rig.objects = lambda number=0: all_objects(rig)  # type: ignore[method-assign, misc]
    half_way(rig)
    old = {copy.pk: copy.key for copy in Copy.objects.all()}
    assert Copy.objects.filter(state="pending").exists(), "some that were placed are not done"
    bucket = new_bucket(rig, "new")
    services.change(rig.company, services.choice(rig.company, bucket))
    rig.drain()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1))
    rig.check()
    for copy in Copy.objects.select_related("bucket"):
        assert (copy.bucket_id == bucket.pk) == (copy.pk not in old)
        assert copy.key == old.get(copy.pk, copy.key)
    assert len(old) < Copy.objects.count()
    asked = rig.audio_requests()
    rig.back_up_now()
    assert rig.audio_requests() == asked, "what is verified anywhere counts as done"
    assert bucket.url in pages_of(rig).read("settings/")


def test_c2_c3_the_nearest_level_wins_until_access_is_restricted_and_nothing_that_is_stored_moves(
    rig_of: MakeRig, pages_of: Callable[[Rig], Console]
) -> None:
    rig = rig_of(world=small_world(recordings=30, days=20, long_call_s=0))
    rig.objects = lambda number=0: all_objects(rig)  # type: ignore[method-assign, misc]
    own = target_of(rig, centers(rig)[0])
    offices, whole = new_bucket(rig, "office"), Bucket.objects.get(company=rig.company, url=rig.bucket_folder().as_uri())
    centers_own = new_bucket(rig, "center")
    services.change(own.office, services.choice(own.office, offices))
    services.change(own, services.choice(own, centers_own))
    rig.back_up_now()
    rig.check()
    before = all_objects(rig)
    for copy in Copy.objects.select_related("target"):
        wanted = centers_own if copy.target_id == own.pk else offices if copy.target.office_id == own.office_id else whole
        assert copy.bucket_id == wanted.pk
    assert len(set(Copy.objects.values_list("bucket", flat=True))) == 3

    def after_a_call() -> Bucket:
        known = set(Copy.objects.values_list("pk", flat=True))
        rig.end_call(center=centers(rig)[0].id)
        rig.back_up_now()
        rig.check()
        placed = Copy.objects.exclude(pk__in=known).select_related("bucket").get(target=own)
        return placed.bucket

    rig.company.refresh_from_db()
    services.change(rig.company, {"restricted": True})
    assert after_a_call() == whole
    console = pages_of(rig)
    said = console.read(f"settings/target/{own.pk}/")
    assert whole.url in said and "restrict" in said.lower()
    services.change(rig.company, {"restricted": False})
    assert after_a_call() == centers_own
    services.change(own, services.choice(own, None))
    assert after_a_call() == offices
    assert before.items() <= all_objects(rig).items(), "what is stored stays as and where it is"


def test_c4_c6_c11_names_and_zones_that_change_are_for_new_recordings_only(rig_of: MakeRig, pages_of: Callable[[Rig], Console]) -> None:
    rig = rig_of(world=small_world(recordings=12, days=5, long_call_s=0))
    center = centers(rig)[0]
    rig.end_call(center=center.id)
    rig.back_up_now()
    before, target = rig.objects(), target_of(rig, center)
    old_name, folder = center.name, target.folder
    assert folder and any(key.startswith(f"call-recordings/{folder}/") for key in before)

    center.name = "Renamed Desk"
    for person in center.operators:
        person.first, person.last = "Renamed", "Agent"
    here = datetime.now(zoneinfo.ZoneInfo(center.office.timezone)).date()
    center.office.timezone = next(
        zone for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago") if datetime.now(zoneinfo.ZoneInfo(zone)).date() != here
    )
    rig.sync()
    asked = rig.audio_requests()
    rig.end_call(center=center.id)
    rig.back_up_now()
    (new,) = rig.objects().keys() - before.keys()
    day = rig.clock().astimezone(zoneinfo.ZoneInfo(center.office.timezone)).date()
    assert re.fullmatch(rf"call-recordings/{re.escape(folder)}/{day}/Renamed Agent - \d+ - \d+\.mp3", new)
    assert before.items() <= rig.objects().items()
    assert rig.audio_requests() - asked <= 4, "the new one alone was fetched"

    console = pages_of(rig)
    for wanted in ("Renamed Desk", old_name):
        found = console.read(f"rules/?kind=callcenter&q={wanted}")
        assert "Renamed Desk" in found and folder in found
        assert "Renamed Desk" in console.read(f"settings/?q={wanted}")
    assert new.split("/")[-1] in console.read("recordings/")


def test_c5_two_centers_of_one_name_have_two_folders(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20, days=5, long_call_s=0))
    first, second, third = centers(rig)[:3]
    first.name, second.name, third.name = "Sales A/B", "Sales A／B", "SALES A/B"
    rig.sync()
    for center in (first, second, third):
        rig.end_call(center=center.id)
    rig.back_up_now()
    rig.check()
    folders = {target_of(rig, center).folder for center in (first, second, third)}
    assert len({folder_key(folder) for folder in folders}) == 3
    assert sum(folder.endswith(f"({center.id})") for folder in folders for center in (first, second, third)) == 2
    for copy in Copy.objects.select_related("target"):
        assert copy.key.startswith(f"call-recordings/{copy.target.folder}/")


def test_c7_a_rule_that_is_switched_off_in_mid_run_sets_its_rest_aside_and_switched_on_takes_it_back(
    rig_of: MakeRig, impatient: None, pages_of: Callable[[Rig], Console]
) -> None:
    rig = rig_of(world=small_world(recordings=50, days=80, long_call_s=0))
    half_way(rig)
    waiting = list(Copy.objects.filter(state="pending").values_list("target_id", flat=True))
    verified = set(Copy.objects.filter(state="verified").values_list("pk", flat=True))
    assert waiting and verified
    console = pages_of(rig)
    console.set_rules(set(waiting))
    aside = Copy.objects.filter(target_id__in=waiting, state="excluded", reason="rule_disabled")
    assert aside.count() == len(waiting)
    rig.drain()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1))
    assert aside.count() == len(waiting), "nothing brings it back by itself"
    assert verified <= set(Copy.objects.filter(state="verified").values_list("pk", flat=True))
    assert not Run.objects.filter(state="running").exists(), "the others went on to their end"
    name = Target.objects.get(pk=waiting[0]).name
    assert "admin@example.com" in console.read("audit/") and name in console.read("audit/")

    console.set_rules(set(waiting))
    rig.back_up_now()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1))
    assert not aside.exists()
    rig.check()


def test_c8_a_center_that_dialpad_no_longer_has_stands_apart_and_keeps_what_it_has(
    rig_of: MakeRig, pages_of: Callable[[Rig], Console]
) -> None:
    rig = rig_of(world=small_world(recordings=12, days=5, long_call_s=0))
    center = centers(rig)[0]
    rig.end_call(center=center.id)
    rig.back_up_now()
    objects, rows = rig.objects(), list(Copy.objects.order_by("pk").values())
    centers(rig).remove(center)
    rig.sync()
    target = target_of(rig, center)
    assert (target.state, target.backed_up) == ("deleted", True)
    rig.back_up_now()
    assert (rig.objects(), list(Copy.objects.order_by("pk").values())) == (objects, rows)
    console = pages_of(rig)
    assert "No longer at Dialpad" in console.read("rules/?kind=callcenter").partition(center.name)[0]
    assert center.name in console.read("recordings/")


def test_c9_a_new_key_is_used_without_a_restart_and_neither_is_ever_logged(rig_of: MakeRig, outer: Path) -> None:
    """The old key is revoked at once, during a job of a real worker, which is never restarted."""
    rig = rig_of(world=small_world(recordings=40), ROKUON_TRANSFERS="2", ROKUON_LOG_LEVEL="debug")
    rig.sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "delay", "seconds": 0.1}}])
    (old,) = rig.sim.keys.of(rig.sim.company.id)
    rig.start()
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: Copy.objects.filter(state="verified").exists(), "it has begun", 40, worker)
        rig.new_key()
        rig.sim.keys.revoke(old.secret)
        until(nothing_waits, "what is left is done with the new key", 90, worker)
        assert worker.terminate() < 25
        said = worker.said
    assert not Hold.objects.filter(lifted_at=None).exists()
    rig.check()
    assert old.secret not in said and rig.sim.keys.of(rig.sim.company.id)[-1].secret not in said


def nothing_waits() -> bool:
    """Whether all work is done. A job keeps the key with which it began, so the source may be held for a minute until a probe uses the new
    one. The test does not wait for this."""
    Hold.objects.filter(lifted_at=None).update(probe_at=datetime.now(UTC))
    busy = Run.objects.filter(state="running").exists() or Copy.objects.filter(state="pending").exists()
    return not busy and not Hold.objects.filter(lifted_at=None).exists()


def test_c11_an_office_of_another_zone_changes_no_key_of_the_ledger(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=12, days=5, long_call_s=0))
    rig.back_up_now()
    before = set(Copy.objects.values_list("key", flat=True))
    Office.objects.update(timezone="Pacific/Kiritimati")
    Target.objects.update(timezone="")
    rig.start(relist=True)
    rig.drain()
    assert set(Copy.objects.values_list("key", flat=True)) == before
    rig.check()
