"""Calls that end while the simulator runs, and their events."""

import asyncio
from dataclasses import dataclass
from typing import Any

from . import wire
from .hooks import Delivery, deliver
from .model import Call, Kind
from .query import on_leg, was_recorded
from .running import Running


class NoSuchTarget(LookupError):
    """No contact center or user has that id."""


@dataclass
class EndedCall:
    """Ids of the legs (group leg first) and of the recordings, and the time at which they ended (epoch ms)."""

    call_ids: list[int]
    recording_ids: list[int]
    ended: int


async def end_call(
    sim: Running,
    company: int | None = None,
    center: int | None = None,
    user: int | None = None,
    talk_ms: int = 20_000,
    recordings: int = 1,
    kind: Kind = "callrecording",
    published: bool = True,
    leg: str = "group",
) -> EndedCall:
    """End a call now: of a contact center (default: the first) or of a user. Returns once it is listed; events follow in the background.

    recordings of the kind are added to the leg ("group" or "agent"). Unpublished ones are listed after control's publish. kind
    "voicemail" makes an unanswered call of the center. Raises NoSuchTarget.
    """
    company_id = sim.company.id if company is None else company
    if company_id not in sim.world.companies:
        raise NoSuchTarget(f"no company {company_id}")
    maker, people, now = sim.world.makers[company_id], sim.world.companies[company_id], sim.now()
    if user is not None:
        person = next((u for u in people.users if u.id == user), None)
        if person is None:
            raise NoSuchTarget(f"no user {user}")
        legs = maker.user_call(person, now, talk_ms, 0)
    else:
        place = next((c for c in people.centers if center in (None, c.id)), None)
        if place is None:
            raise NoSuchTarget(f"no contact center {center}")
        legs = maker.missed(place, now, 0) if kind == "voicemail" else maker.center_call(place, now, talk_ms, 0)
    late = max(it.ended for it in legs) - now
    for it in legs:
        it.started, it.ended = it.started - late, it.ended - late
        it.connected = None if it.connected is None else it.connected - late
        it.state = "voicemail" if kind == "voicemail" else "hangup"
    carrier = legs[-1] if leg == "agent" else legs[0]
    for part in range(recordings):
        length = talk_ms // recordings
        made = maker.add(carrier, kind, (carrier.connected or carrier.started) + part * length, length)
        made.published = published
    sim.world.enter(company_id, legs)
    task = asyncio.create_task(announce(sim, company_id, legs, ready=published))
    sim.tasks.add(task)
    task.add_done_callback(sim.tasks.discard)
    return EndedCall([it.id for it in legs], [r.id for r in carrier.recordings], max(it.ended for it in legs))


async def announce(sim: Running, company_id: int, legs: list[Call], ready: bool, hangup: bool = True) -> None:
    """Deliver the hangup of each leg and, after the switch's delay, the events of its recordings (if they are ready)."""
    if sim.switches.events_lost:
        return
    ended = [(it, "hangup") for it in legs] if hangup else []
    told = [(it, state) for it in legs for state in _recording_states(sim, it)] if ready else []
    first, second = (told, ended) if sim.switches.event_order == "reversed" else (ended, told)
    await _deliver_all(sim, company_id, first)
    await asyncio.sleep(sim.switches.recording_delay_ms / 1000 if told and hangup else 0)
    await _deliver_all(sim, company_id, second)


def _recording_states(sim: Running, call: Call) -> list[str]:
    """Return the states that announce the recordings of a leg; none for a leg without recordings."""
    by_kind = {"callrecording": "recording", "voicemail": "voicemail_uploaded", "admincallrecording": sim.switches.admin_recording_event}
    states = {by_kind[recording.kind] for recording in on_leg(call, sim.switches)}
    return sorted(states - {"none"})


async def _deliver_all(sim: Running, company_id: int, told: list[tuple[Call, str]]) -> None:
    session, jobs = sim.session, []
    if session is None:
        return
    for call, state in told:
        for subscription in list(sim.hooks[company_id].subscriptions.values()):
            if not subscription.wants(call, state):
                continue
            claims = _claims(sim, call, state, subscription.with_recordings)
            for _ in range(sim.switches.event_copies):
                delivery = Delivery(subscription.id, call.id, state)
                sim.deliveries.append(delivery)
                jobs.append(deliver(session, subscription, claims, sim.switches, delivery))
    await asyncio.gather(*jobs)


def _claims(sim: Running, call: Call, state: str, with_recordings: bool) -> dict[str, Any]:
    shown, details = [], "none"
    if with_recordings and state != "hangup":
        shown, details = on_leg(call, sim.switches), "all"
    elif with_recordings and sim.switches.hangup_carries == "admin_urls":
        shown, details = [r for r in on_leg(call, sim.switches) if r.kind == "admincallrecording"], "urls"
    at = call.ended + (1_000 if state == "hangup" else 2_000 + sim.switches.recording_delay_ms)
    claims = wire.event(call, sim.base_url, state, at, was_recorded(call, sim.switches), shown, details)
    if state == "hangup":
        claims["call_recording_ids"] = []
    return claims
