"""Runs Google's retry conformance cases against Rokuon's store: `make testbench`

Needs two things from Google that Rokuon does not contain (docs/design/google-conformance.md): a running testbench, whose address is in
ROKUON_TESTBENCH_URL, and the file of cases, whose path is in ROKUON_TESTBENCH_CASES.

Prints a table of the results and exits with 1 if a case failed. It writes only into the testbench.
"""

import asyncio
import hashlib
import json
import os
import secrets
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from gcloud.aio.storage import Storage

from rokuon.backup.copy import store_once, with_quick_retries
from rokuon.domain.failures import RokuonError
from rokuon.domain.ports import Body
from rokuon.domain.recording import RecordingKind
from rokuon.domain.work import Work
from rokuon.stores.checksums import crc32c
from rokuon.stores.gcs import SINGLE_REQUEST_LIMIT, GcsStore
from rokuon.stores.google_account import AccountToken

PATIENCE = aiohttp.ClientTimeout(total=60)
OLD = "call-recordings/Support/2026-04-01/there.mp3"
NEW = "call-recordings/Support/2026-04-01/new.mp3"


class NamedStore(GcsStore):
    """Store that sends the id of the case with every request, so that the testbench knows which fault to inject. It uses no credential,
    as in Google's own tests."""

    def __init__(self, bucket: str, endpoint: str, case: str) -> None:
        super().__init__(bucket, {}, endpoint=endpoint, sleep=at_once)
        self._case = case

    def _open(self) -> tuple[Storage, AccountToken, aiohttp.ClientSession]:
        opened = super()._open()
        opened[2].headers["x-retry-test-id"] = self._case
        return opened


async def at_once(seconds: float, /) -> None:
    """Return at once, because the waits between tries are not tested."""


def body_of(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)


SMALL, LARGE = body_of(os.urandom(600 * 1024)), body_of(os.urandom(SINGLE_REQUEST_LIMIT + 4 * 1024 * 1024))


async def insert(store: GcsStore, body: Body) -> None:
    work = Work(1, 0, RecordingKind.CALL, "1", "1", "", None, 1, 1, NEW, 0)
    await with_quick_retries(lambda: store_once(work, store, body), at_once)


async def get(store: GcsStore) -> None:
    found = await store.stat(OLD)
    assert found is not None
    assert (found.size, found.crc32c) == (SMALL.size, SMALL.crc32c)


async def get_media(store: GcsStore) -> None:
    async def whole() -> bytes:
        return b"".join([piece async for piece in store.read(OLD)])

    assert await with_quick_retries(whole, at_once) == SMALL.data


async def list_objects(store: GcsStore) -> None:
    assert [one.key async for one in store.list("call-recordings/")] == [OLD]


async def permissions(store: GcsStore) -> None:
    await store.permissions(["storage.objects.create"])


@dataclass(frozen=True, slots=True)
class Way:
    """Rokuon's use of one of Google's methods. `groups` are Google's names for special cases of it; "" is the plain one."""

    name: str
    method: str
    groups: tuple[str, ...]
    run: Callable[[GcsStore], Awaitable[None]]


WAYS = (
    Way("insert, one request", "storage.objects.insert", ("",), lambda store: insert(store, SMALL)),
    Way("insert, in pieces", "storage.objects.insert", ("", "storage.resumable.upload"), lambda store: insert(store, LARGE)),
    Way("get", "storage.objects.get", ("",), get),
    Way("get, media", "storage.objects.get", ("", "storage.objects.download"), get_media),
    Way("list", "storage.objects.list", ("",), list_objects),
    Way("testIamPermissions", "storage.buckets.testIamPermissions", ("",), permissions),
)
WITHOUT_PRECONDITION = 3
"""The inserts of this scenario have no precondition. Rokuon has no such request."""


class Testbench:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url.rstrip("/"), session

    async def try_case(self, way: Way, instructions: list[str], *, success: bool) -> str:
        """Run a case and return what went wrong, or ""."""
        bucket = f"rokuon-{secrets.token_hex(8)}"
        await self._answer("POST", "/storage/v1/b?project=rokuon", {"name": bucket})
        await self._seed(bucket)
        case = (await self._answer("POST", "/retry_test", {"instructions": {way.method: instructions}, "transport": "HTTP"}))["id"]
        store = NamedStore(bucket, self._url, case)
        try:
            await way.run(store)
            ended = ""
        except RokuonError as error:
            ended = f"{error.reason}: {error.detail}"
        except AssertionError:
            return "another answer than what is there"
        finally:
            await store.close()
        completed = (await self._answer("GET", f"/retry_test/{case}"))["completed"]
        if success == bool(ended):
            return ended or "ended well"
        return "" if completed else "not every fault was met"

    async def _seed(self, bucket: str) -> None:
        store = GcsStore(bucket, {}, endpoint=self._url)
        try:
            await store.put(OLD, SMALL, content_type="audio/mpeg", metadata={})
        finally:
            await store.close()

    async def _answer(self, method: str, path: str, fields: Any = None) -> Any:
        async with self._session.request(method, self._url + path, json=fields, timeout=PATIENCE) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)


async def measure(url: str, scenarios: list[Any]) -> tuple[list[str], list[str]]:
    """Return the rows of the table, and the failures in words."""
    results: dict[tuple[int, str], list[bool]] = defaultdict(list)
    failures = []
    async with aiohttp.ClientSession() as session:
        testbench = Testbench(url, session)
        for scenario in scenarios:
            asked = {(method["name"], method.get("group", "")) for method in scenario["methods"]}
            for way in WAYS:
                if scenario["id"] == WITHOUT_PRECONDITION or not any((way.method, group) in asked for group in way.groups):
                    continue
                for case in scenario["cases"]:
                    told = await testbench.try_case(way, case["instructions"], success=scenario["expectSuccess"])
                    results[scenario["id"], way.name].append(not told)
                    if told:
                        failures.append(f"scenario {scenario['id']}, {way.name}, {', '.join(case['instructions'])}: {told}")
    rows = ["| Scenario | " + " | ".join(way.name for way in WAYS) + " |", "|---" * (len(WAYS) + 1) + "|"]
    for scenario in scenarios:
        cells = [results.get((scenario["id"], way.name), []) for way in WAYS]
        rows.append(f"| {scenario['id']} | " + " | ".join(f"{sum(cell)} of {len(cell)}" if cell else "–" for cell in cells) + " |")
    return rows, failures


def main() -> int:
    url, cases = os.environ.get("ROKUON_TESTBENCH_URL", ""), os.environ.get("ROKUON_TESTBENCH_CASES", "")
    if not url or not cases:
        print(
            "Set ROKUON_TESTBENCH_URL to the address of a running testbench, such as http://127.0.0.1:9000, and ROKUON_TESTBENCH_CASES to "
            "the path of retry_tests.json. docs/design/google-conformance.md says where both come from.",
            file=sys.stderr,
        )
        return 2
    scenarios = json.loads(Path(cases).read_text(encoding="utf-8"))["retryTests"]
    rows, failures = asyncio.run(measure(url, scenarios))
    print("\n".join([*rows, "", *failures]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
