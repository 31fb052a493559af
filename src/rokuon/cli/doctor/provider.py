"""Check of the identity provider: whether it answers, and matches the configuration."""

from collections.abc import Iterator

from requests import RequestException

from rokuon.accounts import oidc
from rokuon.base.i18n import _
from rokuon.cli.support.session import CliSession
from rokuon.domain import strict_certificates
from rokuon.domain.failures import ConfigError

from .check import Check, Level


def provider_checks(session: CliSession) -> Iterator[Check]:
    if session.config.oidc_issuer:
        yield _answer(session.config.oidc_issuer)


def _answer(issuer: str) -> Check:
    what = _("Identity provider")
    try:
        oidc.ask()
    except RequestException as error:
        lacks = strict_certificates.lacks(error)
        return Check(
            what,
            Level.PROBLEM if lacks else Level.WARNING,
            _("%(at)s cannot be used: %(reason)s") % {"at": issuer, "reason": lacks or _reason(error)},
            _(strict_certificates.ADVICE)
            if lacks
            else _("Check ROKUON_OIDC_ISSUER, this machine's network, and that it trusts the provider's certificate authority."),
        )
    except ConfigError as error:
        return Check(
            what,
            Level.PROBLEM,
            _("%(at)s is not what was configured: %(reason)s") % {"at": issuer, "reason": error},
            _("Set ROKUON_OIDC_ISSUER to the issuer exactly as the provider's discovery document names it."),
        )
    return Check(what, Level.OK, issuer)


def _reason(error: RequestException) -> str:
    """Return a short reason that contains nothing that was sent."""
    return type(error).__name__ if error.response is None else str(error.response.status_code)
