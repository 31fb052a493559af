"""Recordings are found in every place that names them; what is filled and not understood is an unreadable entry."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.dialpad.recordings import named_recordings
from rokuon.domain.recording import RecordingKind

LATEST = 1_785_990_000_000
CALL_ID = "5170000000000001"
DIALPAD = "https://dialpad.com"


def detail(recording_id, kind="callrecording", **more):
    return {"id": recording_id, "recording_type": kind, "duration": "5000", "url": f"{DIALPAD}/r/{recording_id}", **more}


def read(**fields):
    """Kinds and ids, and how many entries could not be read, of a call whose own flag says that nothing was recorded."""
    recordings, odd = named_recordings({"call_id": CALL_ID, "was_recorded": False, **fields}, CALL_ID, LATEST)
    return [(one.kind, one.id) for one in recordings], len(odd)


CALL, ADMIN, VOICEMAIL = RecordingKind.CALL, RecordingKind.ADMIN, RecordingKind.VOICEMAIL


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"recording_url": [f"{DIALPAD}/r/2"]}, [(CALL, "1"), (CALL, "2")]),
        ({"recording_url": f"{DIALPAD}/r/2"}, [(CALL, "1"), (CALL, "2")]),
        ({"recording_url": [[f"{DIALPAD}/r/2"], [[f"{DIALPAD}/r/3"]]]}, [(CALL, "1"), (CALL, "2"), (CALL, "3")]),
        ({"recording_url": {"url": f"{DIALPAD}/r/2"}}, [(CALL, "1"), (CALL, "2")]),
        ({"recording_url": [{"id": 2, "url": f"{DIALPAD}/elsewhere"}]}, [(CALL, "1"), (CALL, "2")]),
        ({"admin_recording_urls": [f"{DIALPAD}/blob/adminrecording/2.mp3"]}, [(CALL, "1"), (ADMIN, "2")]),
        ({"admin_recording_urls": f"{DIALPAD}/r/2"}, [(CALL, "1"), (ADMIN, "2")]),
        ({"recording_url": [f"{DIALPAD}/blob/adminrecording/1.mp3?token=a/r/9"]}, [(CALL, "1"), (ADMIN, "1")]),
        ({"recording_url": [f"{DIALPAD}/blob/callrecording/2.mp3?token=x"]}, [(CALL, "1"), (CALL, "2")]),
        ({"recording_url": [f"{DIALPAD}/secureblob/callrecording/2.mp3"]}, [(CALL, "1"), (CALL, "2")]),
        ({"recording_url": [f"{DIALPAD}/blob/voicemail_recording/2.mp3"]}, [(CALL, "1"), (VOICEMAIL, "2")]),
        ({"voicemail_recording_id": "2"}, [(CALL, "1"), (VOICEMAIL, "2")]),
        ({"voicemail_recording_id": [2, "3"]}, [(CALL, "1"), (VOICEMAIL, "2"), (VOICEMAIL, "3")]),
        ({"voicemail_link": f"{DIALPAD}/secureblob/voicemail/2.mp3"}, [(CALL, "1"), (VOICEMAIL, "2")]),
        ({"admin_call_recording_share_links": [{"item_id": "2", "type": "admincallrecording"}]}, [(CALL, "1"), (ADMIN, "2")]),
    ],
)
def test_a_second_place_is_read_where_details_are_filled(fields, expected):
    assert read(recording_details=[detail("1")], **fields) == (expected, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"recording_url": [f"{DIALPAD}/r/1"]},
        {"recording_url": [f"{DIALPAD}/r/1?token=fresh"]},
        {"call_recording_ids": ["1"]},
        {"call_recording_ids": 1},
        {"call_recording_share_links": [f"{DIALPAD}/recording/callrecording/99"]},
        {"call_recording_share_links": {"access_link": f"{DIALPAD}/recording/callrecording/99", "id": "99"}},
    ],
)
def test_the_same_recording_named_again_is_one(fields):
    assert read(recording_details=[detail("1")], **fields) == ([(CALL, "1")], 0)


def test_an_address_that_details_say_is_a_voicemail_is_no_second_recording():
    assert read(recording_details=[detail("1", "voicemail")], recording_url=[f"{DIALPAD}/r/1"]) == ([(VOICEMAIL, "1")], 0)


def test_the_fields_fill_each_other():
    url = f"{DIALPAD}/blob/adminrecording/1.mp3"
    item = {"recording_details": [detail("1", "admincallrecording", url=None)], "admin_recording_urls": url}
    assert [(one.url, one.duration_ms) for one in named_recordings(item, CALL_ID, LATEST)[0]] == [(url, 5000)]


@pytest.mark.parametrize(
    "fields",
    [
        {"recording_url": [f"{DIALPAD}/recordings/of/another/form"]},
        {"recording_url": [f"{DIALPAD}/blob/hologram/2.mp3"]},
        {"recording_url": [f"{DIALPAD}/about?next=/r/5"]},
        {"recording_url": 7},
        {"recording_url": True},
        {"recording_url": {"x": 1}},
        {"admin_recording_urls": ["x"]},
        {"admin_recording_urls": [f"{DIALPAD}/recording/admincallrecording/99"]},
        {"call_recording_ids": ["2"]},
        {"call_recording_ids": [["2"]]},
        {"call_recording_ids": {"id": "2"}},
        {"call_recording_ids": "??"},
        {"voicemail_recording_id": "a b"},
        {"voicemail_link": f"{DIALPAD}/messages"},
        {"voicemail_link": 5},
        {"call_recording_share_links": [f"{DIALPAD}/recording/callrecording/99"]},
        {"voicemail_share_link": f"{DIALPAD}/recording/voicemail/99"},
        {"recording_details": 7},
        {"recording_details": {"0": "x"}},
        {"recording_details": [f"{DIALPAD}/r/2"]},
        {"recording_details": [detail("2", "hologram")]},
    ],
)
def test_what_is_filled_and_not_understood_is_an_unreadable_entry(fields):
    assert read(**fields) == ([], 1)


@pytest.mark.parametrize("nothing", [None, "", " ", [], {}, [None, [], ""], 0, "0", False])
@pytest.mark.parametrize(
    "name",
    [
        "recording_details",
        "recording_url",
        "admin_recording_urls",
        "call_recording_ids",
        "voicemail_link",
        "voicemail_recording_id",
        "call_recording_share_links",
        "voicemail_share_link",
    ],
)
def test_an_empty_place_says_that_there_is_nothing(name, nothing):
    assert read(**{name: nothing}) == ([], 0)


@pytest.mark.parametrize("link", [f"/v/{CALL_ID}", "/v/5170000000000009", f"/secureblob/voicemail/{CALL_ID}.mp3"])
def test_a_voicemail_link_that_names_the_call_is_no_message(link):
    assert read(voicemail_link=DIALPAD + link) == ([], 0)
    assert read(voicemail_link=DIALPAD + link, voicemail_recording_id="2") == ([(VOICEMAIL, "2")], 0)


def test_details_as_one_object_are_read():
    assert read(recording_details=detail("1")) == ([(CALL, "1")], 0)


def test_an_entry_without_an_id_is_unreadable_and_what_its_address_tells_is_taken():
    assert read(recording_details=[detail("2") | {"id": None}]) == ([(CALL, "2")], 1)
    assert read(recording_details=[{"recording_type": "callrecording"}]) == ([], 1)


def test_no_reason_holds_what_was_in_the_field():
    _, odd = named_recordings({"recording_url": ["https://secret.example/x?token=canary"]}, CALL_ID, LATEST)
    assert "canary" not in repr(odd)
    assert "secret" not in repr(odd)


_PLACES = ["recording_details", "recording_url", "admin_recording_urls", "call_recording_ids", "voicemail_link", "voicemail_share_link"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**60) | st.text(max_size=12) | st.sampled_from([f"{DIALPAD}/r/7", f"{DIALPAD}/v/7"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "url", "recording_type", "item_id"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _is_empty(value):
    return all(_is_empty(one) for one in value) if isinstance(value, list) else not value or value == "0" or str(value).strip() == ""


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(_PLACES), _VALUES, max_size=3))
def test_whatever_is_filled_names_a_recording_or_is_unreadable(fields):
    found, odd = read(**fields)
    filled = [name for name, value in fields.items() if not _is_empty(value)]
    assert found or odd or all("/v/" in str(fields[name]) for name in filled)
