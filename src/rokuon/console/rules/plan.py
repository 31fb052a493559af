"""Turns a form's checkboxes into changes: only what differs from what the form showed, on top of other people's changes since then."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.datastructures import MultiValueDict

from rokuon.domain.row_ids import row_id
from rokuon.domain.settings import EffectReason
from rokuon.ledger import forecast
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.tree import target_effective

Shown = Mapping[int, bool]


def written(targets: Iterable[Target]) -> str:
    """Return what a form shows, as the value of one hidden field."""
    return " ".join(f"{target.pk}:{int(target.backed_up)}" for target in targets)


def read_shown(text: str) -> dict[int, bool]:
    """Read what `written` wrote. Words of any other form are left out."""
    found = {}
    for one in text.split():
        number, _colon, on = one.partition(":")
        target = row_id(number)
        if target is not None and on in ("0", "1"):
            found[target] = on == "1"
    return found


def ticked(data: MultiValueDict[str, str]) -> set[int]:
    """Return the ticked boxes, given as one value each or all in one hidden field."""
    words = [*data.getlist("on"), *data.get("ticked", "").split()]
    return {target for word in words if (target := row_id(word)) is not None}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Targets to enable whose recordings go to one bucket; None is "stored nowhere", and then `why` is the reason."""

    bucket: Bucket | None
    why: EffectReason
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class RulesPlan:
    """The changes that a form asks for. `already` were set as wanted by another person in the meantime; `changed_by_others` differ from
    what was shown and stay unchanged."""

    enable: tuple[Target, ...]
    disable: tuple[Target, ...]
    arrivals: tuple[Arrival, ...]
    waiting: int
    already: tuple[Target, ...]
    changed_by_others: tuple[Target, ...]
    token: str


def plan(company: Company, targets: Iterable[Target], shown: Shown, wanted: set[int]) -> RulesPlan:
    """Return the plan. `targets` are those that the person may change, in their current state; other ids are ignored."""
    enable: list[Target] = []
    disable: list[Target] = []
    already, others = [], []
    for target in targets:
        if target.pk not in shown:
            continue
        on, was = target.pk in wanted, shown[target.pk]
        if on == was:
            if target.backed_up != was:
                others.append(target)
        elif target.backed_up == on:
            already.append(target)
        else:
            (enable if on else disable).append(target)
    known = {bucket.pk: bucket for bucket in company.buckets.defer("credential")}
    groups: dict[tuple[int | None, EffectReason], list[Target]] = defaultdict(list)
    for target in enable:
        effective = target_effective(company, target)
        groups[effective.bucket, EffectReason.COMPANY if effective.bucket is not None else effective.why].append(target)
    arrivals = [Arrival(known[bucket] if bucket is not None else None, why, tuple(found)) for (bucket, why), found in groups.items()]
    ways = sorted((bucket or 0, [target.pk for target in found]) for (bucket, _why), found in groups.items())
    token = repr((ways, [target.pk for target in disable]))
    return RulesPlan(
        tuple(enable),
        tuple(disable),
        tuple(sorted(arrivals, key=lambda arrival: -len(arrival.targets))),
        sum(forecast.waiting([target.pk for target in disable]).values()),
        tuple(already),
        tuple(others),
        hashlib.sha256(token.encode()).hexdigest()[:32],
    )
