"""The JSON that each command writes with --json, as JSON Schema; `make reference` writes one file for each into docs/reference/json.

The promise: a field that is here stays, with its name, type and meaning. Fields may be added, so the schemas allow others; the tests of the
command line do not (tests/cli/schemas.py). Words for people (`headline`, `advice`, `says`) are in the reader's language and may change.
"""

from typing import Any

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"

text: Schema = {"type": "string"}
whole: Schema = {"type": "integer"}
count: Schema = {"type": "integer", "minimum": 0}
figure: Schema = {"type": "number"}
flag: Schema = {"type": "boolean"}
time: Schema = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
day: Schema = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"}


def record(optional: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    """Return the schema of an object with these fields, all of them required but the optional ones."""
    return {"type": "object", "properties": fields, "required": [name for name in fields if name not in optional]}


def rows(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def maybe(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def one_of(*words: str) -> Schema:
    return {"enum": list(words)}


def either(**ways: Schema) -> Schema:
    """Return the schema of a command whose options choose what it writes; the names say when."""
    return {"anyOf": [{"title": name.replace("_", " "), **schema} for name, schema in ways.items()]}


COUNTS = dict.fromkeys(("discovered", "verified", "failed", "gone", "excluded", "pending", "bytes"), count)
KIND = one_of("callcenter", "coachingteam")
CLOSED = maybe(record(note=text, by=text, at=time))
DIRECTORY = dict.fromkeys(("offices", "contact_centers", "coaching_teams", "users"), count)

VERIFICATION = {
    "ok": flag,
    "steps": rows(record(step=text, outcome=text)),
    "advice": rows(text),
    "failure": maybe(record(reason=text, detail=text)),
    "looked_for": count,
    "missing": count,
    "longest_name": count,
}
COUNTED: Schema = {"type": "object", "additionalProperties": count}
REPORT = record(("failure", "missing", "longest_name"), **VERIFICATION)
VERIFIED = (("failure", "missing", "longest_name"), {"url": text, **VERIFICATION})

ACCOUNT = dict.fromkeys(
    ("calls", "recorded", "recordings", "nothing_to_fetch", "verified", "excluded", "closed", "explained", "unaccounted", "bytes"), count
)
CERTIFIED = {
    "sum": record(**ACCOUNT),
    "days": record(**dict.fromkeys(("all", "complete", "incomplete", "not_listed", "final"), count)),
    "first_listed_at": maybe(time),
    "last_listed_at": maybe(time),
}

LOT = {"bucket": text, "seed": text, "confidence_percent": figure, "damaged_below_percent": figure, "population": count, "bytes": count}
BAD_RECORDING = record(id=count, target=text, call_id=text, recording_id=text, path=text, reason=text, detail=text)

EFFECTIVE = record(bucket=maybe(text), decided_by=maybe(text), why=text, ignored=rows(record(level=text, why=text)))
HIT = record(kind=KIND, id=text, name=text, office=text, recordings=count)
CAUSE = record(
    state=one_of("failed", "gone"),
    reason=text,
    advice=text,
    recordings=count,
    closed=count,
    kept_aside=count,
    targets=rows(HIT),
    first_call=time,
    last_call=time,
    first_at=time,
    last_at=time,
)
WAITING = record(
    state=one_of("pending"),
    reason=text,
    advice=text,
    recordings=count,
    held=count,
    paused=count,
    next_try=maybe(time),
    targets=rows(HIT),
    first_call=time,
    last_call=time,
)
EXCLUDED = record(state=text, reason=text, advice=text, recordings=count, targets=count, first_day=day, last_day=day)
DAYS = {
    "reason": text,
    "advice": text,
    "days": count,
    "gaps": rows(record(kind=KIND, id=text, name=text, first=day, last=day)),
}
ENTRY = {
    "entry": whole,
    "reason": text,
    "why": text,
    "target": maybe(text),
    "call_id": text,
    "kind": text,
    "recording_id": text,
    "after": time,
    "before": time,
    "first_at": time,
    "seen_at": time,
    "closed": CLOSED,
}
PLACE = {"reason": text, "office": text, "target": text, "target_id": text, "call_started_at": time, "call_id": text}
FOUND_COPY = record(
    id=whole,
    target=text,
    target_id=text,
    office=text,
    started_at=time,
    agent=text,
    direction=maybe(one_of("inbound", "outbound")),
    number=maybe(text),
    number_ending=maybe(text),
    name=maybe(text),
    state=one_of("verified", "pending", "failed", "gone", "excluded"),
    reason=maybe(text),
    call_id=text,
    recording_id=text,
    kind=text,
    length_seconds=maybe(figure),
    bytes=maybe(count),
    sha256=maybe(text),
    proof=maybe(text),
    bucket=text,
    path=text,
)
LISTED_COPY = record(
    id=whole,
    state=one_of("failed", "gone", "pending"),
    detail=text,
    recording_id=text,
    kind=text,
    tries=count,
    changed_at=time,
    next_try=maybe(time),
    held_by=maybe(text),
    kept_aside=maybe(record(looks=text, size=count, key=text, sha256=text)),
    closed=CLOSED,
    **PLACE,
)
NOTHING: Schema = {"type": "null"}
LISTED_CALL = record(
    id=NOTHING, state=one_of("nothing_to_fetch"), recording_id=NOTHING, next_try=NOTHING, held_by=NOTHING, closed=CLOSED, **PLACE
)
RETRIED = record(("exit_code",), retry=whole, verified=count, failed=count, gone=count, excluded=count, pending=count, exit_code=count)
PROGRESS = record(
    ("end", "exit_code"),
    run=whole,
    state=text,
    windows=count,
    windows_done=count,
    unlisted=count,
    pages=count,
    calls=count,
    malformed=count,
    nothing_to_fetch=count,
    **COUNTS,
    recordings_per_second=figure,
    bytes_per_second=whole,
    seconds_left=maybe(whole),
    seconds_left_at_least=maybe(whole),
    holds=rows(record(on=text, reason=text)),
    waits=rows(text),
    paused_until=maybe(time),
    pause_asked_until=maybe(time),
    requests_per_second=maybe(figure),
    end=one_of("finished", "paused", "held", "postponed"),
    exit_code=count,
)
RUN = record(
    run=whole,
    scope=text,
    scope_name=text,
    since=time,
    until=time,
    relist=flag,
    state=one_of("running", "paused", "finished", "cancelled"),
    created_at=time,
    finished_at=maybe(time),
    windows=count,
    windows_done=count,
    unlisted=count,
    nothing_to_fetch=count,
    **COUNTS,
)
PLAN = record(
    windows=count,
    pages=count,
    calls=count,
    recordings=count,
    bytes=count,
    requests=count,
    seconds=figure,
    exact=flag,
    already=count,
    outside=maybe(count),
)
TARGET_STATUS = record(
    id=text,
    kind=KIND,
    name=text,
    rule=flag,
    folder=maybe(text),
    **COUNTS,
    nothing_to_fetch=count,
    unlisted_days=count,
    never_listed=flag,
)
LINE_KIND = one_of("callcenter", "coachingteam", "department", "office", "user", "room", "unknown")
OUTSIDE = record(
    days=count,
    known_days=count,
    first_day=maybe(day),
    last_day=maybe(day),
    calls=count,
    recordings=count,
    unreadable=count,
    kinds=rows(record(kind=LINE_KIND, lines=count, calls=count, recordings=count)),
    lines=rows(record(kind=LINE_KIND, id=text, name=text, office=maybe(text), calls=count, recordings=count)),
    more_lines=count,
)
NOTICE = record(
    id=whole,
    kind=text,
    office=maybe(text),
    cause=maybe(text),
    ref=maybe(text),
    says=text,
    advice=text,
    count=count,
    most=count,
    since=time,
    told_at=maybe(time),
    times_told=count,
    escalated_at=maybe(time),
    acknowledged_at=maybe(time),
    acknowledged_by=maybe(text),
)
MAIL = record(
    to=text,
    occasion=text,
    office=maybe(text),
    created_at=time,
    tries=count,
    next_try=maybe(time),
    refused_at=maybe(time),
    error=maybe(text),
    why=maybe(text),
)

SCHEMAS: dict[str, Schema] = {
    "admin-link": record(email=text, url=text, minutes=count),
    "people invite": record(email=text, role=text, url=maybe(text)),
    "people set": record(changed=flag, ended=count),
    "people list": rows(
        record(
            email=text,
            name=text,
            active=flag,
            disabled_at=maybe(time),
            removed_at=maybe(time),
            created_at=time,
            proven_at=maybe(time),
            proven_by=maybe(text),
            reset_at=maybe(time),
            operator=flag,
            last_login=maybe(time),
            roles=rows(text),
        )
    ),
    "audit log": rows(
        record(
            at=time,
            company=maybe(text),
            office=maybe(text),
            actor=text,
            address=maybe(text),
            action=text,
            subject=text,
            before={"type": "object"},
            after={"type": "object"},
        )
    ),
    "audit sign-ins": rows(
        record(at=time, first_at=time, times=count, email=text, way=text, factor=text, result=text, address=text, browser=text)
    ),
    "company add": record(id=whole, dialpad_id=text, name=text, **DIRECTORY),
    "company list": rows(record(id=whole, dialpad_id=text, name=text, base_url=text, enabled=flag, has_key=flag, synced_at=maybe(time))),
    "sync": record(**DIRECTORY, unknown_time_zones=rows(record(name=text, given=text, used=text))),
    "bucket add": record(VERIFIED[0], registered=flag, **VERIFIED[1]),
    "bucket list": rows(
        record(
            url=text,
            name=text,
            verified_at=maybe(time),
            identity=text,
            marked_at=maybe(time),
            own_credential=flag,
            verification=either(never_verified={"maxProperties": 0}, verified=REPORT),
        )
    ),
    "bucket verify": record(VERIFIED[0], **VERIFIED[1]),
    "bucket restart": record((*VERIFIED[0], "failed"), **VERIFIED[1], verified=count, failed=count),
    "drill": either(
        before_a_yes=record(**LOT, to_read=count),
        after_it=record(
            **LOT,
            id=count,
            state=one_of("open", "finished", "left"),
            drawn=count,
            read=count,
            bad=count,
            refused=count,
            read_again=count,
            at_most_damaged=maybe(count),
            stopped=maybe(record(reason=text, detail=text)),
            started_at=time,
            ended_at=maybe(time),
            says=rows(text),
            bad_recordings=rows(BAD_RECORDING),
            restored=maybe(record(folder=text, written=count, not_written=rows(text))),
        ),
    ),
    "inventory": record(
        bucket=text,
        **{
            "pass": maybe(
                record(
                    id=count,
                    state=one_of("listing", "looking", "finished", "stopped"),
                    started_at=time,
                    ended_at=maybe(time),
                    **dict.fromkeys(("verified", "objects", "bytes", "pages", "held", "retained", "altered"), count),
                    seen=COUNTED,
                    classes=COUNTED,
                    reason=text,
                    detail=text,
                )
            )
        },
        next_at=maybe(time),
        deletes_after_days=maybe(count),
        open=count,
        kinds=rows(record(kind=text, found=count, open=count)),
        open_findings=rows(
            record(
                id=count,
                kind=text,
                path=text,
                at=time,
                recording=maybe(record(id=count, target=text, call_id=text, recording_id=text)),
                restore_command=text,
                evidence={"type": "object"},
            )
        ),
        stopped=maybe(record(reason=text, detail=text)),
    ),
    "settings show": record(
        company=text,
        id=text,
        enabled=flag,
        restricted=flag,
        voicemail=flag,
        requests_per_second=figure,
        media_charge=text,
        access_window_days=maybe(whole),
        other_party=text,
        effective=EFFECTIVE,
        offices=rows(
            record(
                id=text,
                name=text,
                customized=flag,
                effective=EFFECTIVE,
                targets=rows(
                    record(
                        kind=KIND,
                        id=text,
                        name=text,
                        state=text,
                        rule=flag,
                        customized=flag,
                        folder=maybe(text),
                        effective=EFFECTIVE,
                    )
                ),
            )
        ),
    ),
    "backup-now": either(
        a_line_for_each_look_and_the_last_with_end=PROGRESS,
        with_dry_run=PLAN,
        with_detach=record(run=whole, joined=flag, workers=count),
    ),
    "runs": either(
        the_latest=rows(RUN),
        with_pause=record(run=whole, paused=flag),
        with_resume=record(run=whole, resumed=flag, workers=count),
        with_cancel=record(run=whole, cancelled=flag),
    ),
    "status": record(
        company=text,
        id=text,
        enabled=flag,
        severity=one_of("verified", "waiting", "held", "failed", "excluded"),
        headline=text,
        complete=flag,
        complete_of=record(contact_centers=count, coaching_teams=count),
        outside=OUTSIDE,
        unlisted_days=count,
        never_listed=count,
        unreadable=count,
        total=record(**COUNTS),
        targets=rows(TARGET_STATUS),
        weaker_proofs={"type": "object", "additionalProperties": count},
        access_window=maybe(record(days=whole, expiring=count, expired=count, first_deadline=maybe(time))),
        holds=rows(record(on=text, ref=text, reason=text, since=time, next_probe=maybe(time))),
        running=rows(whole),
        paused=rows(whole),
        workers=count,
        requests_per_second=figure,
        requests_per_second_now=figure,
        paused_until=maybe(time),
        pause_asked_until=maybe(time),
    ),
    "recordings": record(
        text=text,
        found=rows(
            record(
                understood_as=maybe(one_of("call", "recording", "number", "days", "agent")),
                first_day=maybe(day),
                last_day=maybe(day),
                total=count,
                more=flag,
                bytes=count,
                recorded_seconds=figure,
                recordings=rows(FOUND_COPY),
            )
        ),
    ),
    "failures": either(
        by_cause=record(
            failed=rows(CAUSE),
            gone=rows(CAUSE),
            closed=rows(CAUSE),
            waiting=rows(WAITING),
            nothing_to_fetch=record(reason=text, advice=text, calls=count, closed=count),
            excluded=rows(EXCLUDED),
            unlisted=rows(record(**DAYS)),
            unreadable=rows(record(**ENTRY)),
        ),
        with_list=rows(
            either(
                recording=LISTED_COPY,
                call_with_nothing_to_fetch=LISTED_CALL,
                days_not_listed=record(state=one_of("unlisted"), **DAYS),
                entry_that_cannot_be_read=record(state=one_of("unreadable"), **ENTRY),
            )
        ),
    ),
    "retry": either(
        without_watch=record(retry=maybe(whole), due=count, ids=rows(whole), workers=count),
        with_watch_a_line_for_each_change_and_the_last_with_exit_code=RETRIED,
    ),
    "close": record(closed=count),
    "reopen": record(reopened=count),
    "accept": record(accepted=count),
    "discard": record(discarded=count),
    "notices": record(open=rows(NOTICE), unsent=rows(MAIL), mail_server=flag, weekly=flag, directory_admins=flag, language=maybe(text)),
    "notices ack": record(acknowledged=flag),
    "notices test": record(taken=flag, error=maybe(text), advice=maybe(text)),
    "notices set": record(changed=flag),
    "notices to list": rows(
        record(
            office=maybe(text),
            office_id=maybe(text),
            email=text,
            name=text,
            language=text,
            known_by=text,
            refused_at=maybe(time),
        )
    ),
    "certificate": record(
        **dict.fromkeys(("company", "installation", "says"), text),
        **{name: maybe(text) for name in ("office", "target", "target_id", "fingerprint")},
        standing=one_of("complete", "unsealed", "unknown", "unaccounted", "nothing"),
        first_day=day,
        last_day=day,
        made_at=time,
        doubts=rows(text),
        **CERTIFIED,
        only_offices=maybe(rows(text)),
        unreadable=count,
        without_bucket=count,
        days_in_no_seal=count,
        provisional_until=maybe(day),
        terms=rows(record(term=text, count=count, part=flag)),
        weaker_proofs={"type": "object", "additionalProperties": count},
        buckets=rows(
            record(
                url=text,
                verified=count,
                bytes=count,
                checked_at=maybe(time),
                hold=maybe(text),
                chain=maybe(text),
                seal=count,
                sha256=maybe(text),
                sealed_at=maybe(time),
                next_by=maybe(time),
                fingerprint=maybe(text),
                problem=maybe(text),
                sealed=record(days=count, verified=count, explained=count, unaccounted=count),
                changed_since=count,
            )
        ),
        outside=maybe(record(days=count, known_days=count, calls=count)),
        targets=rows(
            record(
                **dict.fromkeys(("target", "target_id", "office", "zone"), text),
                kind=KIND,
                rule=flag,
                **CERTIFIED,
                by_day=rows(
                    record(
                        day=day,
                        verdict=one_of("complete", "incomplete", "unlisted"),
                        listed_at=maybe(time),
                        final=flag,
                        unreadable=count,
                        **ACCOUNT,
                    )
                ),
            )
        ),
    ),
    "evidence": record(
        path=text,
        standing=one_of("complete", "unsealed", "unknown", "unaccounted", "nothing"),
        buckets=rows(record(url=text, seals=count, verifier_exit=maybe(count), failure=maybe(text))),
        files=rows(text),
        missing=rows(text),
    ),
    "custody status": rows(
        record(
            url=text,
            chain=text,
            number=count,
            sha256=text,
            at=maybe(time),
            next_by=maybe(time),
            verified=count,
            open=count,
            reason=text,
            detail=text,
            problem=maybe(one_of("failed", "overdue", "unsealed", "empty")),
        )
    ),
    "custody issue": record(url=text, seal=count, sha256=text, files=count, days=count),
    "custody fingerprint": record(company=text, fingerprint=text, public_key=text),
    "custody rotate-key": record(company=text, fingerprint=text),
    "custody continue": record(url=text, chain=text, continues=maybe(record(chain=text, seal=count)), new_fingerprint=maybe(text)),
    "doctor": record(
        problems=count,
        checks=rows(record(what=text, level=one_of("ok", "warning", "problem"), says=text, todo=maybe(text))),
    ),
}
"""By the command's path without `rokuon`."""

LINES = ("backup-now", "retry")
"""Commands that follow what they began: one object for each line."""


def file_name(command: str) -> str:
    return f"{command.replace(' ', '-')}.json"


def document(command: str) -> Schema:
    return {"$schema": DIALECT, "title": f"rokuon {command} --json", **SCHEMAS[command]}
