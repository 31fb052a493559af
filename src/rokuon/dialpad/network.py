"""The HTTP session of one source: name resolution that refuses private addresses, verified TLS, no proxy, no cookies.

aiohttp connects to exactly the addresses that the resolver returned, so a name that resolves differently a moment later (DNS rebinding) has
no effect, and every new connection is checked again.
"""

import socket
import ssl

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from rokuon.base.addresses import is_loopback
from rokuon.domain.failures import SourceUrlRefused

from .limits import KIB, ClientLimits
from .urls import AllowedHosts, is_public_unicast

# Bodies are read whole or in pieces of up to 1 MiB; with a larger buffer, reading pauses less often per recording.
_READ_BUFFER = 512 * KIB


class CheckedResolver(AbstractResolver):
    """Resolves names with `inner` and refuses a name if any of its addresses is not public. Raises SourceUrlRefused.

    The names in `loopback` must resolve only to this machine.
    """

    def __init__(self, inner: AbstractResolver, loopback: frozenset[str]) -> None:
        self._inner = inner
        self._loopback = loopback

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        answers = await self._inner.resolve(host, port, family)
        fits = is_loopback if host in self._loopback else is_public_unicast
        if not all(fits(answer["host"]) for answer in answers):
            raise SourceUrlRefused(f"{host} resolves to an address that is not public")
        return answers

    async def close(self) -> None:
        await self._inner.close()


class _CleanConnector(aiohttp.TCPConnector):
    """Never reuses a connection on which bytes arrived after the body.

    Such bytes could be read as the answer to the next request, and the wrong recording would be stored under a name. aiohttp checks
    `should_close` when a connection returns to the pool, but not when it is taken out again.
    """

    async def _get(self, key, traces):  # type: ignore[no-untyped-def]
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None


def open_session(
    allowed: AllowedHosts, limits: ClientLimits, *, resolver: AbstractResolver | None = None, tls: ssl.SSLContext | None = None
) -> aiohttp.ClientSession:
    """Open a session in the running loop. `tls` replaces the system's trust store; verification cannot be switched off."""
    connector = _CleanConnector(
        resolver=CheckedResolver(resolver or ThreadedResolver(), allowed.loopback),
        limit=limits.connections,
        ssl=tls if tls is not None else True,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        raise_for_status=False,
        read_bufsize=_READ_BUFFER,
        # The code that reads the body sets the total time, because it depends on the size.
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=limits.connect, sock_read=limits.silence),
        skip_auto_headers=("User-Agent", "Accept"),
        headers={"User-Agent": "Rokuon", "Accept-Encoding": "identity"},
    )
