"""A fact of the system page: what, how it stands in one word, and what to do."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """`state` is one of the design layer, "" for a fact that is neither good nor bad; `words` stand in it. `at` is when it was seen or
    happened last, `todo` what to do, `code` to be quoted."""

    what: str
    state: str
    words: str
    says: str = ""
    at: datetime | None = None
    todo: str = ""
    code: str = ""
