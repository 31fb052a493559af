"""The double refuses what Google refuses, seen through plain HTTP."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from .bucket import crc32c, md5
from .server import ANYONE, GcsDouble


class Client:
    def __init__(self, double: GcsDouble, session: aiohttp.ClientSession) -> None:
        self.double, self.session = double, session

    async def ask(self, method: str, path: str, **options: object) -> tuple[int, dict[str, object], str]:
        url = f"{self.double.url}{path}"
        async with self.session.request(method, url, **options) as answer:  # type: ignore[arg-type]
            body = await answer.read()
            fields = json.loads(body) if answer.content_type == "application/json" and body else {}
            reason = fields["error"]["errors"][0]["reason"] if "error" in fields else ""
            return answer.status, {**fields, "range": answer.headers.get("Range"), "location": answer.headers.get("Location")}, reason

    async def upload(self, name: str, data: bytes = b"x", only_if: str | None = "0", **resource: object) -> tuple[int, str]:
        head = json.dumps({"name": name, **resource}).encode()
        body = (
            b"--b\r\nContent-Type: application/json\r\n\r\n"
            + head
            + b"\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
            + data
            + b"\r\n--b--\r\n"
        )
        query = {"uploadType": "multipart"} | ({} if only_if is None else {"ifGenerationMatch": only_if})
        headers = {"Content-Type": "multipart/related; boundary=b"}
        status, _, reason = await self.ask("POST", "/upload/storage/v1/b/recordings/o", params=query, data=body, headers=headers)
        return status, reason


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    double = GcsDouble(open_to_all=True, clock=Clock())
    await double.start()
    async with aiohttp.ClientSession() as session:
        yield Client(double, session)
    await double.stop()


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\rb", "x" * 1025, "あ" * 342, "\ud800", ".well-known/acme-challenge/x"])
async def test_names_that_google_refuses_are_refused(client: Client, name: str) -> None:
    assert await client.upload(name) == (400, "invalid")
    assert client.double.bucket.things == {}


async def test_preconditions_hold(client: Client) -> None:
    assert await client.upload("a") == (200, "")
    assert await client.upload("a") == (412, "conditionNotMet")
    assert await client.upload("a", only_if="7") == (412, "conditionNotMet")
    client.double.bucket.clock.now += 2  # type: ignore[attr-defined]
    assert await client.upload("a", only_if="1") == (200, "")
    assert (client.double.bucket.things["a"].generation, client.double.bucket.overwrites) == (2, 1)


async def test_a_name_is_written_once_a_second(client: Client) -> None:
    assert await client.upload("a", only_if=None) == (200, "")
    assert await client.upload("a", only_if=None) == (429, "rateLimitExceeded")
    assert await client.upload("b", only_if=None) == (200, "")


async def test_checksums_are_compared(client: Client) -> None:
    assert await client.upload("a", crc32c=crc32c(b"y")) == (400, "invalid")
    assert await client.upload("a", md5Hash=md5(b"y")) == (400, "invalid")
    assert client.double.bucket.things == {}
    assert await client.upload("a", crc32c=crc32c(b"x"), md5Hash=md5(b"x")) == (200, "")


async def test_retention_forbids_deleting_and_replacing_until_its_time(client: Client) -> None:
    client.double.bucket.retention_s = 60
    await client.upload("a")
    client.double.bucket.clock.now += 30  # type: ignore[attr-defined]
    assert await client.upload("a", only_if=None) == (403, "retentionPolicyNotMet")
    assert (await client.ask("DELETE", "/storage/v1/b/recordings/o/a"))[::2] == (403, "retentionPolicyNotMet")
    client.double.bucket.clock.now += 31  # type: ignore[attr-defined]
    assert (await client.ask("DELETE", "/storage/v1/b/recordings/o/a"))[0] == 204


@pytest.mark.parametrize(
    ("roles", "create", "stat", "replace"),
    [
        (["objectUser"], 200, 200, 200),
        (["objectCreator", "objectViewer"], 200, 200, 403),
        (["objectCreator"], 200, 403, 403),
        (["objectViewer"], 403, 404, 403),
        ([], 403, 403, 403),
    ],
)
async def test_roles_give_what_they_give(client: Client, roles: list[str], create: int, stat: int, replace: int) -> None:
    client.double.bucket.grant(ANYONE, *roles)
    assert (await client.upload("a"))[0] == create
    assert (await client.ask("GET", "/storage/v1/b/recordings/o/a"))[0] == stat
    client.double.bucket.clock.now += 2  # type: ignore[attr-defined]
    assert (await client.upload("a", only_if=None))[0] == replace


@pytest.mark.parametrize("path", ["o?fancy=1", "o/x?prefix=a", "o?maxResults=5000"])
async def test_unknown_parameters_are_refused(client: Client, path: str) -> None:
    assert (await client.ask("GET", f"/storage/v1/b/recordings/{path}"))[::2] == (400, "invalidParameter")


async def test_another_bucket_is_not_found(client: Client) -> None:
    assert (await client.ask("GET", "/storage/v1/b/others/o"))[::2] == (404, "notFound")


async def test_pieces_are_whole_quanta_in_order(client: Client) -> None:
    query = {"uploadType": "resumable", "name": "a", "ifGenerationMatch": "0"}
    _, fields, _ = await client.ask("POST", "/upload/storage/v1/b/recordings/o", params=query, json={})
    path = str(fields["location"]).removeprefix(client.double.url)

    async def piece(size: int, content_range: str) -> tuple[int, object]:
        status, answer, _ = await client.ask("PUT", path, data=bytes(size), headers={"Content-Range": content_range})
        return status, answer["range"]

    assert await piece(0, "bytes */300000") == (308, None)
    assert (await piece(1000, "bytes 0-999/300000"))[0] == 400
    assert (await piece(262144, "bytes 262144-524287/*"))[0] == 400
    assert (await piece(100, "bytes 0-262143/*"))[0] == 400
    assert await piece(262144, "bytes 0-262143/300000") == (308, "bytes=0-262143")
    assert await piece(0, "bytes */300000") == (308, "bytes=0-262143")
    assert client.double.bucket.things == {}
    assert (await piece(37856, "bytes 262144-299999/300000"))[0] == 200
    assert (await piece(0, "bytes */300000"))[0] == 200
    assert len(client.double.bucket.things["a"].data) == 300000


async def test_nobody_is_let_in_without_a_token() -> None:
    double = GcsDouble()
    await double.start()
    async with aiohttp.ClientSession() as session:
        client = Client(double, session)
        assert await client.upload("a") == (401, "required")
        answer = await client.ask("GET", "/storage/v1/b/recordings/o", headers={"Authorization": "Bearer guess"})
        assert answer[::2] == (401, "authError")
        assert (await client.ask("POST", "/token", data={"grant_type": "x", "assertion": "y"}))[::2] == (400, "invalid_grant")
    await double.stop()


async def names(client: Client, which: str) -> list[tuple[str, str]]:
    _, page, _ = await client.ask("GET", f"/storage/v1/b/recordings/o?{which}=true&prefix=a")
    return [(item["name"], item["generation"]) for item in page.get("items", [])]  # type: ignore[attr-defined]


async def test_a_soft_deleted_object_is_listed_only_where_it_is_asked_for(client: Client) -> None:
    await client.upload("a")
    assert (await client.ask("GET", "/storage/v1/b/recordings/o?softDeleted=true"))[::2] == (400, "invalid"), "soft delete is off"
    client.double.bucket.soft_delete_s = 60
    await client.ask("DELETE", "/storage/v1/b/recordings/o/a")
    assert (await client.ask("GET", "/storage/v1/b/recordings/o/a"))[0] == 404
    assert (await names(client, "softDeleted"), await names(client, "versions")) == ([("a", "1")], [])
    assert (await client.ask("GET", "/storage/v1/b/recordings/o?softDeleted=true&versions=true"))[::2] == (400, "invalid")


async def test_with_versions_a_deleted_object_is_noncurrent(client: Client) -> None:
    client.double.bucket.versioning = True
    await client.upload("a")
    await client.ask("DELETE", "/storage/v1/b/recordings/o/a")
    client.double.bucket.clock.now += 2  # type: ignore[attr-defined]
    await client.upload("a", b"y")
    assert await names(client, "versions") == [("a", "1"), ("a", "2")]
