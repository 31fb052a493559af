"""Dialpad's JSON. REST answers have 64-bit integers as strings, events have them as numbers: `integer` converts them accordingly."""

from collections.abc import Callable
from typing import Any

from . import names
from .model import Call, Center, Company, Office, Recording, Target, Team, User

Integer = Callable[[int], int | str]
Wire = dict[str, Any]

_HOURS = ["08:00", "18:00"]
_WEEK = {f"{day}_hours": _HOURS for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
_ROUTING = {"action": "voicemail", "dtmf": [], "operator_routing": "longestidle", "try_dial_operators": True}
_LINE = {
    "availability_status": "open",
    "first_action": "operators",
    "no_operators_action": "voicemail",
    "ring_seconds": "30",
    "routing_options": {"open": _ROUTING, "closed": _ROUTING},
    **_WEEK,
}


def company(it: Company) -> Wire:
    return {
        "account_type": "enterprise",
        "admin_email": it.users[0].email if it.users else None,
        "country": it.offices[0].country if it.offices else "us",
        "domain": it.domain,
        "id": str(it.id),
        "name": it.name,
        "office_count": str(len(it.offices)),
        "state": "active",
    }


def office(it: Office) -> Wire:
    return {
        **_LINE,
        "country": it.country,
        "id": str(it.id),
        "office_id": str(it.id),
        "is_primary_office": it.primary,
        "name": it.name,
        "office_settings": {"bridged_target_recording_allowed": True, "no_recording_message_on_user_calls": False},
        "phone_numbers": [it.phone],
        "state": it.state,
        "timezone": it.timezone,
    }


def center(it: Center) -> Wire:
    return {
        **_LINE,
        "advanced_settings": {
            "auto_call_recording": {
                "allow_pause_recording": True,
                "call_recording_inbound": True,
                "call_recording_outbound": it.admin_kind,
            },
            "max_wrap_up_seconds": "0",
        },
        "alerts": {"cc_service_level": "95", "cc_service_level_seconds": "60"},
        "country": it.office.country,
        "hours_on": False,
        "id": str(it.id),
        "name": it.name,
        "office_id": str(it.office.id),
        "phone_numbers": [it.phone],
        "state": it.state,
        "timezone": it.office.timezone,
        "voice_intelligence": {"allow_pause": True, "auto_start": True},
    }


def team(it: Team, company_id: int) -> Wire:
    return {
        "allow_trainee_eavesdrop": True,
        "company_id": str(company_id),
        "country": it.office.country,
        "id": str(it.id),
        "name": it.name,
        "office_id": str(it.office.id),
        "phone_numbers": [],
        "state": it.state,
        "team_description": "",
    }


def _person(it: User, company_id: int) -> Wire:
    return {
        "admin_office_ids": [str(i) for i in it.admin_offices],
        "company_id": str(company_id),
        "country": it.office.country,
        "date_active": "2021-06-20T19:18:00",
        "date_added": "2021-06-20T19:18:00",
        "do_not_disturb": False,
        "emails": [it.email],
        "first_name": it.first,
        "id": str(it.id),
        "is_admin": it.is_admin,
        "is_available": True,
        "is_on_duty": False,
        "is_online": False,
        "is_super_admin": it.is_super_admin,
        "language": "ja" if it.office.country == "jp" else "en",
        "last_name": it.last,
        "license": "agents",
        "muted": False,
        "office_id": str(it.office.id),
        "phone_numbers": [it.phone],
        "state": it.state,
        "timezone": it.office.timezone,
    }


def user(it: User, company: Company) -> Wire:
    groups: list[Wire] = [
        {"do_not_disturb": False, "group_id": str(c.id), "group_type": "callcenter", "role": "operator"}
        for c in company.centers
        if it in c.operators
    ]
    groups += [{"do_not_disturb": False, "group_id": str(i), "group_type": "office", "role": "admin"} for i in it.admin_offices]
    return {**_person(it, company.id), "display_name": it.name, "group_details": groups, "international_dialing_enabled": False}


def member(it: User, role: str, company_id: int) -> Wire:
    return {**_person(it, company_id), "role": role}


def _target(it: Target, integer: Integer) -> Wire:
    return {"id": integer(it.id), "type": it.wire_type, "name": it.name, "phone": it.phone, "email": it.email}


def recording_url(base: str, it: Recording) -> str:
    path = f"blob/adminrecording/{it.id}.mp3" if it.kind == "admincallrecording" else f"r/{it.id}"
    return f"{base}/{path}"


def _detail(it: Recording, base: str, integer: Integer) -> Wire:
    # In the example event, the recording's own id is text while its numbers are numbers.
    return {
        "id": str(it.id),
        "recording_type": it.kind,
        "start_time": integer(it.start),
        "duration": integer(it.duration_ms),
        "url": recording_url(base, it),
    }


def external(it: Call) -> tuple[str, str]:
    """Return number and name of the other party, the same for every leg of a conversation. Dialpad gives the number as the name of someone
    who is in no address book."""
    serial = it.conversation[0].serial
    digits = serial * 7919 % 10_000
    number = f"+8190{serial * 104_729 % 10_000:04d}{digits:04d}" if it.office.country == "jp" else f"+1415555{digits:04d}"
    if serial % 3:
        return number, number
    given, family = names.GIVEN[serial % len(names.GIVEN)], names.FAMILY[serial // 3 % len(names.FAMILY)]
    return number, f"{given} {family}"


_GROUPS = {"call_center": "CallCenter", "department": "Department", "office": "Office"}


def call(it: Call, base: str, integer: Integer, was_recorded: bool, shown: list[Recording], details: str) -> Wire:
    """Return a call leg. shown are the recordings to name; details is the switch list_details."""
    number, known_as = external(it)
    wire: Wire = {
        "call_id": integer(it.id),
        "direction": it.direction,
        "state": it.state,
        "date_started": integer(it.started),
        "date_ended": integer(it.ended),
        "event_timestamp": integer(it.ended + 1_000),
        "duration": float(it.ended - it.connected) if it.connected is not None else 0.0,
        "total_duration": it.ended - it.started + 0.25,
        "external_number": number,
        "internal_number": it.target.phone,
        "contact": {"id": integer(6_480_000_000_000_000 + it.serial), "type": "local", "name": known_as, "phone": number, "email": ""},
        "target": _target(it.target, integer),
        "entry_point_target": {},
        "proxy_target": {},
        "is_transferred": it.transferred,
        "was_recorded": was_recorded,
        "labels": [],
        "routing_breadcrumbs": [],
    }
    if it.connected is not None:
        wire["date_connected"] = integer(it.connected)
        wire["mos_score"] = 4.2 + it.serial % 20 / 100
    if it.leg == "group":
        wire["date_rang"] = integer(it.started + 1_200)
        wire["group_id"] = f"{_GROUPS[it.target.wire_type]}:{it.target.id}"
        if it.partner is not None:
            wire["operator_call_id"] = integer(it.partner.id)
    elif it.leg == "agent" and it.partner is not None:
        wire["entry_point_call_id"] = integer(it.partner.id)
        wire["entry_point_target"] = _target(it.partner.target, integer)
    if it.master is not None:
        wire["master_call_id"] = integer(it.master)
    if it.state == "voicemail":
        # Set even if nobody left a message; then it returns 404.
        wire["voicemail_link"] = f"{base}/v/{it.id}"
    if details == "none":
        return wire
    if details == "odd":
        if shown:
            wire["recording_url"] = [f"{base}/recordings/{recording.id}/listen" for recording in shown]
        return wire
    apart = shown[1:] if details == "split" else shown
    for kind, name in (("callrecording", "recording_url"), ("admincallrecording", "admin_recording_urls")):
        urls = [recording_url(base, recording) for recording in apart if recording.kind == kind]
        if urls:
            wire[name] = urls
    messages = [recording for recording in apart if recording.kind == "voicemail"]
    if messages:
        wire["voicemail_recording_id"] = integer(messages[0].id)
    if shown and details in ("all", "split"):
        told = shown[:1] if details == "split" else shown
        wire["recording_details"] = [_detail(recording, base, integer) for recording in told]
    return wire


def event(it: Call, base: str, state: str, at: int, was_recorded: bool, shown: list[Recording], details: str) -> Wire:
    """Return the claims of a call event: every number is a number, and empty fields are present."""
    wire = call(it, base, int, was_recorded, shown, details)
    target = dict(wire["target"], office_id=it.office.id)
    talk = float(it.ended - it.connected) if it.connected is not None else 0.0
    empty: Wire = {
        "callback_requested": None,
        "csat_score": None,
        "date_connected": None,
        "date_first_rang": it.started + 1_200,
        "date_queued": it.started + 300,
        "date_rang": None,
        "entry_point_call_id": None,
        "group_id": None,
        "integrations": {},
        "is_internal": False,
        "master_call_id": None,
        "mos_score": None,
        "operator_call_id": None,
        "recording_details": [],
        "selected_caller_id": None,
        "target_availability_status": "open",
        "transcription_text": None,
        "transferred_from": {},
        "voicemail_link": None,
        "voicemail_recording_id": None,
    }
    return {
        **empty,
        **wire,
        "call_recording_ids": [recording.id for recording in shown],
        "event_timestamp": at,
        "hold_time": 0,
        "state": state,
        "talk_time": talk,
        "target": target,
    }
