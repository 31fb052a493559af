"""Checks of the way to the console: its address, its proxies, TLS."""

import http.client
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rokuon.base.addresses import Network, PublicUrl
from rokuon.base.i18n import _
from rokuon.cli.support.session import CliSession
from rokuon.config import Config
from rokuon.domain import strict_certificates

from .check import Check, Level

ANSWER_S = 5.0
EXPIRES_SOON_S = 14 * 86400
WIDEST = 1 << 16
"""Addresses in a network so small that an operator can still know who uses it."""


def web_checks(session: CliSession) -> Iterator[Check]:
    config = session.config
    yield _address(config)
    yield from _proxies(config)
    yield from _answer(config.public)


def _address(config: Config) -> Check:
    what, public = _("Console"), config.public
    if public.secure:
        return Check(what, Level.OK, public.origin)
    if config.listens.loopback:
        return Check(what, Level.OK, _("%(url)s, for this machine alone") % {"url": public.origin})
    return Check(
        what,
        Level.WARNING,
        _("listens for other machines at %(at)s, unencrypted, and answers only to the names of this one") % {"at": config.listens},
        _("Put a proxy with TLS before it and set ROKUON_PUBLIC_URL to its https address; see the operations guide."),
    )


def _proxies(config: Config) -> Iterator[Check]:
    what = _("Proxies of the console")
    wide = [str(network) for network in config.trusted_proxies if _is_wide(network)]
    if wide:
        yield Check(
            what,
            Level.PROBLEM,
            _("%(networks)s is too wide: anyone in it can pretend to come from anywhere") % {"networks": _(", ").join(wide)},
            _("Name the proxies alone in ROKUON_TRUSTED_PROXIES."),
        )
    elif config.public.secure and not config.trusted_proxies:
        yield Check(
            what,
            Level.PROBLEM,
            _("none is known, so the console cannot tell that it is reached by https, and no page opens"),
            _("Set ROKUON_TRUSTED_PROXIES to the address from which the proxy connects, such as 127.0.0.1."),
        )
    elif config.trusted_proxies:
        yield Check(what, Level.OK, _(", ").join(str(network) for network in config.trusted_proxies))


def _is_wide(network: Network) -> bool:
    return network.num_addresses > WIDEST and not (network.is_private and network.prefixlen)


def _answer(public: PublicUrl) -> Iterator[Check]:
    """Check from this machine whether the console answers at its public address."""
    what = _("Answer of the console")
    try:
        health = ask(public, "GET", "/healthz")
        page = ask(public, "GET", "/robots.txt") if health.status == 200 else health
    except ssl.SSLError as error:
        yield Check(
            what,
            Level.PROBLEM,
            _("the certificate of %(url)s is refused: %(reason)s") % {"url": public.origin, "reason": short_reason(error)},
            _(strict_certificates.ADVICE)
            if strict_certificates.lacks(error)
            else _("Renew the certificate of the proxy, with its whole chain."),
        )
        return
    except (OSError, http.client.HTTPException) as error:
        yield Check(
            what,
            Level.WARNING,
            _("nothing answers at %(url)s: %(reason)s") % {"url": public.origin, "reason": short_reason(error)},
            _("Start it with `rokuon up` or `rokuon serve`, or look at the proxy."),
        )
        return
    if (health.status, health.body) != (200, "ok\n"):
        yield Check(
            what,
            Level.PROBLEM,
            _("something else answers at %(url)s") % {"url": public.origin},
            _("Look at the proxy, or at ROKUON_LISTEN."),
        )
    elif page.status != 200:
        yield Check(
            what,
            Level.PROBLEM,
            _("the proxy at %(url)s does not hand on host and scheme (status %(status)d)") % {"url": public.origin, "status": page.status},
            _("Let it send Host, X-Forwarded-For and X-Forwarded-Proto, and name it in ROKUON_TRUSTED_PROXIES; see the operations guide."),
        )
    elif health.expires_in is not None and health.expires_in < EXPIRES_SOON_S:
        yield Check(
            what,
            Level.WARNING,
            _("the certificate of %(url)s ends in %(days)d days") % {"url": public.origin, "days": health.expires_in // 86400},
            _("Renew the certificate of the proxy, with its whole chain."),
        )
    else:
        yield Check(what, Level.OK, public.origin)


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """`body` is the beginning of the answer; the certificate expires in `expires_in` seconds, None without one."""

    status: int
    body: str
    expires_in: float | None


def ask(public: PublicUrl, method: str, path: str, body: bytes | None = None) -> WebAnswer:
    """Send a request. Raises OSError (SSLError is one) or HTTPException if nothing answers within seconds."""
    host = public.host.strip("[]")
    if public.secure:
        secure = http.client.HTTPSConnection(host, public.port, timeout=ANSWER_S, context=ssl.create_default_context())
        connection: http.client.HTTPConnection = secure
    else:
        connection = http.client.HTTPConnection(host, public.port, timeout=ANSWER_S)
    try:
        connection.connect()
        expires_in = None
        if isinstance(connection.sock, ssl.SSLSocket):
            ends = str((connection.sock.getpeercert() or {}).get("notAfter", ""))
            expires_in = ssl.cert_time_to_seconds(ends) - time.time() if ends else None
        connection.request(method, path, body)
        response = connection.getresponse()
        return WebAnswer(response.status, response.read(64).decode(errors="replace"), expires_in)
    finally:
        connection.close()


def short_reason(error: Exception) -> str:
    """Return a short reason that contains nothing that was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or type(error).__name__
