"""Reads a request outside the threads, so that a client occupies a thread only after it has sent the whole request with its body.

This module detects senders that are too slow or send too much. The web server's own parser interprets the bytes afterwards: anything
unusual counts as complete here, and the parser refuses it.
"""

import re
from enum import Enum

HEAD_WITHIN_S = 10.0
BODY_BEGINS_WITHIN_S, LEAST_RATE = 10.0, 16 * 1024
"""A body may take this many seconds, and one more for each LEAST_RATE bytes received."""
MOST_HEAD, MOST_BODY = 64 * 1024, 1024 * 1024 + 64 * 1024
"""Bytes. A chunked body has a few more bytes than its content."""

_END = b"\r\n\r\n"
_LAST_PIECE = re.compile(rb"(?:\A|\r\n)0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n\Z")
_LONGEST_END = 4096
"""Bytes of the end of a chunked body: its last chunk and the trailer fields."""


class Stage(Enum):
    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"
    HEAD_TOO_LONG = "head_too_long"
    BODY_TOO_LONG = "body_too_long"


class Arriving:
    """A request that is still arriving. `data` is what has been received. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.data = bytearray()
        self.path = ""
        self.expects = False
        """The client waits for 100 Continue before it sends the body."""
        self.stage = Stage.HEAD
        self._now = now
        self._body_at = 0
        self._length: int | None = None
        self._looked = 0

    def take(self, piece: bytes, now: float) -> Stage:
        """Add received bytes and return the stage of the request."""
        if not self.data:
            self._now = now
        self.data += piece
        if self.stage is Stage.HEAD:
            self._look_for_head(now)
        if self.stage is Stage.BODY:
            self._look_at_body()
        return self.stage

    def is_late(self, now: float) -> bool:
        """Whether the sender is slower than any legitimate client."""
        if self.stage is Stage.HEAD:
            return now - self._now > HEAD_WITHIN_S
        return now - self._now > BODY_BEGINS_WITHIN_S + (len(self.data) - self._body_at) / LEAST_RATE

    def _look_for_head(self, now: float) -> None:
        end = self.data.find(_END, max(0, self._looked - len(_END)))
        self._looked = len(self.data)
        if end < 0 or end > MOST_HEAD:
            if len(self.data) > MOST_HEAD:
                self.stage = Stage.HEAD_TOO_LONG
            return
        self._body_at, self._now = end + len(_END), now
        first, *lines = bytes(self.data[:end]).split(b"\r\n")
        words = first.split(b" ")
        self.path = words[1].decode("latin-1") if len(words) == 3 else ""
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        self.expects = fields.get(b"expect", b"").lower() == b"100-continue"
        length = fields.get(b"content-length", b"")
        in_pieces = fields.get(b"transfer-encoding", b"").lower() == b"chunked"
        if in_pieces and not length:
            self.stage = Stage.BODY
        elif length.isdigit() and b"transfer-encoding" not in fields:
            self._length = int(length[:20])
            self.stage = Stage.BODY_TOO_LONG if self._length > MOST_BODY else Stage.BODY
        else:
            self.stage = Stage.WHOLE

    def _look_at_body(self) -> None:
        here = len(self.data) - self._body_at
        if self._length is not None:
            if here >= self._length:
                self.stage = Stage.WHOLE
        elif _LAST_PIECE.search(bytes(self.data[max(self._body_at, len(self.data) - _LONGEST_END) :])):
            self.stage = Stage.WHOLE
        elif here > MOST_BODY:
            self.stage = Stage.BODY_TOO_LONG
