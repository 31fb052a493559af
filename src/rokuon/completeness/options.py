"""Fingerprint of the options with which a company's days are listed now."""

from rokuon.dialpad.schema import PARSER_VERSION
from rokuon.domain import windows
from rokuon.org.models import Company


def fingerprint(company: Company) -> str:
    """Return the company's fingerprint. Coverage with another fingerprint does not count."""
    options = ["voicemail"] if company.voicemail else []
    return windows.fingerprint(options, [], PARSER_VERSION)
