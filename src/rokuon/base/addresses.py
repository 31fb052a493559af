"""Parse addresses in the configuration: public URL, listen address, proxies, mail server and sender.

Each function returns the parts, or raises ValueError with half a sentence that says what would be right.
"""

from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from rokuon.base.i18n import _
from rokuon.base.secrets import Secret

Network = IPv4Network | IPv6Network
Tls = Literal["starttls", "tls", "none"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
MAIL_PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """The public URL in parts. `host` is in the form of a Host header, without the port."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def origin(self) -> str:
        return self.origin_of(self.host)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The accepted values of a Host header. A console on this machine alone accepts all of the machine's names for itself."""
        return tuple(dict.fromkeys((self.host, *LOOPBACK_NAMES))) if self.loopback else (self.host,)

    def origin_of(self, host: str) -> str:
        usual = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if self.port == usual else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Listen:
    """A listen address. `host` is an address or a name, an IPv6 address without its brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    host: str
    port: int
    user: str
    password: Secret
    tls: Tls


def public_url(text: str) -> PublicUrl:
    hint = _("it must look like https://rokuon.example.com; plain http only for this machine, such as http://localhost:8377")
    parts = _split(text, hint)
    scheme, host = parts.scheme, (parts.hostname or "").lower()
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc or not host.isascii():
        raise ValueError(hint)
    if scheme != "https" and not (scheme == "http" and is_loopback(host)):
        raise ValueError(hint)
    shown = f"[{host}]" if ":" in host else host
    return PublicUrl(cast('Literal["http", "https"]', scheme), shown, parts.port or (443 if scheme == "https" else 80))


def issuer(text: str) -> str:
    """Return the text itself, which must equal the provider's own issuer exactly."""
    hint = _("it must look like https://accounts.example.com; plain http only for this machine")
    parts = _split(text, hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(hint)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(hint)
    return text


def listen(text: str) -> Listen:
    hint = _("it must look like 127.0.0.1:8377")
    parts = _split(f"//{text}", hint)
    if not parts.hostname or not parts.port or parts.path or parts.query or "@" in parts.netloc:
        raise ValueError(hint)
    return Listen(parts.hostname, parts.port)


def networks(text: str) -> tuple[Network, ...]:
    """Parse addresses and networks, separated by commas."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(_("it must hold addresses or networks, such as 10.0.0.5 or 10.0.0.0/24, separated by commas")) from None


def smtp_server(text: str) -> SmtpServer:
    """Parse smtp://user:password@host:port?tls=starttls. The hint never repeats the text, which may hold a password."""
    hint = _("it must look like smtp://user:password@host:587?tls=starttls; tls is starttls, tls or none")
    parts = _split(text, hint)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls = options.pop("tls", "starttls")
    if (
        parts.scheme != "smtp"
        or not parts.hostname
        or not _is_host(parts.hostname)
        or parts.path not in ("", "/")
        or parts.fragment
        or options
        or tls not in MAIL_PORTS
    ):
        raise ValueError(hint)
    mode, user, password = tls, unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    if not (user + password.reveal()).isascii():
        raise ValueError(_("the user and the password can only hold ASCII characters"))
    if mode == "none" and password and not is_loopback(parts.hostname):
        raise ValueError(_("a password does not travel unencrypted to another machine; use tls=starttls or tls=tls"))
    return SmtpServer(parts.hostname, parts.port or MAIL_PORTS[mode], user, password, mode)


def mail_address(text: str) -> str:
    """Return the text itself if it is one address, with or without a name before it."""
    _name, address = parseaddr(text)
    if not text.isprintable() or address.count("@") != 1 or address.startswith("@") or address.endswith("@") or " " in address:
        raise ValueError(_("it must be a mail address, such as Rokuon <rokuon@example.com>"))
    return text


def is_loopback(host: str) -> bool:
    """Whether the host is in 127.0.0.0/8, ::1 or "localhost", in plain notation."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_host(name: str) -> bool:
    """Whether the name can be looked up: its parts are neither empty nor longer than 63 characters."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _split(text: str, hint: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        if (parts.port is not None and parts.port < 1) or not text.isprintable() or " " in text:
            raise ValueError(hint)
    except ValueError:
        raise ValueError(hint) from None
    return parts
