"""A fact of the system page: subject, state in a few words, and advice."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact. `state` is a state of the design layer, "" for a fact that is neither good nor bad; `words` is the text in it. `at` is when
    it was last seen or happened, `todo` the advice, `code` the reason code to quote."""

    what: str
    state: str
    words: str
    says: str = ""
    at: datetime | None = None
    todo: str = ""
    code: str = ""
