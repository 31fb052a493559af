"""Finds the recordings that a listed call names: the union of all fields that can name one, by kind and id (docs/design/listing.md).

    recording_details                                     kind, id, address, duration
    recording_url, admin_recording_urls                   addresses; the kind from the field, or from the address if it says so
    voicemail_recording_id, voicemail_link                a message
    call_recording_ids                                    only ids
    call_, admin_call_recording_share_links,              pages for people; they name a recording only if they are objects with
    voicemail_share_link                                  its id

Each may contain one value, a list, or nested lists. A value that is not understood becomes an unreadable entry and is never ignored. Screen
recordings and spoken survey answers (`screen_recording_urls`, `csat_recording_urls`) are not call recordings and are not read.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from rokuon.domain.recording import ListedRecording, MalformedItem, RecordingKind

from .values import Json, normal_type, to_id, to_int, to_text, to_time

_DEEPEST = 6
_KINDS = {kind.value: kind for kind in RecordingKind}
_ADDRESSES = ((RecordingKind.CALL, "recording_url"), (RecordingKind.ADMIN, "admin_recording_urls"))
_SHARED = (
    (RecordingKind.CALL, "call_recording_share_links"),
    (RecordingKind.ADMIN, "admin_call_recording_share_links"),
    (RecordingKind.VOICEMAIL, "voicemail_share_link"),
)
# The forms of docs/design/dialpad.md section 3 and the same below /secureblob. /r/<id> does not say the kind of the recording.
_FORM = re.compile(r"/(r|(?:blob|secureblob|blob-server)/([a-z_]+))/([A-Za-z0-9_-]{1,200})(?:\.[a-z0-9]{2,4})?/?")
_KIND_IN_ADDRESS = {
    "callrecording": RecordingKind.CALL,
    "recording": RecordingKind.CALL,
    "adminrecording": RecordingKind.ADMIN,
    "admincallrecording": RecordingKind.ADMIN,
    "voicemail": RecordingKind.VOICEMAIL,
    "voicemailrecording": RecordingKind.VOICEMAIL,
}
_CALLS_MAILBOX = re.compile(r"/v/[A-Za-z0-9_-]{1,200}/?")


def named_recordings(item: dict[str, Json], call_id: str, latest_ms: int) -> tuple[tuple[ListedRecording, ...], list[MalformedItem]]:
    """Return the recordings of a call, each once, and the unreadable entries, whose call the caller fills in."""
    found = _Found()
    for entry in _entries(item.get("recording_details")):
        _detail(found, entry, latest_ms)
    for kind, name in _ADDRESSES:
        for entry in _entries(item.get(name)):
            _address(found, entry, kind)
    _voicemail(found, item, call_id)
    for kind, name in _SHARED:
        for entry in _entries(item.get(name)):
            _shared(found, entry, kind)
    for entry in _entries(item.get("call_recording_ids")):
        # Kind and id together are the identity. An id alone adds nothing to what the other fields say.
        recording_id = to_id(entry.get("id") if isinstance(entry, dict) else entry)
        if found.kind_of(recording_id) is None:
            found.odd.append(MalformedItem("a recording id without a kind", recording_id=recording_id))
    return tuple(found.recordings.values()), found.odd


class _Found:
    """Collects the recordings of one call."""

    def __init__(self) -> None:
        self.recordings: dict[tuple[RecordingKind, str], ListedRecording] = {}
        self.odd: list[MalformedItem] = []

    def add(self, one: ListedRecording) -> None:
        known = self.recordings.setdefault((one.kind, one.id), one)
        if known is not one:
            self.recordings[one.kind, one.id] = replace(
                known,
                url=known.url or one.url,
                started_ms=one.started_ms if known.started_ms is None else known.started_ms,
                duration_ms=one.duration_ms if known.duration_ms is None else known.duration_ms,
            )

    def kind_of(self, recording_id: str) -> RecordingKind | None:
        return next((kind for kind, known_id in self.recordings if known_id == recording_id), None)

    def has_kind(self, kind: RecordingKind) -> bool:
        return any(known is kind for known, _ in self.recordings)

    def has_address(self, path: str) -> bool:
        return any(_path(one.url) == path for one in self.recordings.values())


def _entries(value: Json, depth: int = 0) -> Iterator[Json]:
    """Yield the non-empty values of a field. Null, false, 0, and empty text, lists and objects mean that there is no value."""
    if isinstance(value, list) and depth < _DEEPEST:
        for one in value:
            yield from _entries(one, depth + 1)
    elif value and value != "0" and not (isinstance(value, str) and not value.strip()):
        yield value


def _detail(found: _Found, entry: Json, latest_ms: int) -> None:
    if isinstance(entry, str):
        _address(found, entry, None)
        return
    if not isinstance(entry, dict):
        found.odd.append(MalformedItem("a recording is not an object"))
        return
    recording_id = to_id(entry.get("id"))
    kind = _KINDS.get(normal_type(entry.get("recording_type")))
    if kind is None or not recording_id:
        why = "a recording of an unknown kind" if kind is None else "a recording without an id"
        found.odd.append(MalformedItem(why, kind=to_text(entry.get("recording_type"))[:40], recording_id=recording_id))
        if kind is not None:
            # The recording may still be read from its address.
            _take(found, to_text(entry.get("url")), kind)
        return
    duration = to_int(entry.get("duration"))
    found.add(
        ListedRecording(
            kind,
            recording_id,
            to_text(entry.get("url")),
            to_time(entry.get("start_time"), latest_ms),
            duration if duration is not None and duration >= 0 else None,
        )
    )


def _address(found: _Found, entry: Json, kind: RecordingKind | None) -> None:
    """Read a recording from its address, plain or in an object; `kind` is the kind that the field implies."""
    named = ""
    if isinstance(entry, dict):
        named = to_id(entry.get("id")) or to_id(entry.get("recording_id"))
        kind = _KINDS.get(normal_type(entry.get("recording_type") or entry.get("type")), kind)
        entry = next((entry[name] for name in ("url", "recording_url", "link") if isinstance(entry.get(name), str)), "")
    url = to_text(entry).strip()
    if named and kind is not None:
        found.add(ListedRecording(kind, named, url))
    elif not _take(found, url, kind):
        found.odd.append(MalformedItem("an address of a recording that cannot be read", kind=kind or ""))


def _take(found: _Found, url: str, kind: RecordingKind | None) -> bool:
    """Add the recording that an address names; return whether it names one."""
    path = _path(url)
    if path and found.has_address(path):
        return True
    match = _FORM.fullmatch(path)
    if match is None:
        return False
    told = _KIND_IN_ADDRESS.get(normal_type(match[2]))
    if match[2] and told is None:
        return False
    # The kind in its details has priority: `recording_url` was seen to contain voicemail, too.
    kind = told or found.kind_of(match[3]) or kind
    if kind is None:
        return False
    found.add(ListedRecording(kind, match[3], url))
    return True


def _voicemail(found: _Found, item: dict[str, Json], call_id: str) -> None:
    """Read a voicemail message. `voicemail_link` alone does not prove that there is one: it is set even if nobody left a message, and then
    names the call (`/v/<call id>`, or the call's id below /secureblob). Dialpad sets `voicemail_recording_id` if there is a message, so a
    link of that form without an id means no message. A link with its own id is a recording; a link of any other form is an unreadable
    entry."""
    links = [to_text(entry).strip() if isinstance(entry, str) else "" for entry in _entries(item.get("voicemail_link"))]
    ids = 0
    for entry in _entries(item.get("voicemail_recording_id")):
        recording_id = to_id(entry)
        if not recording_id:
            found.odd.append(MalformedItem("a voicemail without an id", kind=RecordingKind.VOICEMAIL))
            continue
        ids += 1
        found.add(ListedRecording(RecordingKind.VOICEMAIL, recording_id, next((url for url in links if recording_id in _path(url)), "")))
    for url in links:
        match = _FORM.fullmatch(_path(url))
        if _CALLS_MAILBOX.fullmatch(_path(url)) or (match is not None and match[3] == call_id):
            continue
        if not ids and not _take(found, url, RecordingKind.VOICEMAIL):
            found.odd.append(MalformedItem("a voicemail link that cannot be read", kind=RecordingKind.VOICEMAIL))


def _shared(found: _Found, entry: Json, kind: RecordingKind) -> None:
    """Read a link to a page for people. Its id is the link's own, so without `item_id` it only says that a recording of that kind
    exists."""
    if isinstance(entry, dict):
        kind = _KINDS.get(normal_type(entry.get("recording_type") or entry.get("type")), kind)
        recording_id = to_id(entry.get("item_id")) or to_id(entry.get("recording_id"))
        if recording_id:
            found.add(ListedRecording(kind, recording_id, ""))
            return
    if not found.has_kind(kind):
        found.odd.append(MalformedItem("a share link to a recording that is not named", kind=kind))


def _path(url: str) -> str:
    """Return the path of an address, without scheme, host, query and fragment."""
    rest = re.split(r"[?#]", url, maxsplit=1)[0].strip()
    host = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*", rest)
    return rest[host.end() :] if host else rest
