"""Render a letter as subject, plain text and HTML, in its reader's language. Pure: the result depends on the arguments alone.

Names come from Dialpad and from people. Each is one short line without control characters, and is escaped in the HTML.
"""

from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation

from rokuon.base.i18n import _, speaking
from rokuon.runtime.mail import one_line

from .message import Letter
from .text import seals, sentences
from .text.sentences import Block

MOST_LINES = 20
"""Limit of lines in a mail, so that people read it. The console shows the others."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(letter: Letter, language: str, origin: str, written: datetime | None = None) -> Rendered:
    """Render the letter. `origin` (https://rokuon.example.com) goes before its paths. `written` is for a mail that is sent long after it
    was queued: the mail then states the time of its figures."""
    with speaking(language), translation.override(language):
        subject = sentences.subject(letter)
        about = {
            "language": language,
            "where": sentences.where(letter),
            "title": sentences.title(letter),
            "opening": sentences.opening(letter, written),
            "blocks": [_block(letter, number, origin) for number in range(min(len(letter.lines), MOST_LINES))],
            "more": sentences.more_lines(len(letter.lines) - MOST_LINES),
            "numbers_title": sentences.numbers_title(letter),
            "numbers": sentences.numbers(letter),
            "seals_title": seals.title(letter),
            "seals": seals.lines(letter),
            "seals_advice": seals.advice(letter),
            "link": f"{origin}{letter.path}" if letter.path.startswith("/") else "",
            "link_text": _("Open Rokuon"),
            "signature": sentences.signature(letter),
        }
        text = render_to_string("notify/mail.txt", about)
        # Template tags leave empty lines for missing parts.
        lines = text.split("\n")
        kept = [line.rstrip() for number, line in enumerate(lines) if line.strip() or (number and lines[number - 1].strip())]
        return Rendered(one_line(subject), "\n".join(kept).strip() + "\n", render_to_string("notify/mail.html", about))


def _block(letter: Letter, number: int, origin: str) -> Block:
    line = letter.lines[number]
    return sentences.block(letter, line, f"{origin}{line.path}" if line.path.startswith("/") else "")
