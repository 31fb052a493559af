"""The certificate as a PDF: the text of the sheet, nothing else, with the font embedded, so that it looks the same in ten years.

Importing this loads the PDF library: import it where a file is made.
"""

import io
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from rokuon.base import i18n
from rokuon.base.i18n import _

from .certificate_sheet import Section, Sheet, Table

FONT = "NotoSansJP"
FILE = Path(__file__).parent / "fonts" / "NotoSansJP-Regular-subset.ttf"
MISSING = "〓"
"""Shown for a character that the font does not have."""
MARGIN = 16 * mm
COLOURS = {"verified": "#1f6a3c", "failed": "#a81f16", "waiting": "#7a5200", "excluded": "#444444"}
SIGNS = {"verified": "○", "failed": "×", "waiting": "!", "excluded": "–"}
NUMBERS_MM, NARROW_MM = 20, 17.5


def write(sheet: Sheet) -> bytes:
    """Return the file, in the language of `base.i18n`, in which the sheet is. The same sheet gives the same bytes."""
    pages = _build(sheet, 0)[1]
    return _build(sheet, pages)[0]


def _build(sheet: Sheet, pages: int) -> tuple[bytes, int]:
    out = io.BytesIO()
    _register()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"{sheet.title} · {sheet.about}",
        author="Rokuon",
        lang=i18n.language(),
        invariant=1,
    )
    document.build(_story(sheet), onFirstPage=partial(_foot, sheet, pages), onLaterPages=partial(_foot, sheet, pages))
    return out.getvalue(), document.page


def _foot(sheet: Sheet, pages: int, canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 7)
    canvas.drawString(MARGIN, 9 * mm, _shown(f"Rokuon · {sheet.about}")[:110])
    canvas.drawRightString(A4[0] - MARGIN, 9 * mm, _("Page %(page)d of %(pages)d") % {"page": document.page, "pages": pages})
    canvas.restoreState()


def _story(sheet: Sheet) -> list[Any]:
    story = [
        _text(f"{sheet.title} · {sheet.about}", size=9),
        _text(f"{SIGNS[sheet.severity]} {sheet.verdict}", size=15, colour=COLOURS[sheet.severity]),
        *(_text(f"! {doubt}", colour=COLOURS["waiting"]) for doubt in sheet.doubts),
        *(_text(sentence, size=10) for sentence in sheet.sentences),
    ]
    for section in sheet.sections:
        story += _section(section)
    if any(_shown(text) != text for text in _texts(sheet)):
        story.append(_text(_("Characters that the font of this file lacks are shown as %(sign)s.") % {"sign": MISSING}, size=7))
    return story


def _section(section: Section) -> list[Any]:
    facts = [[_text(name, colour="#444444"), _text(value)] for name, value in section.facts]
    return [
        Spacer(1, 3 * mm),
        _text(section.heading, size=11.5, keep=True),
        *([LongTable(facts, colWidths=[45 * mm, _width() - 45 * mm], style=_PLAIN, hAlign="LEFT")] if facts else []),
        *(_text(paragraph) for paragraph in section.paragraphs),
        *([_text(section.command)] if section.command else []),
        *(flowable for table in section.tables for flowable in (Spacer(1, 2 * mm), _table(table))),
    ]


def _table(table: Table) -> LongTable:
    texts = len(table.headings) - len(table.right)
    numbers = (NUMBERS_MM if texts == 1 else NARROW_MM) * mm
    rest = (_width() - numbers * len(table.right)) / texts
    widths = [numbers if place in table.right else rest for place in range(len(table.headings))]
    rows = [[_text(heading, size=7, colour="#444444", right=place in table.right) for place, heading in enumerate(table.headings)]]
    for number, row in enumerate(table.rows):
        deep = number in table.deep
        rows.append([_text(cell, size=8, right=place in table.right, deep=deep and not place) for place, cell in enumerate(row)])
    return LongTable(rows, colWidths=widths, repeatRows=1, style=_RULED, hAlign="LEFT")


_PLAIN = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)])
_RULED = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.grey),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]
)


def _text(text: str, *, size: float = 9, colour: str = "#000000", right: bool = False, deep: bool = False, keep: bool = False) -> Paragraph:
    """Return a paragraph. Japanese breaks between any two characters but those that the rules forbid."""
    style = ParagraphStyle(
        "text",
        fontName=FONT,
        fontSize=size,
        leading=size * 1.5,
        textColor=colors.HexColor(colour),
        alignment=TA_RIGHT if right else TA_LEFT,
        leftIndent=5 * mm if deep else 0,
        wordWrap="CJK" if i18n.language() == "ja" else None,
        spaceAfter=size * 0.4,
        splitLongWords=1,
        keepWithNext=keep,
    )
    return Paragraph(escape(_shown(text)), style)


def _shown(text: str) -> str:
    glyphs = _register().face.charToGlyph
    return "".join(letter if ord(letter) in glyphs else MISSING for letter in text)


def _texts(sheet: Sheet) -> Sequence[str]:
    found = [sheet.about, *sheet.doubts, *sheet.sentences]
    for section in sheet.sections:
        found += [*section.paragraphs, *(value for _name, value in section.facts)]
        found += [cell for table in section.tables for row in table.rows for cell in row]
    return found


def _width() -> float:
    width: float = A4[0] - 2 * MARGIN
    return width


@cache
def _register() -> TTFont:
    font = TTFont(FONT, str(FILE))
    pdfmetrics.registerFont(font)
    return font
