"""The certificate as one HTML file: the text of the page with a style of its own, readable and printable without Rokuon."""

from django.template.loader import render_to_string

from rokuon.base import i18n

from .certificate_sheet import Sheet

SIGNS = {"verified": "✓", "failed": "✗", "waiting": "!", "excluded": "–"}
"""A state has a sign, a word and a colour there too."""


def write(sheet: Sheet) -> bytes:
    """Return the file, in the language of `base.i18n`, in which the sheet is."""
    shown = {"sheet": sheet, "sign": SIGNS[sheet.severity], "language": i18n.language()}
    return render_to_string("console/certificate/file.html", shown).encode()
