"""Protocol of a running simulator for its control and its events, so that neither imports the server, which imports both."""

import asyncio
from typing import Protocol

import aiohttp

from .faults import Faults
from .hooks import Delivery, HookStore
from .keys import KeyRing
from .meter import Meter
from .model import Company
from .switches import Switches
from .world import World


class Running(Protocol):
    """The part of `server.Simulator` that both use."""

    world: World
    switches: Switches
    faults: Faults
    meter: Meter
    keys: KeyRing
    hooks: dict[int, HookStore]
    deliveries: list[Delivery]
    session: aiohttp.ClientSession | None
    tasks: set[asyncio.Task[None]]

    @property
    def base_url(self) -> str: ...

    @property
    def company(self) -> Company:
        """The first company."""

    @property
    def key(self) -> str:
        """The secret of the first company's first key."""

    def now(self) -> int:
        """Epoch ms of the simulated clock."""

    def advance(self, ms: int) -> None:
        """Move the simulated clock forward."""
