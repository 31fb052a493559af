"""Names and dates of the layout: tables of expected values, and what holds for every input."""

import hashlib
import posixpath
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rokuon.domain.placement import (
    AGENT_BYTES,
    ASIDE,
    FOLDER_BYTES,
    LEAST_SEGMENT_BYTES,
    SEGMENT_BYTES,
    ParsedKey,
    agent_name,
    aside_key,
    date_folder,
    folder_key,
    folder_name,
    free_folder,
    numbered_folder,
    object_key,
    parse_key,
    placing_time,
    safe_id,
    safe_name,
    shortened,
    zone,
)

TABLE = {
    "山田 太郎": "山田 太郎",
    "佐藤\u3000花子": "佐藤\u3000花子",
    "髙橋 﨑子": "髙橋 﨑子",
    "辻\U000e0100 一郎": "辻\U000e0100 一郎",
    "\ufa19田": "\u795e田",
    "ｶﾌﾞｼｷ ﾀﾛｳ": "ｶﾌﾞｼｷ ﾀﾛｳ",
    "㈱サポート": "㈱サポート",
    "か\u3099": "\u304c",
    "営業/サポート": "営業／サポート",
    "../../etc/passwd": "．.／..／etc／passwd",
    "..\\..\\etc": "．.＼..＼etc",
    ".": "．",
    "..": "．．",
    "": "unknown-agent",
    None: "unknown-agent",
    "   ": "unknown-agent",
    "Ann\x00e\r\nX: y": "Ann e X： y",
    "evil\u202egpj.exe": "evilgpj.exe",
    "سارة أحمد": "سارة أحمد",
    "דנה כהן": "דנה כהן",
    "👩\u200d💻 Agent": "👩\u200d💻 Agent",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f UK": "🏴 UK",
    "CON": "CON_",
    "nul.txt": "nul_.txt",
    "COM1 受付": "COM1 受付",
    "名前.": "名前．",
    "Tom. ": "Tom．",
    "a#b[c]*?d": "a＃b［c］＊？d",
    "C:\\Users\\x": "C：＼Users＼x",
    "100% 満足": "100％ 満足",
    'O\'Neil, "Bob" <b@x>': "O'Neil, ＂Bob＂ ＜b@x＞",
    "A" * 300: "A" * 111 + "~4daeb9ac",
    "あ" * 100: "あ" * 37 + "~74584a8c",
    "Tanaka - 123 - 999": "Tanaka - 123 - 999",
    # Beyond the table: one row for each rule that it does not reach.
    "a\ud800b": "a\ufffdb",
    "a\ue000b\u0378": "a\ufffdb\ufffd",
    "か\u200b\u3099": "\u304c",
    "<\u0338": "\u226e",
    "a\u2028b\u00a0\u2009c": "a b c",
    "\u3000佐藤\u3000": "佐藤",
    "\u200d\ufe0f\u3000": "unknown-agent",
    "~user": "～user",
    "-rf": "－rf",
    "--help": "－-help",
    " - ": "－",
    "=HYPERLINK(1)": "＝HYPERLINK(1)",
    "+81 3 1234": "＋81 3 1234",
    "@SUM(A1)": "＠SUM(A1)",
    "=\u0338": "\u2260",
    "a-b=c+d@e": "a-b=c+d@e",
    ". .": "． ．",
    "com¹": "com¹_",
    "CON .txt": "CON _.txt",
    "Console": "Console",
    "a|b": "a｜b",
}


@pytest.mark.parametrize(("raw", "expected"), TABLE.items(), ids=ascii)
def test_an_agents_name_in_the_key(raw: str | None, expected: str) -> None:
    assert agent_name(raw) == expected


def test_a_center_without_a_name_has_a_folder_all_the_same() -> None:
    assert folder_name(" ") == "unknown-center"


def test_an_odd_id_becomes_a_hash() -> None:
    assert safe_id("abc/../x") == "hd32b4666bf329f243cd9d1a9b0575aa9"
    assert safe_id("5012345678901234") == "5012345678901234"
    assert safe_id("") == "h" + hashlib.sha256(b"").hexdigest()[:32]
    assert safe_id("1\n") != "1\n"


def test_the_articles_layout() -> None:
    key = object_key(folder_name("カスタマーサポート/東京"), "2026-04-01", "山田 太郎", "5012345678901234", "6755399441055744")
    assert key == "call-recordings/カスタマーサポート／東京/2026-04-01/山田 太郎 - 5012345678901234 - 6755399441055744.mp3"


def test_ids_are_read_from_the_right() -> None:
    key = object_key("Support", "2026-04-01", "Tanaka - 123 - 999", "5", "6")
    assert parse_key(key) == ParsedKey("Support", "2026-04-01", "Tanaka - 123 - 999", "5", "6", "mp3")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "call-recordings/",
        "Call-recordings/S/2026-04-01/A - 1 - 2.mp3",
        "call-recordings/S/2026-04-01/A - 1.mp3",
        "call-recordings/S/T/2026-04-01/A - 1 - 2.mp3",
        "call-recordings/S/2026-04-01/A - 1 - 2.mp3\n",
        "call-recordings/S/04-01/A - 1 - 2.mp3",
    ],
)
def test_a_key_of_another_layout_is_not_read(key: str) -> None:
    assert parse_key(key) is None


@pytest.mark.parametrize("folder", ["", ".", "..", " ", "a/b", "a\\b", "a\nb", "あ" * 86])
def test_a_folder_that_these_rules_never_made_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        object_key(folder, "2026-04-01", "A", "1", "2")


@pytest.mark.parametrize(("date", "ext"), [("2026-4-1", "mp3"), ("2026-04-01", ""), ("2026-04-01", "m/3"), ("../../../x", "mp3")])
def test_a_date_or_extension_that_these_rules_never_made_is_refused(date: str, ext: str) -> None:
    with pytest.raises(ValueError, match="date"):
        object_key("S", date, "A", "1", "2", ext)


# --- cutting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["か\u309a", "辻\U000e0100", "👩\u200d💻", "🇯🇵", "👍🏽", "ﾊﾟ", "e\u0301\u0323", "\u1112\u1161\u11f0"])
def test_a_cut_falls_between_visible_characters(part: str) -> None:
    part = unicodedata.normalize("NFC", part)
    for shift in range(12):
        name = safe_name("x" * shift + part * 40, limit_bytes=60, fallback="f")
        kept = name[: -len("~01234567")].removeprefix("x" * shift)
        assert kept
        assert kept == part * (len(kept) // len(part))


def test_one_letter_under_a_hundred_accents_is_cut_all_the_same() -> None:
    name = safe_name("a" + "\u0338\u0339" * 100, limit_bytes=60, fallback="f")
    assert name.startswith("a\u0338")
    assert len(name.encode()) <= 60


def test_a_cut_at_a_space_leaves_none_before_the_hash() -> None:
    assert re.fullmatch("A{110}~[0-9a-f]{8}", agent_name("A" * 110 + " " + "B" * 100))


def test_long_names_with_one_start_stay_apart() -> None:
    assert agent_name("A" * 300 + "x") != agent_name("A" * 300 + "y")


# --- folders ----------------------------------------------------------------------------------------------------------


def test_folders_that_differ_in_case_or_composition_collide() -> None:
    assert folder_key("Support") == folder_key("SUPPORT")
    assert folder_key("ガ") == folder_key("カ\u3099")
    assert folder_key("Support") != folder_key("Support ")


def test_two_centers_of_one_name_never_mix() -> None:
    taken: set[str] = set()
    folders = []
    for target_id, name in [("1", "A/B"), ("2", "A／B"), ("3", "a/b"), ("4", "A／B (3)"), ("4", "A／B (3)"), ("4", "A／B (3)")]:
        folder = free_folder(name, target_id, taken)
        folders.append(folder)
        taken.add(folder_key(folder))
    assert folders == ["A／B", "A／B (2)", "a／b (3)", "A／B (3) (4)", "A／B (3) (4-2)", "A／B (3) (4-3)"]


@given(st.text(max_size=300), st.text(max_size=80), st.integers(1, 20))
def test_a_numbered_folder_is_a_safe_folder(name: str, target_id: str, again: int) -> None:
    folder = numbered_folder(name, target_id, again)
    assert folder == folder_name(folder)
    assert safe_id(target_id) in folder


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc", "timezone", "folder"),
    [
        ("2026-03-31T14:59:59.999", "Asia/Tokyo", "2026-03-31"),
        ("2026-03-31T15:00:00", "Asia/Tokyo", "2026-04-01"),
        ("2026-11-01T08:30", "America/Los_Angeles", "2026-11-01"),
        ("2026-11-01T09:30", "America/Los_Angeles", "2026-11-01"),
        ("2026-03-08T10:00", "America/Los_Angeles", "2026-03-08"),
        ("2026-11-02T07:59:59", "America/Los_Angeles", "2026-11-01"),
        ("2026-11-02T08:00:00", "America/Los_Angeles", "2026-11-02"),
        ("2024-04-25T21:59:59", "Africa/Cairo", "2024-04-25"),
        ("2024-04-25T22:00", "Africa/Cairo", "2024-04-26"),
        ("2011-12-30T09:59:59", "Pacific/Apia", "2011-12-29"),
        ("2011-12-30T10:00", "Pacific/Apia", "2011-12-31"),
        ("2026-07-01T06:59:59.999", "US/Pacific", "2026-06-30"),
        ("2026-03-31T23:59:59.999", "", "2026-03-31"),
        ("2026-03-31T23:59:59.999", "Mars/Olympus", "2026-03-31"),
    ],
)
def test_the_date_is_the_calls_start_in_the_targets_zone(utc: str, timezone: str, folder: str) -> None:
    started_ms = round(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000)
    assert date_folder(started_ms, timezone) == folder


@pytest.mark.parametrize("name", ["", "America", "../../etc/passwd", "/etc/localtime", "a\x00b", "\ud800", "x" * 5000])
def test_a_zone_that_is_none_counts_as_utc(name: str) -> None:
    assert zone(name) is UTC


@given(st.text(max_size=30))
def test_no_zone_name_breaks_the_date(name: str) -> None:
    assert date_folder(1_775_000_000_000, name).startswith("2026-0")


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [
        (1_700_000_000_000, 1_700_000_100_000, 1_700_000_000_000),
        (0, 1_700_000_100_000, 1_700_000_100_000),
        (1_700_000_000, 1_700_000_100_000, 1_700_000_100_000),
        (None, None, 1_775_000_000_000),
        (4_070_908_800_000, 4_070_908_900_000, 1_775_000_000_000),
        (1_775_000_000_000 + 600_000, None, 1_775_000_000_000 + 600_000),
    ],
)
def test_a_start_that_cannot_be_true_does_not_name_the_folder(started: int | None, ended: int | None, expected: int) -> None:
    assert placing_time(started, ended, 1_775_000_000_000) == expected


# --- what holds for every input ---------------------------------------------------------------------------------------

PARTS = ["CON", "nul", "COM1", *'../\\ ~:*?<>|"%#[]\0\r\n\u3000あ\u3099A1-_=+@', *"\u202e\u200b\u200d\U000e0100🇯👩\ud800\u0338"]
anything = st.text(st.characters(categories=None), max_size=200) | st.lists(st.sampled_from(PARTS), max_size=150).map("".join)
FORBIDDEN = set('\\#[]*?<>:"|%') | {chr(point) for point in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]}
BIDI = {chr(point) for point in [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]}
DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d) *$", re.IGNORECASE | re.ASCII)


def assert_portable(segment: str) -> None:
    assert segment not in ("", ".", "..")
    assert len(segment.encode()) <= 255
    assert segment[-1] not in ". "
    assert segment[0] not in " ~.-=+@"
    assert not set(segment) & (FORBIDDEN | BIDI | {"/"})
    assert not DEVICE.match(segment.partition(".")[0])
    assert unicodedata.normalize("NFC", segment) == segment


@given(anything, anything, anything, anything)
@example("x", "A" * 300, "1" * 64, "2" * 64)
def test_every_key_is_portable_and_gives_its_ids_back(center: str, agent: str, call_id: str, recording_id: str) -> None:
    folder = folder_name(center)
    key = object_key(folder, "2026-04-01", agent, call_id, recording_id)
    assert len(key.encode()) <= 1024
    assert key.count("/") == 3
    assert posixpath.normpath(key) == key
    for segment in key.split("/"):
        assert_portable(segment)
    parsed = parse_key(key)
    assert parsed is not None
    assert (parsed.folder, parsed.call_id, parsed.recording_id) == (folder, safe_id(call_id), safe_id(recording_id))


@given(anything, anything, anything, anything, st.integers(LEAST_SEGMENT_BYTES, SEGMENT_BYTES), st.sampled_from(["mp3", "wav", "html5"]))
@example("あ" * 100, "あ" * 100, "1" * 64, "2" * 64, LEAST_SEGMENT_BYTES, "html5")
@example("あ" * 100, "あ" * 100, "5012345678901234", "6755399441055744", 143, "mp3")
def test_a_key_for_a_disk_with_short_names_fits_it_whatever_is_kept_aside(
    center: str, agent: str, call_id: str, recording_id: str, longest: int, ext: str
) -> None:
    usual = object_key(folder_name(center), "2026-04-01", agent, call_id, recording_id)
    key = object_key(folder_name(center), "2026-04-01", agent, call_id, recording_id, longest=longest)
    for one in (key, aside_key(key, "0" * 64, ext)):
        for segment in one.split("/"):
            assert len(segment.encode()) <= longest
            assert segment == ASIDE or assert_portable(segment) is None
    parsed = parse_key(key)
    assert parsed is not None
    if len(call_id + recording_id) <= 34:
        assert (parsed.call_id, parsed.recording_id) == (safe_id(call_id), safe_id(recording_id))
    assert shortened(key, longest) is None
    later = shortened(usual, longest) or usual
    assert all(len(segment.encode()) <= longest for segment in later.split("/"))


def test_two_long_names_that_begin_alike_stay_apart_on_a_disk_with_short_names() -> None:
    keys = {object_key(f"{'東' * 50} {end}", "2026-04-01", f"{'田' * 35} {end}", "1", "2", longest=143) for end in "abc"}
    assert len({key.split("/")[1] for key in keys}) == 3
    assert len({key.split("/")[3] for key in keys}) == 3


def test_what_fits_is_named_on_every_disk_as_it_always_was() -> None:
    key = object_key("営業", "2026-04-01", "山田 太郎", "5012345678901234", "6755399441055744")
    assert object_key("営業", "2026-04-01", "山田 太郎", "5012345678901234", "6755399441055744", longest=128) == key


@given(anything)
def test_a_safe_name_is_portable_within_its_limit_and_stays_as_it_is(raw: str) -> None:
    for name, limit, again in [(agent_name(raw), AGENT_BYTES, agent_name), (folder_name(raw), FOLDER_BYTES, folder_name)]:
        assert_portable(name)
        assert len(name.encode()) <= limit
        assert again(name) == name


@given(anything)
def test_canonically_equal_names_are_one_name(raw: str) -> None:
    if len(raw) < 20:
        assert agent_name(unicodedata.normalize("NFD", raw)) == agent_name(raw)


@given(anything)
def test_the_folder_key_of_a_folder_key_is_itself(raw: str) -> None:
    key = folder_key(folder_name(raw))
    assert folder_key(key) == key


@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=20))
def test_ordinary_letters_and_digits_are_kept(raw: str) -> None:
    name = agent_name(raw)
    if "~" not in name and "_" not in name and name != "unknown-agent":
        assert name == unicodedata.normalize("NFC", raw)
