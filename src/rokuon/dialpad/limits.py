"""Limits of time and size for everything from the source (docs/design/security.md, rule 7). Tests use smaller numbers."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Times in seconds, sizes in bytes, rates in bytes per second.

    `connect`: TCP and TLS. `answer`: until the headers arrive, including the wait for a connection. `silence`: without a byte.
    `slowest`: the minimum rate over every `slow_window` of a body, from its first byte. `total`: one whole download. `recording`: the
    announced size of a recording.
    `tries`: requests per logical request, the first included. `patience`: the longest Retry-After for which the request itself waits.
    `pages`: pages of one listing.
    """

    connect: float = 10
    answer: float = 60
    silence: float = 30
    slowest: float = KIB
    slow_window: float = 30
    total: float = 30 * 60
    json: int = 16 * MIB
    recording: int = 2048 * MIB
    tries: int = 4
    patience: float = 30
    pages: int = 50_000
    connections: int = 128
