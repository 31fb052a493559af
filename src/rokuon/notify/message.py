"""The content of a mail before it is text: facts only, stored as JSON in the outbox. Times are ISO 8601 in UTC; `zone` is for display.

Nothing here may be secret, an address of audio, or about a caller: mails stay on other people's servers for years.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from rokuon.completeness.lacks import Lacks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice in a mail. `kind` and `cause` as in `models.Notice`; `name` is the bucket or target that it is about, "" for others.

    `count` things now, `new` of them since the last mail, `most` at worst. No longer counted, and not in the bucket: `closed` were
    explained by a person, `excluded` by a rule or a choice, `elsewhere` are reported for another cause, `lost` can no longer be fetched.
    Calls started in [first_call, last_call]. `targets` are the most affected with their counts, `more_targets` is the number of others.
    `path` leads to the page where it can be fixed ("" for none). `others_listed`, for calls without a recording: whether recordings of
    other calls are listed.
    """

    kind: str
    cause: str = ""
    name: str = ""
    count: int = 0
    new: int = 0
    most: int = 0
    closed: int = 0
    excluded: int = 0
    elsewhere: int = 0
    lost: int = 0
    since: str = ""
    first_call: str = ""
    last_call: str = ""
    targets: tuple[tuple[str, int], ...] = ()
    more_targets: int = 0
    path: str = ""
    others_listed: bool = False

    @property
    def arrived(self) -> bool:
        """Whether everything of it is in the bucket, for an ended notice about recordings."""
        return not (self.closed or self.excluded or self.elsewhere or self.lost)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The state of a company or office in numbers: its copies by state, what arrived in the period, what needs attention.

    `expiring` copies leave the source's access window within seven days, `expired` have left it; both 0 if no window is set. `lacks` is
    what is not known. `events_lost` of `calls` were found without an event; None if no events are received. `causes`, `unnamed`, `held`,
    `closed_failed` and `closed_gone` as in `completeness.headline.HeadlineFacts`.
    """

    verified: int = 0
    pending: int = 0
    failed: int = 0
    gone: int = 0
    excluded: int = 0
    arrived: int = 0
    bytes: int = 0
    expiring: int = 0
    expired: int = 0
    calls: int = 0
    events_lost: int | None = None
    lacks: Lacks = field(default_factory=Lacks)
    causes: int = 0
    unnamed: int = 0
    held: bool = False
    closed_failed: int = 0
    closed_gone: int = 0


@dataclass(frozen=True, slots=True)
class MailedSeal:
    """The newest seal of a bucket, by the bucket's address: each mailbox that has it shows whether the bucket was rolled back. `number` is
    0 and the rest "" before the first one."""

    bucket: str
    number: int = 0
    sha256: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is text. `office` is "" for the whole company, `company` "" for the installation.

    `numbers` is set for the first Back up now and for the week; [first_day, last_day] is the period, ISO dates in `zone`. `fallback` is
    true if the reader gets the mail because nobody of the office can be reached. `seals` are in the weekly mail.
    """

    occasion: str
    company: str = ""
    office: str = ""
    zone: str = ""
    lines: tuple[NoticeLine, ...] = ()
    numbers: Numbers | None = None
    first_day: str = ""
    last_day: str = ""
    path: str = ""
    fallback: bool = False
    seals: tuple[MailedSeal, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(stored: Mapping[str, Any]) -> Letter:
    """Return the letter from the output of `as_json`, also of an older version: fields that it lacks have their defaults."""
    lines = tuple(_line(one) for one in stored.get("lines", ()))
    numbers = stored.get("numbers")
    known = {name: stored[name] for name in Letter.__dataclass_fields__ if name in stored and name not in ("lines", "numbers", "seals")}
    seals = tuple(_only(MailedSeal, one) for one in stored.get("seals", ()))
    return Letter(**known, lines=lines, numbers=_numbers(numbers) if numbers else None, seals=seals)


def _numbers(stored: Mapping[str, Any]) -> Numbers:
    return _only(Numbers, {**stored, "lacks": _only(Lacks, stored.get("lacks", {}))})


def _line(stored: Mapping[str, Any]) -> NoticeLine:
    targets = tuple((str(name), int(count)) for name, count in stored.get("targets", ()))
    return _only(NoticeLine, {**stored, "targets": targets})


def _only(kind: type[T], stored: Mapping[str, Any]) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in stored.items() if name in known})
