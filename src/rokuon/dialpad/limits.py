"""How long and how large anything from the source may be (docs/design/security.md, rule 7). Tests hand in smaller numbers."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Times in seconds, sizes in bytes, rates in bytes per second.

    `connect`: TCP and TLS. `answer`: until the headers are there, waiting for a connection included. `silence`: without a byte.
    `slowest` must be reached over every `slow_window` of a body, from its first byte. `total`: one whole download. `recording`: the
    announced size of a recording.
    `tries`: requests per logical request, the first included. `patience`: the longest Retry-After that is sat out in place.
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
