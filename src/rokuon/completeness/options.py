"""How a company's days are listed now."""

from rokuon.dialpad.schema import PARSER_VERSION
from rokuon.domain import windows
from rokuon.org.models import Company


def fingerprint(company: Company) -> str:
    """Coverage that was made under another fingerprint counts for nothing."""
    options = ["voicemail"] if company.voicemail else []
    return windows.fingerprint(options, [], PARSER_VERSION)
