"""A company whose recordings are in a bucket in memory, and issues of that bucket's custody files."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from google_crc32c import value as crc32c

from rokuon.base.secrets import Vault, new_key
from rokuon.completeness.options import fingerprint
from rokuon.custody import chains, changes, look, plan, sshsig
from rokuon.custody.issue import IssueContext, Issued, issue
from rokuon.custody.models import Issue
from rokuon.custody.plan import IssuePlan
from rokuon.custody.seal import SigningPair
from rokuon.domain.ports import Body, Store
from rokuon.domain.work import Outcome, PlannedCopy, Work
from rokuon.ledger import coverage, record
from rokuon.ledger.gateway import Database
from rokuon.ledger.models import Call, Run
from rokuon.ledger.sql import ms
from rokuon.org.models import Bucket, Company, Target
from rokuon.stores.memory import MemoryStore
from rokuon.wiring.custody_keys import signing_pair
from tests.custody.rig import Answer, plain
from tests.ledger.factory import NOW, World, failed, verified

DAY_MS = 86_400_000


class Custody(World):
    """Recordings are placed on a day of Tokyo and stored for real; `now` is the time of the next issue."""

    installation = "11111111-2222-3333-4444-555555555555"

    def __init__(self, name: str = "Acme", store: Store | None = None) -> None:
        super().__init__(name)
        self.store: Store = store or MemoryStore("acme")
        self.now: datetime = NOW
        self.vault = Vault([new_key()])
        Company.objects.filter(pk=self.company.pk).update(enabled=True, bucket=self.bucket)
        self.company.refresh_from_db()
        Bucket.objects.filter(pk=self.bucket.pk).update(url=f"memory://{name.lower()}", identity="b" * 32, verified_at=NOW)

    def planned_on(self, number: int, day: date, target: Target | None = None) -> PlannedCopy:
        """A recording of a local day, at noon in Tokyo."""
        target = target or self.center
        started = (day - date(1970, 1, 1)).days * DAY_MS + 3 * 3_600_000 + number
        key = f"call-recordings/{target.folder or target.name}/{day}/Ann - c{number} - r{number}.mp3"
        return self.planned(number, target, started_ms=started, key=key, spare_key=key.replace(".mp3", " (2).mp3"))

    def recording(self, number: int, day: date, *, target: Target | None = None, store: bool = True) -> Work:
        """Place such a recording; with `store`, put it into the bucket and verify it."""
        (work,) = self.place(self.planned_on(number, day, target), now=self.now)
        if store:
            self.stored(work)
        return work

    def stored(self, work: Work) -> None:
        data = f"audio {work.recording_id}".encode()
        body = Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)
        found = asyncio.run(self.store.put(work.key, body, content_type="audio/mpeg", metadata={}))
        outcome: Outcome = replace(
            verified(work), size=len(data), sha256=body.sha256, crc32c=body.crc32c, version=found.version, md5=found.md5
        )
        assert record.record([outcome], self.now)

    def stored_again(self, number: int, day: date) -> None:
        """Place a recording that is in the bucket and not in the ledger, and find it there."""
        work = self.recording(number, day, store=False)
        data = f"audio {work.recording_id}".encode()
        found = asyncio.run(self.store.stat(work.key))
        assert found is not None
        outcome = replace(
            verified(work), size=len(data), sha256=self.sha256(data), crc32c=crc32c(data), version=found.version, md5=found.md5
        )
        assert record.record([outcome], self.now)

    @staticmethod
    def sha256(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def calls(self) -> "QuerySet[Call]":
        return Call.objects.filter(target__company=self.company)

    def listed(self, *days: date, target: Target | None = None) -> None:
        """Enter that these UTC days were listed from end to end."""
        targets = [target.pk] if target else [self.center.pk, self.other.pk]
        coverage.cover(targets, days, fingerprint(self.company), ms(self.now))

    def issue(self, store: Any = None) -> Issued:
        """Issue the bucket's custody files; each issue is an hour after the one before."""
        self.now += timedelta(hours=1)

        async def work() -> Issued:
            db = Database()

            async def key(company_id: int, key_id: int | None) -> SigningPair:
                return await db(signing_pair, self.vault, company_id, key_id)

            try:
                return await issue(self.bucket.pk, IssueContext(db, store or self.store, self.installation, key, self.now))
            finally:
                await db.close()

        return asyncio.run(work())

    def plan(self) -> IssuePlan:
        """Begin an issue, as a worker that then dies."""
        while changes.resolve():
            pass
        return plan.next_issue(self.bucket.pk, self.installation, self.now)

    def objects(self, prefix: str = "call-recordings/.rokuon-custody/") -> dict[str, bytes]:
        async def all_of_them() -> dict[str, bytes]:
            found = [one.key async for one in self.store.list(prefix)]
            return {key: b"".join([piece async for piece in self.store.read(key)]) for key in found}

        return asyncio.run(all_of_them())

    def backed_up(self, **how: Any) -> None:
        """Enter that a Back up now began and ended."""
        self.now += timedelta(minutes=10)
        times = {"since": self.now - timedelta(days=730), "until": self.now, "created_at": self.now, "finished_at": self.now}
        values = {"company": self.company, "scope_kind": "company", "targets": [], "state": Run.State.FINISHED, **times, **how}
        Run.objects.create(**values)

    def go_on(self, why: str = chains.RESTORED) -> None:
        """What `rokuon custody continue` does in the database."""

        async def ends() -> list[look.ChainEnd]:
            return await look.ends(self.store, known)

        known = chains.known_seals(self.bucket.pk)
        found = asyncio.run(ends())
        last = chains.last_of(self.bucket.pk, found)
        chains.note(self.bucket.pk, found, self.now)
        chains.follow(self.bucket.pk, self.installation, last, why, self.now)

    def seal_file(self, number: int) -> bytes:
        (data,) = [data for key, data in self.objects().items() if key.endswith(f"/{number:08}/seal")]
        return data

    def seal(self, number: int) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.seal_file(number).partition(b"\n")[0])
        return fields

    def seal_times(self) -> list[str]:
        """When each seal was made, oldest first."""
        return [str(seal["at"]) for seal in seals(self)]

    def seals_name_until(self) -> str:
        """Until when the newest seal names what was stored."""
        newest = seals(self)[-1]
        return str(newest.get("names_until", newest["at"]))

    def lines(self, number: int, target: Target | None = None) -> list[dict[str, Any]]:
        """The lines of a target's manifest in an issue, without its head."""
        name = (target or self.center).dialpad_id
        return [
            json.loads(line) for key, data in self.objects().items() if f"/{number:08}/{name}-" in key for line in data.splitlines()[1:]
        ]

    def day(self, number: int, day: date, target: Target | None = None) -> dict[str, Any]:
        (line,) = [line for line in self.lines(number, target) if line.get("day") == day.isoformat()]
        return line

    @property
    def fingerprint(self) -> str:
        return sshsig.fingerprint(signing_pair(self.vault, self.company.pk).public)

    def download(self, folder: Path) -> Path:
        for key, data in self.objects("").items():
            if not key.endswith("/"):
                path = folder / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return folder


def seals(custody: Custody) -> list[dict[str, Any]]:
    """All seals in the bucket, oldest first."""
    found = [json.loads(data.partition(b"\n")[0]) for key, data in custody.objects().items() if key.endswith("/seal")]
    return sorted(found, key=lambda seal: str(seal["at"]))


def verify(custody: Custody, folder: Path, *arguments: str, trust: str = "") -> Answer:
    """Check the whole bucket as an auditor does, right after the last issue, trusting the company's present key."""
    given = ["--trust", trust or custody.fingerprint, "--now", custody.now.strftime("%Y-%m-%dT%H:%M:%SZ")]
    code, out, err = plain(custody.download(folder), *given, "--json", *arguments)
    return Answer(code, [json.loads(line) for line in out.splitlines()], err)


def put(custody: Custody, key: str, data: bytes) -> None:
    body = Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)
    asyncio.run(custody.store.put(key, body, content_type="text/plain", metadata={}))


def fail(work: Work, custody: Custody) -> None:
    assert record.record([failed(work)], custody.now)


def forget_last_issue() -> None:
    """What an older dump lacks: the last seal, and that a worker was about to write it."""
    last = Issue.objects.order_by("-number").first()
    assert last is not None
    last.delete()
