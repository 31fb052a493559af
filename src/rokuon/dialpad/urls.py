"""Decides which addresses may be opened, and whether with the key: docs/design/security.md, rules 1 to 6. Pure functions.

An address is first checked as text and then parsed by yarl, the parser that aiohttp uses; if the two find different hosts, it is refused.
Hosts must match exactly. Error details contain only a host that is a syntactically valid name, and nothing else of the address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, unquote, unquote_plus

from yarl import URL

from rokuon.base.addresses import is_loopback
from rokuon.domain.failures import N_, ConfigError, SourceKindDenied, SourceRedirectBlocked, SourceUrlRefused

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<tail>(?:[/?][!-\[\]-~]*)?)"
)
_DNS_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_MAX_ADDRESS = 8_000
_AROUND = "".join(map(chr, range(0x21)))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SENDABLE = "".join(map(chr, range(0x21, 0x7F)))
_LOGIN = {"login", "signin"}

# Ranges that `is_global` reports as global on some Python versions although they are not public.
_NOT_PUBLIC_6 = tuple(
    IPv6Network(net) for net in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "3fff::/20")
)
_NOT_PUBLIC_4 = ip_network("192.0.0.0/24")


@dataclass(frozen=True, slots=True)
class Hop:
    """An address that passed the checks. `keyed` says whether the key may be sent there."""

    url: URL
    host: str
    keyed: bool


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts to which requests may go: the base address, which is the only one that gets the key, and further hosts that the operator named.

    `origins` are "scheme://host:port"; `loopback` are the host names that may resolve to this machine.
    """

    base: str
    origins: frozenset[str]
    loopback: frozenset[str]

    @classmethod
    def of(cls, base_url: str, extra: Iterable[str] = ()) -> "AllowedHosts":
        """Read the settings. `extra` are host names, reached by https on port 443, or loopback addresses with a port. Raises
        ConfigError."""
        base = _origin_of_setting(base_url)
        others = {_origin_of_setting(one if "://" in one else f"https://{one}") for one in extra}
        origins = frozenset({base} | others)
        hosts = {_host_of(origin) for origin in origins}
        return cls(base, origins, frozenset(host for host in hosts if is_loopback(host)))


def is_public_unicast(address: str) -> bool:
    """Whether a resolved address is on the public internet (rule 4)."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public_unicast(str(parsed.ipv4_mapped))
        if parsed.is_site_local or any(parsed in net for net in _NOT_PUBLIC_6):
            return False
    elif parsed in _NOT_PUBLIC_4:
        return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_loopback or parsed.is_link_local)


def first_hop(url: str, recording_id: str, allowed: AllowedHosts) -> Hop:
    """Check the address of a recording from the listing. Raises SourceUrlRefused."""
    try:
        hop = _examine(_cleaned(url), allowed)
    except _Refused as refused:
        host = refused.host
    else:
        if _names(hop.url, recording_id):
            return hop
        host = hop.host
    raise SourceUrlRefused(host)


def next_hop(current: Hop, location: str, key: str, allowed: AllowedHosts) -> Hop:
    """Return the target of a redirect. Raises SourceRedirectBlocked, or SourceKindDenied if it leads to a login page of the source.

    One hop of Dialpad's own chain contains the key as `apikey=` (docs/design/dialpad.md section 3). It is removed for every host: the
    header authenticates the same key to the same host, and the key stays out of addresses, proxies and access logs.
    """
    try:
        text = str(current.url.join(URL(_cleaned(location), encoded=True)))
    except ValueError:
        text = ""
    if _is_login(text, allowed):
        raise SourceKindDenied(f"{current.host} asks for a login")
    host = ""
    try:
        hop = _examine(_without_key(text, key), allowed)
    except _Refused as refused:
        host = refused.host
    else:
        if not key or key not in unquote(str(hop.url)):
            return hop
        host = hop.host
    raise SourceRedirectBlocked(host)


def _cleaned(text: str) -> str:
    """Normalise an address as a browser does before it sends it (WHATWG URL): remove spaces and controls around it, tabs and the fragment,
    and percent-encode other characters that a request line may not contain. Valid characters stay byte for byte.

    The host is checked afterwards, in the result: an encoded letter there makes it unreadable. A line break or a backslash, which browsers
    also fix, stays and is refused: no legitimate server sends one.
    """
    text = text.strip(_AROUND).replace("\t", "").partition("#")[0]
    if _CONTROL.search(text):
        return text
    try:
        # Bytes that are not valid UTF-8 are lone surrogates in the text.
        return quote(text, safe=_SENDABLE, errors="surrogateescape")
    except UnicodeEncodeError:
        return text


class _Refused(ValueError):
    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


def _examine(text: str, allowed: AllowedHosts) -> Hop:
    match = _ADDRESS.fullmatch(text) if len(text) <= _MAX_ADDRESS else None
    if match is None:
        raise _Refused("unreadable address")
    scheme, host, tail = match["scheme"], match["host"].lower().removesuffix("."), match["tail"]
    port = int(match["port"] or (443 if scheme == "https" else 80))
    origin = f"{scheme}://{host}:{port}"
    if origin not in allowed.origins:
        # The error shows only the host, so that an admin can decide whether to allow it; the scheme or port may be the wrong part.
        raise _Refused(host)
    try:
        url = URL(f"{scheme}://{host}:{port}{tail}" if match["port"] else f"{scheme}://{host}{tail}", encoded=True)
    except ValueError:
        raise _Refused(host) from None
    if url.host != host.strip("[]") or url.port != port or url.user is not None or url.fragment:
        raise _Refused(host)
    return Hop(url, host.strip("[]"), origin == allowed.base)


def _names(url: URL, recording_id: str) -> bool:
    """Rule 3: whether the recording's id is in the path or query, and not as a part of a longer id."""
    # Not a regular expression: each recording has a different id, and compiling an expression costs as much as hashing its audio.
    text, at = url.raw_path_qs, -1
    while recording_id and (at := text.find(recording_id, at + 1)) >= 0:
        if not _is_alphanumeric(text[at - 1 : at]) and not _is_alphanumeric(text[at + len(recording_id) : at + len(recording_id) + 1]):
            return True
    return False


def _is_alphanumeric(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _is_login(text: str, allowed: AllowedHosts) -> bool:
    match = _ADDRESS.fullmatch(text.partition("#")[0])
    if match is None:
        return False
    host, base = match["host"].lower().removesuffix("."), _host_of(allowed.base)
    path = match["tail"].partition("?")[0].lower()
    ours = host in {_host_of(origin) for origin in allowed.origins} or host.endswith(f".{base}")
    return ours and not _LOGIN.isdisjoint(path.split("/"))


def _without_key(text: str, key: str) -> str:
    """Remove every query field that is named apikey or contains the key; the other fields stay byte for byte, in order."""
    head, mark, query = text.partition("?")
    if not mark:
        return text
    kept = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if unquote_plus(name).lower() == "apikey" or (key and key in unquote_plus(value)):
            continue
        kept.append(pair)
    return f"{head}?{'&'.join(kept)}" if kept else head


def _origin_of_setting(text: str) -> str:
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or match["tail"].strip("/"):
        raise ConfigError(N_("The Dialpad address must look like https://dialpad.com: a scheme and a host, nothing more."))
    scheme, host = match["scheme"], match["host"].lower().removesuffix(".")
    port = int(match["port"] or (443 if scheme == "https" else 80))
    if is_loopback(host) and port < 65536:
        return f"{scheme}://{host}:{port}"
    if scheme != "https":
        raise ConfigError(
            N_("The Dialpad address must start with https://; plain http:// is accepted for this machine only (127.0.0.1, localhost).")
        )
    if not _DNS_NAME.fullmatch(host) or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", host.rpartition(".")[2]) or port > 65535:
        raise ConfigError(N_("The Dialpad address must name a host such as dialpad.com, not a number."))
    return f"{scheme}://{host}:{port}"


def _host_of(origin: str) -> str:
    return origin.partition("://")[2].rpartition(":")[0]
