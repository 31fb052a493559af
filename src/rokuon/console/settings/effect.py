"""Preview of a settings change before it is saved: how many targets, with how many future recordings, move to which bucket."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rokuon.console.web.counted_lists import recordings_of
from rokuon.console.web.guards import company_zone
from rokuon.domain import windows
from rokuon.domain.settings import EffectReason
from rokuon.ledger import forecast
from rokuon.ledger.sql import ms
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.services import Node
from rokuon.org.tree import redirected
from rokuon.wiring.recording_search import midnight

from .forms import label, value

MONTH = timedelta(days=30)
FAR_REACHING = {"enabled", "bucket", "restricted", "customized"}


@dataclass(frozen=True, slots=True)
class Flow:
    """Targets that move from one bucket to another; None is "not backed up", and then `why` is the reason. `list_url` lists the
    `recordings` of the last 30 days."""

    before: Bucket | None
    after: Bucket | None
    why: EffectReason
    targets: tuple[Target, ...]
    recordings: int
    list_url: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The current and the wanted value of a setting, in words."""

    label: str
    now: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a change. `token` identifies exactly this effect: a change is saved only with the token of the effect that the person
    saw. `any_rule` is whether anything within reach is backed up at all: without it there is no effect to show."""

    differences: tuple[Difference, ...]
    flows: tuple[Flow, ...]
    far_reaching: bool
    token: str
    any_rule: bool = True

    @property
    def recordings(self) -> int:
        return sum(flow.recordings for flow in self.flows)

    @property
    def begins(self) -> bool:
        """Whether none of the targets that it moves is backed up so far."""
        return bool(self.flows) and all(flow.before is None for flow in self.flows)

    @property
    def targets(self) -> int:
        return sum(len(flow.targets) for flow in self.flows)


def effect(company: Company, node: Node, wanted: Mapping[str, Any], targets: Iterable[Target], now: datetime) -> Effect:
    """Return the effect on those of the targets that are backed up, estimated from the last 30 days."""
    differing = {name: given for name, given in wanted.items() if getattr(node, name) != given}
    backed_up = [target for target in targets if target.backed_up and target.state != "deleted"]
    moved = redirected(company, node, differing, backed_up)
    first = windows.local_date(ms(now), zone := company_zone(company)) - MONTH
    expected = forecast.recordings_since(company.pk, [one.target.pk for one in moved], midnight(first, zone))
    known = {bucket.pk: bucket for bucket in company.buckets.defer("credential")}
    groups: dict[tuple[int | None, int | None, EffectReason], list[Target]] = defaultdict(list)
    for one in moved:
        groups[one.before.bucket, one.after.bucket, one.after.why].append(one.target)
    flows = [
        Flow(
            _one(known, before),
            _one(known, after),
            why,
            tuple(found),
            sum(expected.get(target.pk, 0) for target in found),
            recordings_of(company, found, since=first.isoformat(), zone="company"),
        )
        for (before, after, why), found in groups.items()
    ]
    flows.sort(key=lambda flow: (-flow.recordings, -len(flow.targets)))
    moves = sorted((before or 0, after or 0, target.pk) for (before, after, _why), found in groups.items() for target in found)
    seen = sorted((name, str(given)) for name, given in differing.items()), moves
    return Effect(
        tuple(Difference(label(node, name), value(name, getattr(node, name)), value(name, given)) for name, given in differing.items()),
        tuple(flows),
        bool(differing.keys() & FAR_REACHING),
        hashlib.sha256(repr(seen).encode()).hexdigest()[:32],
        bool(backed_up),
    )


def _one(known: dict[int, Bucket], bucket_id: int | None) -> Bucket | None:
    return known[bucket_id] if bucket_id is not None else None
