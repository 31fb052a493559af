"""Serves audio through the same redirects as Dialpad: /r/<id> - /secureblob/... (with the raw key in its query!) - /blob-server/... - MP3.

A client without the right to a recording is redirected to /login, which answers 200 with HTML.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import audio
from .answers import HTML, Answer, redirect
from .keys import Key
from .model import Recording
from .query import available, too_old
from .switches import Switches
from .world import World

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass
class MediaRequest:
    """A media request. endpoint is media, media_admin, media_voicemail, media_secureblob or media_blob; item is the id in the path."""

    endpoint: str
    item: int
    key: Key | None
    key_in: str
    signature: str
    range: str
    now: int


class Media:
    """Answers media requests of all companies. base_url and other_url are the server's addresses by its two host names."""

    def __init__(self, world: World, switches: Switches) -> None:
        self._world, self._switches = world, switches
        self._cache = audio.AudioCache()
        self.base_url = self.other_url = ""

    def answer(self, asked: MediaRequest) -> tuple[Answer, Recording | None]:
        """Return the answer, and the recording whose audio it contains (None for everything except audio)."""
        if asked.endpoint == "media_voicemail":
            return self._voicemail(asked), None
        recording = self._world.recordings.get(asked.item)
        if recording is None or not available(recording, self._switches, asked.now):
            return _gone(), None
        if asked.endpoint == "media_blob":
            if asked.signature != self._sign(recording.id):
                return redirect("/login"), None
            return self._audio(recording, asked.range), recording
        key = asked.key
        if key is None or key.company_id != self._world.owner[recording.id] or "recordings_export" not in key.scopes:
            return redirect("/login"), None
        if too_old(recording, self._switches, asked.now):
            return redirect("/login"), None
        if asked.endpoint != "media_secureblob":
            # Each kind has its own path; the other kind's id does not exist there.
            if (recording.kind == "admincallrecording") != (asked.endpoint == "media_admin"):
                return _gone(), None
            rule = self._switches.admin_recordings
            if asked.endpoint == "media_admin" and (rule == "login" or (rule == "query" and asked.key_in != "query")):
                return redirect("/login"), None
            if self._switches.media_hops == "0":
                return self._audio(recording, asked.range), recording
            return redirect(f"/secureblob/recording/{recording.id}?apikey={key.secret}"), None
        base = self.other_url if self._switches.blob_host == "other" else self.base_url
        return redirect(f"{base}/blob-server/{recording.id}.mp3?sig={self._sign(recording.id)}"), None

    def _voicemail(self, asked: MediaRequest) -> Answer:
        if asked.key is None:
            return redirect("/login")
        call = self._world.books[asked.key.company_id].by_id.get(asked.item)
        messages = [r for r in call.recordings if r.kind == "voicemail"] if call is not None else []
        return redirect(f"/r/{messages[0].id}") if messages else _gone()

    @staticmethod
    def _sign(recording_id: int) -> str:
        # In place of a signed URL without secrets; the value only must not be guessed by accident.
        return hashlib.sha256(f"blob {recording_id}".encode()).hexdigest()[:24]

    def _audio(self, recording: Recording, wanted: str) -> Answer:
        size = audio.size(recording)
        answer = Answer(200, content_type="audio/mpeg", headers={"Accept-Ranges": "bytes"}, size=size)
        if self._switches.media_length != "known":
            answer.framing = "chunked" if self._switches.media_length == "chunked" else "close"
        start, end = 0, size
        if wanted:
            span = parse_range(wanted, size)
            if span is None:
                return Answer(416, b"", HTML, {"Content-Range": f"bytes */{size}"})
            start, end = span
            answer.status = 206
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        if size > audio.WHOLE_LIMIT:
            answer.pieces, answer.size = cut(audio.pieces(recording), start, end), end - start
        else:
            data = self._cache.get(recording)
            answer.body = data if end - start == size else data[start:end]
        return answer


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the byte after the last of a single byte range; None if it cannot be satisfied."""
    found = _RANGE.match(header.strip())
    if found is None or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else None
    start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


def cut(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield bytes start..end-1 of a stream of pieces."""
    at = 0
    for piece in pieces:
        if at >= end:
            return
        part = piece[max(0, start - at) : end - at]
        at += len(piece)
        if part:
            yield part


def _gone() -> Answer:
    return Answer(404, b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n", HTML)
