"""/_simulator/...: control API for a checker or a test in another process. No key, no limit, JSON in and out.

GET    /_simulator                      base URL, companies with their keys, clock
GET    /_simulator/meter                counts per company (meter.py); DELETE resets them
GET    /_simulator/log                  the last 20,000 requests, queries verbatim
GET    /_simulator/truth[?company=&sha256=0]   every recording with bytes, SHA-256, targets, agent, legs
GET    /_simulator/faults               rules with their hits; PUT replaces the list, POST adds one, DELETE clears
GET    /_simulator/switches             all switches; POST {"name": value, ...} sets some
GET    /_simulator/deliveries           webhook deliveries with every attempt
POST   /_simulator/keys                 {"company", "secret", "scopes", "admin"} adds a key
POST   /_simulator/keys/revoke|restore  {"secret"}
POST   /_simulator/end_call             the arguments of events.end_call
POST   /_simulator/advance              {"ms"}
POST   /_simulator/rename               {"id", "name"}: an office, contact center, team, or user (whole name as first name)
POST   /_simulator/recordings/<id>/delete|publish|hide
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from . import audio
from .answers import Answer, bad_request, error, json_answer, not_found
from .events import NoSuchTarget, announce, end_call
from .faults import BadFault
from .keys import SCOPES
from .listing import scope_of
from .model import Center, Office, Recording, Team, User
from .query import available, on_leg
from .running import Running
from .switches import UnknownSwitch

Action = Callable[[Running, dict[str, Any]], Awaitable[Answer]]


async def answer(sim: Running, request: web.BaseRequest) -> Answer:
    """Answer one control request. An invalid request gets a 400 with the reason and changes nothing."""
    words = request.path.strip("/").split("/")[1:]
    try:
        body = json.loads(await request.read() or b"{}")
        if words[:1] == ["faults"]:
            return _faults(sim, request.method, body)
        if request.method in ("GET", "DELETE"):
            return await _read(sim, request, words)
        if request.method != "POST" or not isinstance(body, dict):
            return error(405, "POST a JSON object")
        if words[:1] == ["recordings"] and len(words) == 3:
            return await _recording(sim, int(words[1]), words[2])
        action = _ACTIONS.get("/".join(words))
        return not_found() if action is None else await action(sim, body)
    except (BadFault, UnknownSwitch, NoSuchTarget, KeyError, ValueError, TypeError) as exc:
        return bad_request(f"{type(exc).__name__}: {exc}")


async def _read(sim: Running, request: web.BaseRequest, words: list[str]) -> Answer:
    what = "/".join(words)
    if what == "meter" and request.method == "DELETE":
        sim.meter.reset()
    if what == "meter":
        return json_answer(sim.meter.report())
    if request.method != "GET":
        return error(405, "method not allowed")
    if what == "":
        return json_answer(summary(sim))
    if what == "log":
        return json_answer(sim.meter.log_report())
    if what == "switches":
        return json_answer(asdict(sim.switches))
    if what == "deliveries":
        return json_answer([asdict(delivery) for delivery in sim.deliveries])
    if what == "truth":
        company = int(request.query.get("company", sim.company.id))
        # Hashing years of audio takes seconds; a thread keeps the server responsive.
        return json_answer(await asyncio.to_thread(truth, sim, company, request.query.get("sha256") != "0"))
    return not_found()


def summary(sim: Running) -> dict[str, Any]:
    """Return what a client process needs to begin: printed at start and served at /_simulator."""
    return {
        "base_url": sim.base_url,
        "key": sim.key,
        "now_ms": sim.now(),
        "companies": [
            {
                "id": company.id,
                "name": company.name,
                "keys": [key.secret for key in sim.keys.of(company.id)],
                "calls": len(sim.world.books[company.id]),
                "recordings": sum(1 for owner in sim.world.owner.values() if owner == company.id),
            }
            for company in sim.world.companies.values()
        ],
    }


def truth(sim: Running, company_id: int, with_sha256: bool = True) -> list[dict[str, Any]]:
    """Return every recording of a company as it is, by id, for a checker that trusts nothing else. Raises KeyError for no company.

    call_ids are the legs that list it with the current switches. center_id and team_id are the targets of the whole conversation: a
    trainee's call of a center has both, also if its recording is only on the group leg (own_leg), which a listing by team does not
    return. transfer_center_ids are the other centers of a talk that was transferred.
    """
    # Copies, because this runs on a thread, and calls may end meanwhile.
    book, told = sim.world.books[company_id], []
    listed: dict[int, list[int]] = {}
    masters: dict[int, set[int]] = {}
    for call in list(book.by_id.values()):
        if call.master is not None and call.center is not None:
            masters.setdefault(call.master, set()).add(call.center.id)
        for recording in on_leg(call, sim.switches):
            listed.setdefault(recording.id, []).append(call.id)
    for recording in list(sim.world.recordings.values()):
        if sim.world.owner[recording.id] == company_id:
            centers = set[int]().union(*(masters.get(leg.master or 0, set()) for leg in recording.call.conversation))
            told.append(_truth(sim, recording, listed.get(recording.id, []), centers, with_sha256))
    return sorted(told, key=lambda it: it["id"])


def _truth(sim: Running, it: Recording, call_ids: list[int], centers: set[int], with_sha256: bool) -> dict[str, Any]:
    center, team = scope_of(it.call)
    told: dict[str, Any] = {
        "id": it.id,
        "kind": it.kind,
        "call_ids": call_ids,
        "own_call_id": it.call.id,
        "own_leg": it.call.leg,
        "call_started": it.call.started,
        "start_time": it.start,
        "duration_ms": it.duration_ms,
        "bytes": audio.size(it),
        "center_id": center.id if center else None,
        "center_name": center.name if center else None,
        "transfer_center_ids": sorted(centers - {center.id if center else 0}),
        "team_id": team,
        "office_id": it.call.office.id,
        "timezone": it.call.office.timezone,
        "agent_id": it.call.agent.id if it.call.agent else None,
        "agent_name": it.call.agent.name if it.call.agent else None,
        "anonymized": it.call.anonymized,
        "available": available(it, sim.switches, sim.now()),
        "deleted": it.deleted,
    }
    if with_sha256:
        digest = hashlib.sha256()
        for piece in audio.pieces(it):
            digest.update(piece)
        told["sha256"] = digest.hexdigest()
    return told


def _faults(sim: Running, method: str, body: Any) -> Answer:
    if method == "PUT":
        sim.faults.load(body)
    elif method == "POST":
        sim.faults.add(**body)
    elif method == "DELETE":
        sim.faults.clear()
    return json_answer([rule.report() for rule in sim.faults.rules])


async def _recording(sim: Running, recording_id: int, verb: str) -> Answer:
    recording = sim.world.recordings.get(recording_id)
    if recording is None or verb not in ("delete", "publish", "hide"):
        return not_found()
    if verb == "delete":
        recording.deleted = True
    else:
        recording.published = verb == "publish"
    if verb == "publish":
        await announce(sim, sim.world.owner[recording_id], recording.call.conversation, ready=True, hangup=False)
    return json_answer({"id": recording_id, "done": verb})


async def _add_key(sim: Running, body: dict[str, Any]) -> Answer:
    company = int(body.get("company", sim.company.id))
    if company not in sim.world.companies:
        raise NoSuchTarget(f"no company {company}")
    key = sim.keys.add(company, body.get("secret"), frozenset(body.get("scopes", SCOPES)), bool(body.get("admin", True)))
    return json_answer({"secret": key.secret, "company": company, "scopes": sorted(key.scopes), "admin": key.admin})


async def _revoke(sim: Running, body: dict[str, Any]) -> Answer:
    sim.keys.revoke(body["secret"])
    return json_answer({"done": "revoke"})


async def _restore(sim: Running, body: dict[str, Any]) -> Answer:
    sim.keys.restore(body["secret"])
    return json_answer({"done": "restore"})


async def _end_call(sim: Running, body: dict[str, Any]) -> Answer:
    return json_answer(asdict(await end_call(sim, **body)))


async def _advance(sim: Running, body: dict[str, Any]) -> Answer:
    sim.advance(int(body["ms"]))
    return json_answer({"now_ms": sim.now()})


async def _switches(sim: Running, body: dict[str, Any]) -> Answer:
    # Set on a copy first, so that one invalid name changes nothing.
    trial = type(sim.switches)(**asdict(sim.switches))
    for name, value in body.items():
        trial.set(name, value)
    for name, value in body.items():
        sim.switches.set(name, value)
    return json_answer(asdict(sim.switches))


async def _rename(sim: Running, body: dict[str, Any]) -> Answer:
    wanted, name = int(body["id"]), str(body["name"])
    for company in sim.world.companies.values():
        groups: list[Office | Center | Team] = [*company.offices, *company.centers, *company.teams]
        for group in groups:
            if group.id == wanted:
                group.name = name
                return json_answer({"id": wanted, "name": name})
        for person in company.users:
            if person.id == wanted:
                _rename_user(person, name)
                return json_answer({"id": wanted, "name": name})
    raise NoSuchTarget(f"nothing has the id {wanted}")


def _rename_user(person: User, name: str) -> None:
    person.first, person.last = name, ""


_ACTIONS: dict[str, Action] = {
    "keys": _add_key,
    "keys/revoke": _revoke,
    "keys/restore": _restore,
    "end_call": _end_call,
    "advance": _advance,
    "switches": _switches,
    "rename": _rename,
}
