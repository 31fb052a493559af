"""Build the lines of a mail from notices; for recipients of a whole company, several notices of one cause become one line."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rokuon.notify import paths
from rokuon.notify.findings import WORST
from rokuon.notify.message import NoticeLine
from rokuon.notify.models import Notice


def of_notice(public_id: str, notice: Notice, *, count: int, new: int = 0) -> NoticeLine:
    """Return the line of `notice` and its facts, with `count` things now, `new` of them not mailed before. Things explained before the
    notice was opened are not part of it."""
    facts = notice.facts
    return NoticeLine(
        kind=notice.kind,
        cause=notice.cause or str(facts.get("reason", "")),
        name=str(facts.get("name", "")),
        count=count,
        new=new,
        most=notice.most,
        closed=max(0, int(facts.get("closed", 0)) - int(facts.get("closed_before", 0))),
        lost=max(0, int(facts.get("expired", 0)) - int(facts.get("expired_before", 0))),
        since=notice.since.isoformat(),
        first_call=str(facts.get("first_call", "")),
        last_call=str(facts.get("last_call", "")),
        targets=tuple((str(name), int(number)) for name, number in facts.get("targets", ())),
        more_targets=int(facts.get("more_targets", 0)),
        path=paths.of_notice(public_id, notice),
        others_listed=bool(facts.get("others_listed")),
    )


def ranked(lines: Iterable[NoticeLine]) -> tuple[NoticeLine, ...]:
    """Return the lines, largest count first."""
    return tuple(sorted(lines, key=lambda line: (-line.count, line.kind, line.cause, line.name)))


def merged(lines: Iterable[NoticeLine]) -> tuple[NoticeLine, ...]:
    """Merge the lines of all offices into one for each kind, cause and name."""
    groups = defaultdict(list)
    for line in lines:
        groups[line.kind, line.cause, line.name].append(line)
    return ranked(_one(same) for same in groups.values())


def _one(lines: Sequence[NoticeLine]) -> NoticeLine:
    first = lines[0]
    if len(lines) == 1:
        return first
    targets = sorted((pair for line in lines for pair in line.targets), key=lambda pair: (-pair[1], pair[0]))
    return NoticeLine(
        kind=first.kind,
        cause=first.cause,
        name=first.name,
        count=sum(line.count for line in lines),
        new=sum(line.new for line in lines),
        most=sum(line.most for line in lines),
        closed=sum(line.closed for line in lines),
        excluded=sum(line.excluded for line in lines),
        elsewhere=sum(line.elsewhere for line in lines),
        lost=sum(line.lost for line in lines),
        since=min(line.since for line in lines),
        first_call=min((line.first_call for line in lines if line.first_call), default=""),
        last_call=max((line.last_call for line in lines if line.last_call), default=""),
        targets=tuple(targets[:WORST]),
        more_targets=sum(line.more_targets for line in lines) + max(0, len(targets) - WORST),
        path=first.path,
        others_listed=first.others_listed,
    )
