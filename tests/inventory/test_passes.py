"""A pass resumes at its key, believes no old look, and concludes nothing of a bucket that is in doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from rokuon.domain.failures import BucketUnmarked, InventoryStopped, StoreUnavailable
from rokuon.domain.inventory import PassSums
from rokuon.inventory.run_pass import PassEnd
from rokuon.ledger import inventory_findings, inventory_passes
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass
from rokuon.ledger.inventory_passes import ComparedPage
from rokuon.ledger.models import Copy
from tests.inventory.rig import DAY, Checked, findings


def states() -> set[tuple[str, str]]:
    return set(Copy.objects.values_list("state", "reason"))


def test_pages_of_any_size_see_every_key_once(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    works = checked.recordings(7)
    for work in works[::3]:
        checked.store.remove(work.key)
    checked.store.small = 2
    monkeypatch.setattr(inventory_passes, "ROWS", 3)
    one = checked.check()
    assert (one.objects_seen, one.sights) == (5, {"in_order": 4, "absent": 3, "own": 1})
    assert [one.copy_id for one in InventoryFinding.objects.order_by("pk")] == [work.copy_id for work in works[::3]]


def test_a_pass_that_is_interrupted_resumes_at_its_key(checked: Checked) -> None:
    works = checked.recordings(6)
    checked.store.remove(works[4].key)
    checked.store.small = 2
    one = checked.begin()
    assert checked.run(one, pages=2) is PassEnd.MORE
    one.refresh_from_db()
    assert (one.state, one.pages, one.objects_seen) == ("listing", 2, 4)
    checked.store.calls.clear()
    assert inventory_passes.begin(checked.company.pk, checked.bucket.pk, "", checked.now).pk == one.pk
    assert checked.run(one) is PassEnd.DONE
    assert checked.store.calls[0] == f"page {works[2].key}", "not from the beginning"
    one.refresh_from_db()
    assert (one.objects_seen, one.sights["in_order"], one.sights["absent"]) == (6, 5, 1)


@pytest.mark.parametrize("at", ["inventory_listed", "inventory_entered", "inventory_looked", "inventory_settled"])
def test_a_worker_may_die_at_any_point(checked: Checked, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def dies(point: str) -> None:
        if point == at:
            raise Killed

    works = checked.recordings(5)
    checked.store.remove(works[1].key)
    checked.store.small = 2
    one = checked.begin()
    with monkeypatch.context() as patched:
        patched.setattr("rokuon.inventory.run_pass.reached", dies)
        with pytest.raises(Killed):
            checked.run(one)
    one.refresh_from_db()
    assert checked.run(one) is PassEnd.DONE
    one.refresh_from_db()
    assert (one.objects_seen, one.sights) == (5, {"in_order": 4, "absent": 1, "own": 1})
    assert (findings(), checked.state(works[1])) == ([("missing", works[1].key)], ("failed", "inventory_missing"))


def test_a_page_that_was_entered_is_not_entered_again(checked: Checked) -> None:
    one = checked.begin()
    page = ComparedPage("", "call-recordings/b", last=False, seen=[], listed_at=checked.now)
    assert inventory_passes.enter_page(one.pk, page, PassSums(objects=2), checked.now)
    assert inventory_passes.enter_page(one.pk, page, PassSums(objects=2), checked.now), "the answer to the commit was lost"
    for other in (replace(page, upto="call-recordings/a"), replace(page, upto="call-recordings/c", last=True)):
        assert not inventory_passes.enter_page(one.pk, other, PassSums(objects=9), checked.now), "of another process"
    one.refresh_from_db()
    assert (one.after_key, one.pages, one.objects_seen, one.state) == ("call-recordings/b", 1, 2, "listing")


@pytest.mark.parametrize("how", ["stopped", "begun again"])
def test_nothing_follows_from_a_look_once_another_has_ended_the_pass(checked: Checked, how: str) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    one = checked.begin()

    def ended() -> None:
        if how == "stopped":
            inventory_passes.stop(one.pk, "bucket_unmarked", "", checked.now)
        else:
            inventory_passes.begin(checked.company.pk, checked.bucket.pk, "", checked.now, accepts_missing=True)
        connection.close()

    checked.store.looked = ended
    assert checked.run(one) is PassEnd.DONE
    assert inventory_passes.finish(one.pk, checked.now) is None
    assert checked.state(work) == ("verified", "")


def test_a_store_that_does_not_answer_leaves_the_pass_where_it_was(checked: Checked) -> None:
    checked.recordings(5)
    checked.store.small = 2
    checked.store.troubles = [None, StoreUnavailable("reset")]
    one = checked.begin()
    with pytest.raises(StoreUnavailable):
        checked.run(one)
    one.refresh_from_db()
    assert (one.state, one.pages) == ("listing", 1)
    assert checked.run(one) is PassEnd.DONE
    assert states() == {("verified", "")}


def test_an_object_that_is_back_at_the_second_look_is_no_finding(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    data = f"audio {work.recording_id}".encode()
    checked.store.remove(work.key)
    before = Copy.objects.values_list("version", flat=True).get()
    checked.store.troubles = [lambda: checked.store.add(work.key, data)]
    one = checked.check()
    assert one.sights["absent"] == 1
    assert checked.state(work) == ("verified", "")
    assert findings() == [("rewritten", work.key)] and checked.copy(work).version != before


def test_a_copy_that_changes_before_the_second_look_is_left_to_the_next_pass(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)

    def changed() -> None:
        Copy.objects.filter(pk=work.copy_id).update(attempt=7)
        connection.close()

    one = checked.begin()
    looked = iter([lambda: None, changed])
    assert checked.run(one, recognise=lambda: next(looked)()) is PassEnd.DONE
    assert checked.state(work) == ("verified", "") and findings() == []


def test_what_is_verified_after_the_pass_began_is_left_to_the_next(checked: Checked) -> None:
    checked.recordings(1)
    one = checked.begin()
    checked.now += timedelta(minutes=5)
    late = checked.recording(9, DAY)
    checked.store.remove(late.key)
    assert checked.run(one) is PassEnd.DONE
    assert checked.state(late) == ("verified", "")
    assert InventoryPass.objects.get().sights["later"] == 1
    inventory_passes.finish(one.pk, checked.now)
    checked.check()
    assert checked.state(late) == ("failed", "inventory_missing")


def test_a_list_that_is_not_in_byte_order_makes_nothing_missing(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    checked.recordings(3)
    page = checked.store.page

    async def turned(prefix: str, after: str = "", limit: int = 9) -> object:
        found = await page(prefix, after, limit)
        return type(found)(found.objects[::-1], found.last)

    monkeypatch.setattr(checked.store, "page", turned)
    with pytest.raises(StoreUnavailable, match="byte order"):
        checked.run(checked.begin())
    assert states() == {("verified", "")}


# --- the breaker ----------------------------------------------------------------------------------------------------------


def test_more_than_a_hundred_missing_and_a_thousandth_change_no_row(checked: Checked) -> None:
    works = checked.recordings(102)
    for work in works[:101]:
        checked.store.remove(work.key)
    one = checked.begin()
    with pytest.raises(InventoryStopped, match="101 of 102"):
        checked.run(one)
    stopped = inventory_passes.stop(one.pk, InventoryStopped.reason, "101 of 102", checked.now)
    assert stopped is not None and stopped.state == "stopped"
    assert states() == {("verified", "")}
    (found,) = InventoryFinding.objects.all()
    assert (found.kind, found.copy_id, len(found.evidence["examples"])) == ("bucket", None, 10)
    assert [(one.kind, one.open) for one in inventory_findings.counts(checked.bucket.pk)] == [("bucket", 1)]


def test_a_hundred_missing_are_a_hundred_findings(checked: Checked) -> None:
    works = checked.recordings(101)
    for work in works[:100]:
        checked.store.remove(work.key)
    checked.check()
    assert Copy.objects.filter(reason="inventory_missing").count() == 100


def test_a_person_may_say_that_all_of_it_is_really_missing(checked: Checked) -> None:
    works = checked.recordings(101)
    for work in works:
        checked.store.remove(work.key)
    one = checked.begin()
    with pytest.raises(InventoryStopped):
        checked.run(one)
    finished = checked.check(accepts_missing=True)
    assert finished.pk != one.pk, "a pass that judged otherwise begins again"
    assert Copy.objects.filter(reason="inventory_missing").count() == 101


def test_what_the_buckets_own_rule_deletes_trips_nothing(checked: Checked) -> None:
    for work in checked.recordings(150):
        checked.store.remove(work.key)
    checked.now += timedelta(days=31)
    checked.deletes_after = timedelta(days=30)
    checked.check()
    assert states() == {("excluded", "expired_by_bucket_rule")}


@pytest.mark.parametrize("number", [100, 101])
def test_bytes_that_changed_without_a_sign_in_the_list_count_before_a_row_changes(checked: Checked, number: int) -> None:
    checked.store.bare = True
    for work in checked.recordings(number):
        checked.store.overwrite(work.key, b"X" * len(f"audio {work.recording_id}"))
    one = checked.begin()
    if number == 100:
        assert checked.run(one) is PassEnd.DONE
        assert states() == {("failed", "inventory_changed")}
    else:
        with pytest.raises(InventoryStopped, match="101 of 101"):
            checked.run(one)
        assert states() == {("verified", "")}


def test_an_object_that_the_store_refuses_to_read_keeps_no_other_from_being_judged(checked: Checked) -> None:
    first, second = checked.recordings(2)
    checked.store.overwrite(first.key, b"encrypted with a key that Rokuon lacks")
    checked.store.remove(second.key)
    checked.store.refused = {first.key}
    checked.check()
    assert (checked.state(first), checked.state(second)) == (("failed", "inventory_changed"), ("failed", "inventory_missing"))


def test_a_newest_seal_that_is_gone_stops_the_pass(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.must_exist = ["call-recordings/.rokuon-custody/7c2e41d09ab35f68/00000041/seal"]
    with pytest.raises(InventoryStopped, match=r"\.rokuon-custody/7c2e41d09ab35f68/00000041/seal is gone"):
        checked.run(checked.begin())
    assert states() == {("verified", "")}


def test_a_bucket_that_goes_away_while_it_is_listed_makes_nothing_missing(checked: Checked) -> None:
    works = checked.recordings(3)
    looks = list[int]()

    def unmounted() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise BucketUnmarked

    for work in works:
        checked.store.remove(work.key)
    with pytest.raises(BucketUnmarked):
        checked.run(checked.begin(), recognise=unmounted)
    assert states() == {("verified", "")}


def test_a_stopped_bucket_is_over_when_a_pass_comes_round(checked: Checked) -> None:
    checked.recordings(1)
    one = checked.begin()
    inventory_passes.stop(one.pk, "inventory_stopped", "why", checked.now)
    assert inventory_passes.stop(one.pk, "inventory_stopped", "why", checked.now) is None, "once"
    checked.check()
    assert inventory_findings.counts(checked.bucket.pk) == []


def test_a_bucket_has_one_open_pass(checked: Checked) -> None:
    checked.recordings(1)
    assert checked.begin().pk == checked.begin().pk
    assert inventory_passes.finish(InventoryPass.objects.get().pk, checked.now) is None, "nothing is listed yet"


def test_objects_without_a_row_are_all_counted_and_a_limited_number_is_kept(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_passes, "MOST_KEPT", 3)
    checked.store.small = 2
    for number in range(7):
        checked.store.add(f"call-recordings/{number}.txt")
    one = checked.check()
    assert (one.sights["stray"], len(findings())) == (7, 3)
    assert checked.check().sights["stray"] == 7
    assert len(findings()) == 3
    ids = list(InventoryFinding.objects.values_list("pk", flat=True))
    inventory_findings.close(checked.bucket.pk, ids, "Ours", "Ann", checked.now)
    checked.check()
    assert [one.open for one in inventory_findings.counts(checked.bucket.pk)] == [3], "the next ones, which nobody has seen"
    checked.check()
    assert len(findings()) == 6
    for number in range(7):
        checked.store.remove(f"call-recordings/{number}.txt")
    checked.check()
    assert inventory_findings.counts(checked.bucket.pk) == []
