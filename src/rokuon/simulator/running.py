"""A running simulator as its control and its events see it, so that neither of them imports the server that imports both."""

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
    """What `server.Simulator` promises to both."""

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
