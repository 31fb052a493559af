"""Resolve client address, host and scheme from the X-Forwarded-* headers of trusted proxies.

After `settle`, REMOTE_ADDR, HTTP_HOST and the scheme in a request's META are as correct as they can be. The forwarding headers are removed,
so that no later code trusts them by mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

from rokuon.base.addresses import Network

CLAIMS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_REAL_IP",
    "HTTP_CLIENT_IP",
    "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP",
)


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The origin of a request. `proxied`: it came through a trusted proxy. `claimed`: it has a forwarding header but no trusted proxy sent
    it.

    `scheme` is empty if the trusted proxy did not send it.
    """

    client: str
    scheme: str
    proxied: bool
    claimed: bool


def settle(request: HttpRequest, trusted: Sequence[Network]) -> RequestOrigin:
    meta = request.META
    peer = _address(str(meta.get("REMOTE_ADDR", "")))
    proxied = _is_one_of(peer, trusted)
    claimed = not proxied and "HTTP_X_FORWARDED_PROTO" in meta
    scheme = str(meta.get("wsgi.url_scheme", "http"))
    client = peer
    if proxied:
        client = _client(peer, str(meta.get("HTTP_X_FORWARDED_FOR", "")), trusted)
        scheme = _last(meta.get("HTTP_X_FORWARDED_PROTO")).lower()
        scheme = scheme if scheme in ("http", "https") else ""
        host = _last(meta.get("HTTP_X_FORWARDED_HOST"))
        if host:
            meta["HTTP_HOST"] = host
    for name in CLAIMS:
        meta.pop(name, None)
    meta["REMOTE_ADDR"] = str(client) if client else ""
    meta["wsgi.url_scheme"] = scheme or "http"
    return RequestOrigin(meta["REMOTE_ADDR"], scheme, proxied, claimed)


def _client(peer: IPv4Address | IPv6Address | None, chain: str, trusted: Sequence[Network]) -> IPv4Address | IPv6Address | None:
    """Return the client's address. Each proxy appends the address of its peer, so it is the first from the right that is no trusted
    proxy."""
    nearest = peer
    for part in reversed(chain.split(",")):
        address = _address(part)
        if address is None:
            break
        nearest = address
        if not _is_one_of(address, trusted):
            break
    return nearest


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, with or without a port. An IPv4 address that is mapped into IPv6 is returned as IPv4."""
    plain = text.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_one_of(address: IPv4Address | IPv6Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def _last(value: object) -> str:
    """Return the last value of a header, which the nearest proxy added."""
    return str(value or "").rpartition(",")[2].strip()
