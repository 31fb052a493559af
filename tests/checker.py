"""The independent checker: what the simulator says is true, what lies in the bucket, what the ledger's rows say. It uses none of
Rokuon's code: its own reading of the article's layout, its own SQL, its own hashes.

`problems()` is empty when every recording in scope is in the bucket exactly once per target, byte for byte, under the article's name,
or stands in the ledger with a reason; and when nothing else is there.
"""

import hashlib
import json
import re
import ssl
import unicodedata
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

OWN = "call-recordings/.rokuon"
MARKERS = {"call-recordings/", OWN}
KEY = re.compile(r"call-recordings/([^/]+)/(\d{4}-\d\d-\d\d)/([^/]+) - (\d+) - (\d+)(-\w+)?\.mp3\Z")
FORBIDDEN = re.compile('[\x00-\x1f\x7f\\\\#\\[\\]*?<>:"|%\u202a-\u202e\u2066-\u2069]')
_LOOK_ALIKES = str.maketrans('/\\#[]*?<>:"|%', "／＼＃［］＊？＜＞：＂｜％")


@dataclass(frozen=True)
class Row:
    """A copy as the ledger has it."""

    kind: str
    recording: str
    target: str
    state: str
    reason: str
    key: str
    size: int | None
    sha256: str
    proof: str
    bucket: str


def portable(name: str, fallback: str) -> str:
    """What the name rules (docs/design/bucket-layout.md) make of the simulator's names; a second writing of those they meet."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub("[\x00-\x1f\x7f]+", " ", text)
    text = re.sub(" {2,}", " ", text).strip(" ").translate(_LOOK_ALIKES)
    text = re.sub(r"\A\.|\.\Z", "．", text)
    text = {"CON": "CON_"}.get(text, text)
    return text or fallback


def folder_objects(root: Path) -> dict[str, bytes]:
    """Everything below a folder but the store's own part files of a write under way."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and ".rokuon-parts" not in path.parts
    }


class Checker:
    """`dsn` is a psycopg connection string; `company` the ledger's row; `backed_up` the Dialpad ids of the targets with a rule."""

    def __init__(self, base_url: str, key: str, dsn: str, company: int, backed_up: Collection[str], sim_company: int | None = None) -> None:
        self._base, self._key, self._dsn, self._company = base_url, key, dsn, company
        self._backed_up = set(backed_up)
        self._sim_company = sim_company

    def problems(
        self,
        objects: Mapping[str, bytes],
        *,
        finished: bool = True,
        excused: Mapping[int, Collection[str]] | None = None,
        unlisted: Collection[int] = (),
        details: bool = True,
    ) -> list[str]:
        """`finished`: all is listed and nothing may be pending any more. `excused` maps a recording id to the states (besides verified)
        that are right for it. `unlisted` are recordings that the source does not list; `details` says whether a listing tells of
        recordings at all."""
        told = [it for it in self.truth() if it["id"] not in set(unlisted) and not it["anonymized"]] if details else []
        rows = self.rows()
        found = [*self._rows_against_truth(told, rows, finished, excused or {}), *self._objects_against_rows(objects, rows, told, finished)]
        return [*found, *self._identity(rows)]

    # --- reading ------------------------------------------------------------------------------------------------------------

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(self._base + path, headers={"Authorization": f"Bearer {self._key}"})
        # Without one of its own, Python 3.12 and newer keep the first, with whom it trusted then.
        trust = ssl.create_default_context() if self._base.startswith("https:") else None
        with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
            return json.load(answer)

    def truth(self) -> list[dict[str, Any]]:
        truth: list[dict[str, Any]] = self._get("/_simulator/truth" + (f"?company={self._sim_company}" if self._sim_company else ""))
        return truth

    def rows(self) -> list[Row]:
        with psycopg.connect(self._dsn) as connection:
            found = connection.execute(
                """SELECT r.kind, r.recording_id, t.dialpad_id, c.state, c.reason, c.key, c.size, c.sha256, c.proof, b.url
                     FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id JOIN org_target t ON t.id = c.target_id
                     JOIN org_bucket b ON b.id = c.bucket_id WHERE c.company_id = %s ORDER BY c.id""",
                [self._company],
            ).fetchall()
        return [Row(*row) for row in found]

    def _kept_aside(self) -> dict[str, str]:
        with psycopg.connect(self._dsn) as connection:
            return dict(connection.execute("SELECT key, sha256 FROM ledger_aside").fetchall())

    def _zones(self) -> dict[str, str]:
        """From the ledger's own directory tables: what the sync was told."""
        with psycopg.connect(self._dsn) as connection:
            return dict(
                connection.execute(
                    """SELECT t.dialpad_id, COALESCE(NULLIF(t.timezone, ''), o.timezone)
                         FROM org_target t JOIN org_office o ON o.id = t.office_id WHERE t.company_id = %s""",
                    [self._company],
                ).fetchall()
            )

    # --- judging ------------------------------------------------------------------------------------------------------------

    def targets_of(self, it: dict[str, Any], recording_leg: str = "mixed") -> list[str]:
        """A center's calls are its conversations; a team's calls are the legs of its trainees, and only those that list a recording."""
        found = [str(it["center_id"])] if it["center_id"] else []
        on_trainee = it["own_leg"] == "user" or {"mixed": it["own_leg"] == "agent", "group": False}.get(
            recording_leg, it["own_leg"] != "user"
        )
        if it["team_id"] and on_trainee and it["kind"] != "voicemail":
            found.append(str(it["team_id"]))
        return [target for target in found if target in self._backed_up]

    def _rows_against_truth(
        self, told: list[dict[str, Any]], rows: list[Row], finished: bool, excused: Mapping[int, Collection[str]]
    ) -> Iterator[str]:
        by_identity: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            by_identity[row.recording, row.target].append(row)
        leg = self._get("/_simulator/switches")["recording_leg"]
        for it in told:
            for target in self.targets_of(it, leg):
                name = f"recording {it['id']} ({it['kind']}, {it['own_leg']} leg) for target {target}"
                mine = by_identity.pop((str(it["id"]), target), [])
                if not mine and not finished:
                    continue
                if not mine:
                    yield f"LOST: {name} is not in the ledger"
                    continue
                if len(mine) > 1:
                    yield f"DOUBLE: {name} has {len(mine)} rows"
                row = mine[0]
                right = {"excluded"} if it["kind"] == "voicemail" else {"verified", *excused.get(it["id"], ())}
                if not finished:
                    right.add("pending")
                if row.state not in right:
                    yield f"STATE: {name} is {row.state} ({row.reason})"
                if row.state in ("failed", "gone", "excluded") and not row.reason:
                    yield f"SILENT: {name} is {row.state} without a reason"
                if row.state == "verified":
                    yield from self._verified(name, row, it, target)
        # A transferred talk belongs to each center that it came through; which of its parts each of them lists depends on the legs.
        shared = {(str(it["id"]), str(center)) for it in told for center in it["transfer_center_ids"]}
        for (recording, target), extra in by_identity.items():
            if told and (recording, target) not in shared:
                yield f"INVENTED: recording {recording} for target {target} is {extra[0].state}, the source does not list it so"

    def _verified(self, name: str, row: Row, it: dict[str, Any], target: str) -> Iterator[str]:
        if (row.sha256, row.size) != (it["sha256"], it["bytes"]):
            yield f"FALSE: {name} is verified with other bytes than the source's"
        parts = KEY.match(row.key)
        if not parts:
            yield f"LAYOUT: {row.key!r}"
            return
        folder, date, agent, call, recording, _ = parts.groups()
        if call not in {str(one) for one in [*it["call_ids"], it["own_call_id"]]} or recording != str(it["id"]):
            yield f"LAYOUT: {row.key!r} does not name {name}"
        if agent != portable(it["agent_name"] or "", "unknown-agent") and len((it["agent_name"] or "").encode()) <= 120:
            yield f"AGENT: {row.key!r} should name {it['agent_name']!r}"
        zone = it["timezone"] if target == str(it["center_id"]) else self._zones()[target]
        # Where another leg keeps the recording, its own start decides; legs of one conversation start within three seconds.
        margin = (0, 0) if call == str(it["own_call_id"]) else (-4000, 4000)
        dates = {
            datetime.fromtimestamp((it["call_started"] + ms) / 1000, UTC).astimezone(ZoneInfo(zone)).date().isoformat() for ms in margin
        }
        if date not in dates:
            yield f"DATE: {row.key!r} should lie in {sorted(dates)} ({zone})"
        if target == str(it["center_id"]) and not folder.startswith(portable(it["center_name"], "unknown-center")[:60]):
            yield f"FOLDER: {row.key!r} should be of {it['center_name']!r}"
        if FORBIDDEN.search(row.key) or ".." in row.key.split("/"):
            yield f"UNSAFE: {row.key!r}"

    def _objects_against_rows(
        self, objects: Mapping[str, bytes], rows: list[Row], told: list[dict[str, Any]], finished: bool
    ) -> Iterator[str]:
        owners = {row.key: row for row in rows}
        sha_of = {str(it["id"]): it["sha256"] for it in told}
        folders: dict[str, set[str]] = defaultdict(set)
        for key, data in objects.items():
            if key in MARKERS:
                continue
            if key.startswith("call-recordings/.rokuon-aside/"):
                if self._kept_aside().get(key) != hashlib.sha256(data).hexdigest():
                    yield f"STRANGER: {key!r} was kept aside and the ledger does not know it"
                continue
            if key.startswith(OWN):
                continue
            row = owners.pop(key, None)
            if row is None or (finished and row.state != "verified"):
                yield f"STRANGER: {key!r} lies in the bucket and is {'unknown' if row is None else row.state}"
                continue
            folders[key.split("/")[1]].add(row.target)
            if hashlib.sha256(data).hexdigest() != sha_of.get(row.recording):
                yield f"BYTES: {key!r} holds other bytes than the source"
        for row in owners.values():
            if row.state == "verified":
                yield f"MISSING: {row.key!r} is verified and not in the bucket"
        for folder, targets in folders.items():
            if len(targets) > 1:
                yield f"MIXED: folder {folder!r} holds recordings of {len(targets)} targets"

    def _identity(self, rows: list[Row]) -> Iterator[str]:
        states = Counter(row.state for row in rows)
        if set(states) - {"pending", "verified", "failed", "gone", "excluded"}:
            yield f"IDENTITY: {dict(states)}"
        for row in rows:
            if row.state == "verified" and row.proof not in ("length", "read_twice", "read_apart", "accepted"):
                yield f"PROOF: {row.key!r} is verified without one"
