"""The wire format: both forms of every number, every form of a type, and what is done with the odd ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rokuon.dialpad.schema import (
    MalformedItem,
    ParsedCall,
    parse_call,
    parse_target,
    parse_user,
    to_timezone,
    unknown_timezone,
)
from rokuon.dialpad.values import normal_type, to_id, to_int
from rokuon.domain.recording import ListedRecording, Party, RecordingKind, TargetKind
from rokuon.domain.windows_zones import WINDOWS_ZONES

NOW = 1_785_990_000_000
START = 1_785_979_436_005

AGENT_LEG = {
    "call_id": "5170000000000002",
    "date_started": "1785979437171",
    "date_ended": "1785979568708",
    "target": {"id": "5835806903417907", "type": "user", "name": "Alex Rivera", "phone": "+14155550101"},
    "entry_point_call_id": "5170000000000001",
    "entry_point_target": {"id": "5655887813279744", "type": "call_center", "name": "Support East"},
    "proxy_target": {},
    "was_recorded": False,
}
GROUP_LEG = {
    "call_id": "5170000000000001",
    "date_started": "1785979436005",
    "date_ended": "1785979568185",
    "target": {"id": "5655887813279744", "type": "call_center", "name": "Support East"},
    "entry_point_target": {},
    "master_call_id": "5170000000000000",
    "operator_call_id": "5170000000000002",
    "group_id": "CallCenter:5655887813279744",
    "was_recorded": True,
    "admin_recording_urls": ["https://dialpad.com/blob/adminrecording/5572000000000001.mp3"],
    "recording_details": [
        {
            "id": "5572000000000001",
            "recording_type": "admincallrecording",
            "start_time": "1785979448500",
            "duration": "119520",
            "url": "https://dialpad.com/blob/adminrecording/5572000000000001.mp3",
        }
    ],
}


def parsed(item):
    result = parse_call(item, NOW)
    assert isinstance(result, ParsedCall)
    return result


def test_an_agent_leg_names_the_agent_and_points_to_the_group_leg():
    call = parsed(AGENT_LEG).call
    assert call.target == Party("user", "5835806903417907", "Alex Rivera")
    assert call.entry_point_target == Party("callcenter", "5655887813279744", "Support East")
    assert call.entry_point_call_id == "5170000000000001"
    assert call.proxy_target is None
    assert call.recordings == ()
    assert call.was_recorded is False


def test_a_group_leg_points_to_the_agent_leg_and_carries_the_recording_once():
    call = parsed(GROUP_LEG).call
    assert call.group == Party("callcenter", "5655887813279744")
    assert (call.operator_call_id, call.master_call_id) == ("5170000000000002", "5170000000000000")
    url = "https://dialpad.com/blob/adminrecording/5572000000000001.mp3"
    assert call.recordings == (ListedRecording(RecordingKind.ADMIN, "5572000000000001", url, 1_785_979_448_500, 119_520),)


def numbers(value):
    """The same item as an event writes it: numbers instead of text."""
    if isinstance(value, dict):
        return {name: numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [numbers(one) for one in value]
    return int(value) if isinstance(value, str) and value.isdecimal() else value


@pytest.mark.parametrize("item", [AGENT_LEG, GROUP_LEG])
def test_numbers_and_text_read_the_same(item):
    assert parsed(numbers(item)) == parsed(item)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        (5, 5),
        (5.0, 5),
        (5.4, 5),
        ("5.6", 6),
        ("-3", -3),
        (2**53 + 1, 2**53 + 1),
        (str(2**63), 2**63),
        (2**64, None),
        ("", None),
        ("x", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ([], None),
        ("9" * 41, None),
    ],
)
def test_an_integer_is_read_in_every_form(value, expected):
    assert to_int(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5170000000000001", "5170000000000001"),
        (5170000000000001, "5170000000000001"),
        (18446744073709551615, "18446744073709551615"),
        (5170000000000001.0, "5170000000000001"),
        (1e17, ""),
        (0, ""),
        ("0", ""),
        (-1, ""),
        (True, ""),
        (None, ""),
        ("", ""),
        ("a/b", ""),
        ("a b", ""),
        ("x\n", ""),
        ("shared_contact_pool_Company:1_uid_001", "shared_contact_pool_Company:1_uid_001"),
        ({}, ""),
    ],
)
def test_an_id_is_text_with_every_digit_or_nothing(value, expected):
    assert to_id(value) == expected


@pytest.mark.parametrize("written", ["callcenter", "call_center", "CallCenter", "CALL_CENTER", "call-center"])
def test_a_type_is_one_word_however_it_is_written(written):
    assert normal_type(written) == "callcenter"


@pytest.mark.parametrize("start", [None, 0, "0", "", 1_785_979_436, "1785979436", 4_102_444_800_000, -5, "soon", NOW + 1])
def test_an_impossible_start_is_replaced_by_the_end(start):
    result = parsed(GROUP_LEG | {"date_started": start})
    assert result.call.started_ms == result.call.ended_ms == 1_785_979_568_185
    assert not result.exact


@pytest.mark.parametrize("end", [None, 0, 1_785_979_436])
def test_without_any_possible_time_an_item_is_malformed_and_keeps_its_id(end):
    result = parse_call(GROUP_LEG | {"date_started": 0, "date_ended": end}, NOW)
    assert isinstance(result, MalformedItem)
    assert result.call_id == "5170000000000001"
    assert "5170" not in result.why


def test_a_missing_end_is_none():
    assert parsed(GROUP_LEG | {"date_ended": None}).call.ended_ms is None


@pytest.mark.parametrize("item", [None, [], "x", 7, {}, {"call_id": None}, {"call_id": {}}])
def test_an_item_without_an_id_is_malformed(item):
    assert isinstance(parse_call(item, NOW), MalformedItem)


def recording(**changes):
    return GROUP_LEG["recording_details"][0] | changes


def test_an_unknown_kind_is_noted_and_the_other_recordings_stay():
    result = parsed(GROUP_LEG | {"recording_details": [recording(id="1", recording_type="hologram"), recording(), recording(id=None), 7]})
    assert [one.id for one in result.call.recordings] == ["5572000000000001"]
    assert len(result.odd) == 3
    assert all(one.call_id == "5170000000000001" for one in result.odd)
    assert all(one.started_ms == result.call.started_ms for one in result.odd)


def test_several_recordings_of_several_kinds_stay_and_the_same_one_is_listed_once():
    details = [
        recording(),
        recording(recording_type="callrecording"),
        recording(id="7"),
        recording(),
        recording(id="8", recording_type="voicemail"),
    ]
    found = parsed(GROUP_LEG | {"recording_details": details}).call.recordings
    assert [(one.kind, one.id) for one in found] == [
        (RecordingKind.ADMIN, "5572000000000001"),
        (RecordingKind.CALL, "5572000000000001"),
        (RecordingKind.ADMIN, "7"),
        (RecordingKind.VOICEMAIL, "8"),
    ]


@pytest.mark.parametrize("missing", [{}, {"recording_details": None}, {"recording_details": []}])
def test_without_details_the_recordings_come_from_their_addresses(missing):
    item = {name: value for name, value in GROUP_LEG.items() if name != "recording_details"} | missing
    item["recording_url"] = [
        "https://dialpad.com/r/11",
        "https://dialpad.com/r/11",
        "https://dialpad.com/r/12?x=1",
        "https://dialpad.com/about",
        5,
    ]
    item["voicemail_recording_id"] = 13
    found = parsed(item).call.recordings
    assert [(one.kind, one.id, one.url) for one in found] == [
        (RecordingKind.CALL, "11", "https://dialpad.com/r/11"),
        (RecordingKind.CALL, "12", "https://dialpad.com/r/12?x=1"),
        (RecordingKind.ADMIN, "5572000000000001", "https://dialpad.com/blob/adminrecording/5572000000000001.mp3"),
        (RecordingKind.VOICEMAIL, "13", ""),
    ]


def test_an_address_may_stand_alone_instead_of_in_a_list():
    item = AGENT_LEG | {"recording_url": "https://dialpad.com/r/11"}
    assert [one.id for one in parsed(item).call.recordings] == ["11"]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("CallCenter:12", Party("callcenter", "12")),
        ("Office:124", Party("office", "124")),
        ("CoachingTeam:5", Party("coachingteam", "5")),
        ("12", None),
        (":12", None),
        ("CallCenter:", None),
        (None, None),
        (12, None),
    ],
)
def test_a_group_id_is_a_party(group, expected):
    assert parsed(GROUP_LEG | {"group_id": group}).call.group == expected


@pytest.mark.parametrize("zone", ["US/Pacific", "Asia/Tokyo", "UTC"])
def test_a_time_zone_that_python_knows_stays(zone):
    assert to_timezone(zone) == zone


@pytest.mark.parametrize("zone", ["", None, 9, "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Asia", "x" * 300, "a\x00b"])
def test_any_other_time_zone_is_none(zone):
    assert to_timezone(zone) == ""
    told = unknown_timezone(zone)
    assert bool(told) == (zone not in ("", None)) and len(told) <= 64 and told.isprintable()


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("asia/tokyo", "Asia/Tokyo"),
        ("ASIA/TOKYO", "Asia/Tokyo"),
        (" Asia/Tokyo ", "Asia/Tokyo"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("us/pacific", "US/Pacific"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("tokyo standard time", "Asia/Tokyo"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Eastern Standard Time (Mexico)", "America/Cancun"),
        ("UTC+12", "Etc/GMT-12"),
    ],
)
def test_a_time_zone_in_other_case_or_by_its_windows_name_is_understood(written, zone):
    assert (to_timezone(written), unknown_timezone(written)) == (zone, "")


def test_every_windows_name_stands_for_a_zone_that_is_known():
    assert {to_timezone(zone) for zone in WINDOWS_ZONES.values()} == set(WINDOWS_ZONES.values())
    assert all(to_timezone(name) in (zone, name) for name, zone in WINDOWS_ZONES.items()), "UTC is a name of both"


def test_a_user_has_a_name_from_either_field_and_the_offices_he_administers():
    assert (
        parse_user(
            {"id": 5, "first_name": "Ann", "last_name": "Lee", "admin_office_ids": ["1", 2, None], "emails": ["a@example.com", 3]}
        ).name
        == "Ann Lee"
    )
    user = parse_user(
        {
            "id": "5",
            "display_name": "A. Lee",
            "first_name": "Ann",
            "admin_office_ids": ["1", 2, None],
            "is_super_admin": True,
            "state": "DELETED",
        }
    )
    assert (user.name, user.admin_office_ids, user.is_super_admin, user.state) == ("A. Lee", ("1", "2"), True, "deleted")


def test_a_target_without_a_name_is_called_by_its_id():
    assert parse_target({"id": "5", "office_id": 7}, TargetKind.CONTACT_CENTER).name == "5"


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(list(GROUP_LEG)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["id", "type", "name", "url", "recording_type"]), inner, max_size=4)
            ),
            max_leaves=8,
        ),
    )
)
def test_no_change_of_an_item_crashes_the_reader(changes):
    result = parse_call(GROUP_LEG | changes, NOW)
    assert isinstance(result, ParsedCall | MalformedItem)
