"""Texts of a key check: each read with its result, and one sentence on what to do if the key is not sufficient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rokuon.base.i18n import _
from rokuon.base.measures import duration
from rokuon.domain.failures import (
    N_,
    ConfigError,
    RokuonError,
    SourceAnswerMalformed,
    SourceError,
    SourceKeyRefused,
    SourceNotFound,
    SourceRequestRefused,
    SourceScopeMissing,
    SourceThrottled,
    SourceUnavailable,
    SourceUrlRefused,
    by_reason,
)
from rokuon.domain.retry import THROTTLED_S
from rokuon.org.services import CompanyKnown
from rokuon.wiring.connections import KeyMissing
from rokuon.wiring.key_check import EXPORT_SCOPE, LIST_SCOPE, KeyOfAnother, KeyReport, Read

WHERE_KEYS_ARE = N_("Admin Settings › My Company › Authentication › API Keys")
"""Dialpad's own words for the page on which a company admin creates a key."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a report. `state` is "verified", "failed" or "waiting"."""

    what: str
    state: str
    says: str


def names() -> Mapping[str, str]:
    return {
        Read.COMPANY: _("Company"),
        Read.OFFICES: _("Offices"),
        Read.CENTERS: _("Contact centers"),
        Read.TEAMS: _("Coaching teams"),
        Read.PEOPLE: _("People"),
        Read.CALLS: _("Call list"),
    }


def lines(kept: Mapping[str, Any]) -> list[ReportLine]:
    """Return the lines of a report stored with the company (`KeyReport.kept`); empty if no read was answered."""
    looks = kept.get("looks", [])
    if all(look["reason"] for look in looks):
        return []
    said = [ReportLine(names().get(look["read"], look["read"]), *_answer(look)) for look in looks]
    if looks and not any(look["reason"] for look in looks):
        said.append(ReportLine(_("Names of recordings"), *_exports(kept.get("exports"))))
        opens = kept.get("opens")
        if opens is not None:
            said.append(ReportLine(_("A recording"), *_opened(opens)))
    return said


def _answer(look: Mapping[str, Any]) -> tuple[str, str]:
    if look["reason"]:
        return "failed", _lacking(look["read"]) if look["reason"] == SourceScopeMissing.reason else _short(look["reason"])
    if look["read"] == Read.COMPANY:
        return "verified", _("visible: it is the key of a company admin")
    if look["read"] == Read.CALLS:
        return "verified", _("answers (scope %(scope)s)") % {"scope": LIST_SCOPE}
    return "verified", f"{look['count']:,}"


def _exports(exports: bool | None) -> tuple[str, str]:
    if exports is None:
        return "waiting", _("no recorded call in the last 28 days: whether the key has the scope %(scope)s shows with the first one") % {
            "scope": EXPORT_SCOPE
        }
    if exports:
        return "verified", _("visible")
    return "failed", _("missing: the key lacks the scope %(scope)s") % {"scope": EXPORT_SCOPE}


def _opened(reason: str) -> tuple[str, str]:
    if reason:
        return "failed", _("Dialpad refuses to hand it out [%(reason)s]: the key may lack the scope %(scope)s") % {
            "reason": reason,
            "scope": EXPORT_SCOPE,
        }
    return "verified", _("was provided when requested")


def _lacking(read: str) -> str:
    if read == Read.CALLS:
        return _("refused: the key lacks the scope %(scope)s") % {"scope": LIST_SCOPE}
    return _("refused: the key is not that of a company admin")


def _short(reason: str) -> str:
    """Return a refusal in a few words; a separate sentence states what to do."""
    words = {
        SourceKeyRefused.reason: _("refused: Dialpad does not know the key"),
        SourceUnavailable.reason: _("no answer"),
        SourceThrottled.reason: _("too many requests"),
        SourceNotFound.reason: _("not found"),
    }
    return words.get(reason, reason)


def refusal(report: KeyReport, host: str) -> str:
    """Return what is wrong and what to do, "" if the report has no failure. `host` is the host that was queried."""
    failure = report.failure
    if failure is None:
        return ""
    alone = all(look.failure is not None for look in report.looks)
    if alone and isinstance(failure, SourceNotFound | SourceRequestRefused | SourceAnswerMalformed):
        return _("%(host)s answers, but not as Dialpad does. Check the address.") % {"host": host}
    sentences: Mapping[type[SourceError], Callable[[], str]] = {
        SourceKeyRefused: lambda: (
            _("Dialpad refused the key (401). Paste it again, the whole key; or make a new one in Dialpad: %(place)s.")
            % {"place": _(WHERE_KEYS_ARE)}
        ),
        SourceScopeMissing: lambda: _scopes(report),
        SourceUnavailable: lambda: (
            _("%(host)s does not answer. Check the address, and whether this machine may reach it.") % {"host": host}
        ),
        SourceThrottled: lambda: (
            _("Dialpad asked for a pause of %(time)s. Try again after that.") % {"time": duration(failure.retry_after or THROTTLED_S)}
        ),
        SourceUrlRefused: lambda: _("%(host)s leads to an address that is not on the internet. Check the address.") % {"host": host},
    }
    words = sentences.get(type(failure))
    return words() if words is not None else _(failure.advice)


def _scopes(report: KeyReport) -> str:
    lacking = [look.read for look in report.looks if isinstance(look.failure, SourceScopeMissing)]
    if lacking == [Read.CALLS]:
        return _("The key lacks the scope %(scope)s. Add it to the key in Dialpad (%(place)s), or make a new key with it.") % {
            "scope": LIST_SCOPE,
            "place": _(WHERE_KEYS_ARE),
        }
    return _("Dialpad does not show this key everything (403). Make the key as a company admin, with the scopes %(scopes)s: %(place)s.") % {
        "scopes": f"{LIST_SCOPE}, {EXPORT_SCOPE}",
        "place": _(WHERE_KEYS_ARE),
    }


def trouble(error: RokuonError) -> str:
    """Return a sentence for a failure outside a report, without another company's name and without a command."""
    if isinstance(error, CompanyKnown):
        return _("The company of this key is registered in this installation already. Ask one of its company admins to invite you.")
    if isinstance(error, KeyOfAnother):
        return _("This key belongs to another company. Nothing was changed. Enter a key of the company that is shown here.")
    if isinstance(error, KeyMissing):
        return _("The company has no API key yet. Enter one first.")
    if isinstance(error, ConfigError):
        return _(error.detail)
    return _(by_reason(error.reason).advice)
