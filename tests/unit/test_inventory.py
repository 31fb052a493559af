"""A page of objects and a page of rows are merged in byte order, and every difference has its name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain import inventory, placement
from rokuon.domain.bucket_listing import ListedObject
from rokuon.domain.inventory import Expected, PassSums, Sight, compare

BEGAN = datetime(2026, 11, 30, tzinfo=UTC)
BEFORE, AFTER = BEGAN - timedelta(days=1), BEGAN + timedelta(seconds=1)
KEY = "call-recordings/東京/2026-09-21/Ann - c1 - r1.mp3"
ROW = Expected(1, KEY, verified=True, changed_at=BEFORE, size=10, crc32c=7, md5="bQ==", version="5")
OBJECT = ListedObject(KEY, 10, 7, "bQ==", "5", changes=1, storage_class="STANDARD", created_at=BEFORE, held=False)


def sight(found: ListedObject | None, expected: Expected | None) -> Sight | None:
    seen = list(compare([found] if found else [], [expected] if expected else [], BEGAN, AFTER))
    return seen[0].sight if seen else None


def test_equal_facts_are_in_order() -> None:
    assert sight(OBJECT, ROW) is Sight.IN_ORDER


@pytest.mark.parametrize("changes", [{"changes": 4}, {"storage_class": "ARCHIVE"}, {"held": True}])
def test_another_class_or_hold_of_the_same_generation_is_in_order_and_noted(changes: dict[str, object]) -> None:
    found = replace(OBJECT, **changes)  # type: ignore[arg-type]
    assert sight(found, ROW) is Sight.IN_ORDER
    sums = PassSums()
    for seen in compare([found], [ROW], BEGAN, AFTER):
        sums.add(seen, BEGAN)
    assert (sums.altered, sums.held, sums.classes[found.storage_class]) == (int(found.changes == 4), int(found.held is True), 1)


def test_the_same_bytes_in_another_generation_were_rewritten() -> None:
    assert sight(replace(OBJECT, version="6"), ROW) is Sight.REWRITTEN


@pytest.mark.parametrize("changes", [{"size": 11}, {"crc32c": 8}, {"md5": "bg=="}])
@pytest.mark.parametrize("version", ["5", "6"])
def test_another_size_or_checksum_is_a_change_whatever_the_generation(changes: dict[str, object], version: str) -> None:
    assert sight(replace(OBJECT, version=version, **changes), ROW) is Sight.CHANGED  # type: ignore[arg-type]


@pytest.mark.parametrize("unknown", [{"crc32c": None}, {"md5": ""}, {"version": ""}])
def test_what_one_side_does_not_know_is_not_compared(unknown: dict[str, object]) -> None:
    assert sight(replace(OBJECT, **unknown), ROW) is Sight.IN_ORDER  # type: ignore[arg-type]
    assert sight(OBJECT, replace(ROW, **unknown)) is Sight.IN_ORDER  # type: ignore[arg-type]


def test_a_verified_row_without_an_object_is_absent_and_another_row_is_nothing() -> None:
    assert sight(None, ROW) is Sight.ABSENT
    assert sight(None, replace(ROW, verified=False)) is None


def test_an_object_of_a_row_that_is_not_verified_proves_nothing() -> None:
    assert sight(OBJECT, replace(ROW, verified=False)) is Sight.UNPROVEN


def test_what_changed_since_the_pass_began_is_left_to_the_next() -> None:
    late = replace(ROW, changed_at=AFTER)
    assert sight(None, late) is Sight.LATER
    assert sight(replace(OBJECT, size=11), late) is Sight.LATER
    assert sight(replace(OBJECT, created_at=AFTER), None) is Sight.LATER
    assert sight(replace(OBJECT, created_at=AFTER, size=11), ROW) is Sight.LATER
    assert sight(replace(OBJECT, created_at=None, updated_at=AFTER), None) is Sight.LATER


def test_a_time_in_the_future_puts_nothing_off() -> None:
    wrong = BEGAN + timedelta(days=400)
    assert sight(replace(OBJECT, updated_at=wrong, created_at=None, size=11), ROW) is Sight.CHANGED
    assert sight(replace(OBJECT, size=11), replace(ROW, changed_at=wrong)) is Sight.CHANGED
    assert sight(None, replace(ROW, changed_at=wrong)) is Sight.ABSENT


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("call-recordings/", Sight.OWN),
        ("call-recordings/.rokuon", Sight.OWN),
        ("call-recordings/.rokuon-identity", Sight.OWN),
        ("call-recordings/.rokuon-custody/7c2e41d09ab35f68/00000001/seal", Sight.OWN),
        ("call-recordings/.rokuon-custody/README.txt", Sight.OWN),
        ("call-recordings/.rokuon-aside/Sales/2026-09-21/Ann - 1 - 2 - 0123456789ab.wav", Sight.OWN),
        ("call-recordings/Sales/", Sight.PLACEHOLDER),
        ("call-recordings/Sales/2026-09-21/Ann - 1 - 2.mp3", Sight.NAMED),
        ("call-recordings/Sales/2026-09-21/a - b - 1 - 2.mp3", Sight.NAMED),
        ("call-recordings/Sales/2026-09-21/Ann - 1 - 2 (2).mp3", Sight.STRAY),
        ("call-recordings/Sales/Ann - 1 - 2.mp3", Sight.STRAY),
        ("call-recordings/.hidden/2026-09-21/Ann - 1 - 2.mp3", Sight.STRAY),
        ("call-recordings/Sales/2026-09-21/notes.txt", Sight.STRAY),
        ("call-recordings/notes.txt", Sight.STRAY),
    ],
)
def test_an_object_without_a_row_is_called_by_its_name(key: str, expected: Sight) -> None:
    assert sight(replace(OBJECT, key=key), None) is expected


@given(st.text(max_size=40), st.text(max_size=40), st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_the_checker_reads_every_name_that_the_writer_gives(folder: str, agent: str, recording: str) -> None:
    key = placement.object_key(placement.folder_name(folder), "2026-09-21", agent, "c1", recording)
    assert inventory.recording_of(key) == recording


KEYS = st.sampled_from([f"call-recordings/{name}" for name in ("a", "a/b", "a.b", "a b", "A", "か/x", "ｶ", "😀", "\ue000", "b/", "~", "é")])


@given(st.dictionaries(KEYS, st.integers(1, 3)), st.dictionaries(KEYS, st.tuples(st.booleans(), st.integers(1, 3))), st.integers(1, 5))
def test_merging_pages_says_what_a_comparison_of_two_dictionaries_says(
    objects: dict[str, int], rows: dict[str, tuple[bool, int]], limit: int
) -> None:
    expected = {}
    for key in objects.keys() | rows.keys():
        if key not in rows:
            expected[key] = inventory.without_row(key)
        elif not rows[key][0]:
            if key in objects:
                expected[key] = Sight.UNPROVEN
        elif key not in objects:
            expected[key] = Sight.ABSENT
        else:
            expected[key] = Sight.IN_ORDER if objects[key] == rows[key][1] else Sight.CHANGED

    listed = [ListedObject(key, objects[key]) for key in sorted(objects, key=str.encode)]
    entered = [
        Expected(at, key, verified=rows[key][0], changed_at=BEFORE, size=rows[key][1])
        for at, key in enumerate(sorted(rows, key=str.encode))
    ]
    seen: dict[str, Sight] = {}
    while listed or entered:
        page, rest = listed[:limit], listed[limit:]
        upto = page[-1].key.encode() if rest else None
        beside = [one for one in entered if upto is None or one.key.encode() <= upto]
        for one in compare(page, beside, BEGAN, AFTER):
            assert one.key not in seen
            seen[one.key] = one.sight
        listed, entered = rest, entered[len(beside) :]
    assert seen == expected


def test_a_list_out_of_order_is_noticed() -> None:
    keys = ["call-recordings/a/1", "call-recordings/a0"]
    objects = [ListedObject(key, 1) for key in keys]
    assert inventory.in_order(objects, "call-recordings/a")
    assert not inventory.in_order(objects[::-1], "")
    assert not inventory.in_order(objects, keys[0])
    assert not inventory.in_order([objects[0], objects[0]], "")


@pytest.mark.parametrize(
    ("suspects", "verified", "trips"),
    [(100, 100, False), (101, 101, True), (101, 100_999, True), (101, 101_000, False), (1000, 10**6, False)],
)
def test_the_breaker_trips_above_100_and_above_a_thousandth(suspects: int, verified: int, trips: bool) -> None:
    assert inventory.trips(suspects, verified) is trips
