"""The HTTP side: routes, uploads of three kinds, ranges, pages, and the faults of the script."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .accounts import Accounts
from .bucket import Bucket, Refused, StoredThing
from .faults import Fault, FaultScript, Op
from .signed import ALLOWED

QUANTUM = 256 * 1024
ANYONE = "anyone"
_PARAMETERS = {
    Op.UPLOAD: {"uploadType", "name", "ifGenerationMatch", "fields"},
    Op.START: {"uploadType", "name", "ifGenerationMatch", "fields"},
    Op.CHUNK: {"uploadType", "upload_id", "name", "ifGenerationMatch", "fields"},
    Op.STAT: {"alt", "fields"},
    Op.MEDIA: {"alt"},
    Op.LINK: ALLOWED,
    Op.LIST: {"prefix", "startOffset", "maxResults", "pageToken", "fields", "versions", "softDeleted"},
    Op.PERMISSIONS: {"permissions"},
    Op.DELETE: {"ifGenerationMatch"},
}

_ANSWERED = ("response-content-type", "response-content-disposition")


@dataclass
class Session:
    principal: str
    resource: dict[str, Any]
    only_if: int | None
    total: int
    fields: str
    kept: bytearray = field(default_factory=bytearray)
    done: StoredThing | None = None


@dataclass(frozen=True)
class Entry:
    """One request as it was answered; status 0 is a connection that was reset."""

    op: Op
    principal: str
    status: int
    received: int


class Reset(Exception):
    pass


class GcsDouble:
    """One bucket on a loopback port. `open_to_all` asks for no token, as an emulator does. `wall` is what signed links are held to."""

    def __init__(
        self,
        bucket_name: str = "recordings",
        *,
        open_to_all: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.bucket_name = bucket_name
        self.bucket = Bucket(clock)
        self.bucket.grant(ANYONE, "objectUser")
        self.accounts = Accounts(clock)
        self.faults = FaultScript()
        self.log: list[Entry] = []
        self.sessions: dict[str, Session] = {}
        self.url = ""
        self.media_encodings: list[str] = []
        self.authorized = 0
        self._open_to_all = open_to_all
        self._wall = wall
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=2**32)
        app.router.add_post("/token", self._token)
        app.router.add_post("/upload/storage/v1/b/{bucket}/o", self._upload)
        app.router.add_put("/upload/storage/v1/b/{bucket}/o", self._handler(Op.CHUNK, self._chunk))
        app.router.add_get("/storage/v1/b/{bucket}/o", self._handler(Op.LIST, self._list))
        app.router.add_get("/storage/v1/b/{bucket}/iam/testPermissions", self._handler(Op.PERMISSIONS, self._permissions))
        app.router.add_get("/storage/v1/b/{bucket}/o/{name:[^/]+}", self._get)
        app.router.add_delete("/storage/v1/b/{bucket}/o/{name:[^/]+}", self._handler(Op.DELETE, self._delete))
        app.router.add_get("/{bucket}/{name:.+}", self._handler(Op.LINK, self._download), allow_head=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def service_account(self, email: str, *roles: str, after: float = 0) -> str:
        """The text of a key file whose principal has these roles on the bucket, `after` some seconds."""
        self.bucket.grant(email, *roles, after=after)
        return self.accounts.service_account(email, f"{self.url}/token")

    def fail(self, *faults: Fault) -> None:
        self.faults.waiting.extend(faults)

    def count(self, op: Op, status: int | None = None) -> int:
        return sum(1 for entry in self.log if entry.op is op and status in (None, entry.status))

    # --- requests ---------------------------------------------------------------------------------------------------

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, Op.TOKEN, self._issue)

    async def _issue(self, request: web.Request, _principal: str, _fault: Fault | None) -> web.Response:
        return web.json_response(self.accounts.issue(await request.post(), f"{self.url}/token"))

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        kinds = {"resumable": (Op.START, self._start), "multipart": (Op.UPLOAD, self._multipart), "media": (Op.UPLOAD, self._media)}
        op, work = kinds.get(request.query.get("uploadType", ""), (Op.UPLOAD, self._unknown_upload))
        return await self._answer(request, op, work)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("alt", "json") == "media":
            return await self._answer(request, Op.MEDIA, self._download)
        return await self._answer(request, Op.STAT, self._stat)

    def _handler(self, op: Op, work: Any) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, op, work)

        return handle

    async def _answer(self, request: web.Request, op: Op, work: Any) -> web.StreamResponse:
        """Runs one request under the fault script, and logs how it ended."""
        fault = self.faults.take(op)
        principal = ""
        self.authorized += "Authorization" in request.headers
        answer: web.StreamResponse
        try:
            if fault and fault.delay:
                await asyncio.sleep(fault.delay)
            if fault and fault.status:
                raise Refused(fault.status, fault.reason, "As scripted.", fault.retry_after)
            if fault and fault.reset_after == 0:
                raise Reset
            if op is not Op.TOKEN:
                principal = self._who(request, op)
                self._check(request, op)
            answer = await work(request, principal, fault)
            if fault and fault.lose_answer:
                raise Reset
        except Refused as refused:
            answer = _error(refused)
        except Reset:
            if request.transport:
                request.transport.abort()
            answer = web.Response(status=500)
            self.log.append(Entry(op, principal, 0, request.content.total_bytes))
            return answer
        self.log.append(Entry(op, principal, answer.status, request.content.total_bytes))
        return answer

    def _who(self, request: web.Request, op: Op) -> str:
        if op is Op.LINK:
            return self.accounts.signed(request.raw_path, request.host, self._wall)
        return ANYONE if self._open_to_all else self.accounts.who(request.headers.get("Authorization", ""))

    def _check(self, request: web.Request, op: Op) -> None:
        if request.match_info["bucket"] != self.bucket_name:
            raise Refused(404, "notFound", "The specified bucket does not exist.")
        if unknown := set(request.query) - _PARAMETERS[op]:
            raise Refused(400, "invalidParameter", f"Unknown parameters: {unknown}")

    # --- work -------------------------------------------------------------------------------------------------------

    async def _unknown_upload(self, _request: web.Request, _principal: str, _fault: Fault | None) -> web.Response:
        raise Refused(400, "invalid", "uploadType must be media, multipart or resumable.")

    async def _media(self, request: web.Request, principal: str, fault: Fault | None) -> web.Response:
        resource = {"name": request.query.get("name"), "contentType": request.content_type}
        return self._commit(request, principal, resource, await _body(request, fault), fault)

    async def _multipart(self, request: web.Request, principal: str, fault: Fault | None) -> web.Response:
        resource, data = _parts(request.headers.get("Content-Type", ""), await _body(request, fault))
        name = request.query.get("name")
        if name is not None and resource.setdefault("name", name) != name:
            raise Refused(400, "invalid", "Two names.")
        return self._commit(request, principal, resource, data, fault)

    def _commit(self, request: web.Request, principal: str, resource: dict[str, Any], data: bytes, fault: Fault | None) -> web.Response:
        if fault and fault.flip_bit:
            data = bytes([data[0] ^ 1]) + data[1:]
        thing = self.bucket.create(principal, resource, data, _only_if(request), rot=bool(fault and fault.rot))
        return _resource(thing.resource(), request.query.get("fields", ""))

    async def _start(self, request: web.Request, principal: str, fault: Fault | None) -> web.Response:
        try:
            resource = json.loads(await _body(request, fault) or b"{}")
        except ValueError:
            raise Refused(400, "parseError", "Parse Error") from None
        resource.setdefault("name", request.query.get("name"))
        if content_type := request.headers.get("X-Upload-Content-Type"):
            resource.setdefault("contentType", content_type)
        self.bucket.may_create(principal, resource["name"], _only_if(request))
        upload_id = secrets.token_urlsafe(24)
        total = int(request.headers.get("X-Upload-Content-Length", "-1"))
        self.sessions[upload_id] = Session(principal, resource, _only_if(request), total, request.query.get("fields", ""))
        location = f"{self.url}/upload/storage/v1/b/{self.bucket_name}/o?uploadType=resumable&upload_id={upload_id}"
        return web.Response(headers={"Location": location})

    async def _chunk(self, request: web.Request, principal: str, fault: Fault | None) -> web.Response:
        session = self.sessions.get(request.query.get("upload_id", ""))
        if session is None or session.principal != principal:
            raise Refused(404, "notFound", "No such upload session.")
        if session.done:
            return _resource(session.done.resource(), session.fields)
        first, last, total = _content_range(request.headers.get("Content-Range", ""))
        if total is not None and session.total not in (-1, total):
            raise Refused(400, "invalid", "The total differs from X-Upload-Content-Length.")
        if first is None or last is None:
            return _incomplete(session)
        if first != len(session.kept):
            raise Refused(400, "invalid", f"The piece starts at {first}, the upload is at {len(session.kept)}.")
        try:
            data = await _body(request, fault)
        except Reset as reset:
            # Google keeps whole quanta of a piece that broke off.
            got = reset.args[0] if reset.args else b""
            session.kept += got[: len(got) // QUANTUM * QUANTUM]
            raise
        if len(data) != last - first + 1:
            raise Refused(400, "invalid", "The piece is not as long as its Content-Range.")
        final = total is not None and last + 1 == total
        if not final and len(data) % QUANTUM:
            raise Refused(400, "invalid", "A piece that is not the last must be a multiple of 256 KiB.")
        if fault and fault.flip_bit:
            data = bytes([data[0] ^ 1]) + data[1:]
        session.kept += data
        if not final:
            return _incomplete(session)
        rot = bool(fault and fault.rot)
        session.done = self.bucket.create(principal, session.resource, bytes(session.kept), session.only_if, rot=rot)
        session.kept.clear()
        return _resource(session.done.resource(), session.fields)

    async def _stat(self, request: web.Request, principal: str, _fault: Fault | None) -> web.Response:
        return _resource(self.bucket.find(principal, request.match_info["name"]).resource(), request.query.get("fields", ""))

    async def _download(self, request: web.Request, principal: str, fault: Fault | None) -> web.StreamResponse:
        thing = self.bucket.find(principal, request.match_info["name"])
        self.media_encodings.append(request.headers.get("Accept-Encoding", ""))
        start, end, status = _range(request.headers.get("Range", ""), len(thing.data))
        headers = {"Content-Type": thing.content_type, "x-goog-generation": str(thing.generation), "Content-Length": str(end - start)}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(thing.data)}"
        # Of the whole object, whatever range is sent.
        headers["x-goog-hash"] = f"crc32c={thing.resource()['crc32c']},md5={base64.b64encode(hashlib.md5(thing.data).digest()).decode()}"
        headers["x-goog-stored-content-length"] = str(len(thing.data))
        headers |= {name.removeprefix("response-").title(): request.query[name] for name in _ANSWERED if name in request.query}
        answer = web.StreamResponse(status=status, headers=headers)
        await answer.prepare(request)
        data = thing.data[start:end]
        if fault and fault.flip_bit:
            data = bytes([data[0] ^ 1]) + data[1:]
        if fault and fault.reset_after:
            await answer.write(data[: fault.reset_after])
            raise Reset
        await answer.write(data)
        await answer.write_eof()
        return answer

    async def _list(self, request: web.Request, principal: str, _fault: Fault | None) -> web.Response:
        query = request.query
        limit = int(query.get("maxResults", "1000"))
        if not 1 <= limit <= 1000:
            raise Refused(400, "invalidParameter", "maxResults")
        if query.get("versions") == "true" or query.get("softDeleted") == "true":
            return self._list_former(query, principal, limit)
        start = query.get("startOffset", "").encode()
        if token := query.get("pageToken"):
            start = base64.urlsafe_b64decode(token)
        things, following = self.bucket.page(principal, query.get("prefix", ""), start, limit)
        page: dict[str, Any] = {"kind": "storage#objects"}
        if things:
            page["items"] = [thing.resource() for thing in things]
        if following:
            page["nextPageToken"] = base64.urlsafe_b64encode(following.encode()).decode()
        return _resource(page, query.get("fields", ""))

    def _list_former(self, query: Mapping[str, str], principal: str, limit: int) -> web.Response:
        if "versions" in query and "softDeleted" in query:
            raise Refused(400, "invalid", "versions and softDeleted exclude each other.")
        things = self.bucket.page_of_former(principal, query.get("prefix", ""), soft="softDeleted" in query)[:limit]
        page = {"kind": "storage#objects", **({"items": [thing.resource() for thing in things]} if things else {})}
        return _resource(page, query.get("fields", ""))

    async def _permissions(self, request: web.Request, principal: str, _fault: Fault | None) -> web.Response:
        if not self.bucket.exists:
            raise Refused(404, "notFound", "The specified bucket does not exist.")
        held = {f"storage.objects.{right}" for right in self.bucket.rights(principal)}
        asked = request.query.getall("permissions", [])
        if not asked:
            raise Refused(400, "required", "Required: permissions")
        have = [permission for permission in asked if permission in held]
        return web.json_response({"kind": "storage#testIamPermissionsResponse", **({"permissions": have} if have else {})})

    async def _delete(self, request: web.Request, principal: str, _fault: Fault | None) -> web.Response:
        self.bucket.delete(principal, request.match_info["name"])
        return web.Response(status=204)


# --- reading and writing HTTP ---------------------------------------------------------------------------------------------


async def _body(request: web.Request, fault: Fault | None) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if fault and fault.reset_after is not None and len(body) >= fault.reset_after:
            raise Reset(bytes(body[: fault.reset_after]))
    return bytes(body)


def _parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """Exactly two parts: the resource as JSON, then the media."""
    kind, _, boundary = content_type.partition("; boundary=")
    mark = b"--" + boundary.strip('"').encode()
    if kind != "multipart/related" or not boundary or not body.startswith(mark) or not body.rstrip(b"\r\n").endswith(mark + b"--"):
        raise Refused(400, "badContent", "Malformed multipart body.")
    first, _, rest = body[len(mark) + 2 :].partition(b"\r\n" + mark + b"\r\n")
    media = rest[: rest.rindex(b"\r\n" + mark + b"--")]
    head, _, text = first.partition(b"\r\n\r\n")
    if not head.lower().startswith(b"content-type: application/json"):
        raise Refused(400, "badContent", "The first part must be JSON.")
    # A part without headers begins with the empty line.
    head, _, data = (b"\r\n" + media).partition(b"\r\n\r\n")
    try:
        resource = json.loads(text)
    except ValueError:
        raise Refused(400, "parseError", "Parse Error") from None
    declared = re.search(rb"content-type: *([^\r\n]+)", head, re.IGNORECASE)
    if declared:
        resource.setdefault("contentType", declared[1].decode())
    return resource, data


def _only_if(request: web.Request) -> int | None:
    value = request.query.get("ifGenerationMatch")
    if value is not None and not value.isdecimal():
        raise Refused(400, "invalidParameter", "ifGenerationMatch")
    return None if value is None else int(value)


def _content_range(header: str) -> tuple[int | None, int | None, int | None]:
    if found := re.fullmatch(r"bytes \*/(\d+|\*)", header):
        return None, None, None if found[1] == "*" else int(found[1])
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", header)
    if not found:
        raise Refused(400, "invalid", "Failed to parse Content-Range header.")
    return int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])


def _range(header: str, size: int) -> tuple[int, int, int]:
    if not header:
        return 0, size, 200
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", header)
    if not found:
        raise Refused(400, "invalid", "Range")
    start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
    if start >= size or end <= start:
        raise Refused(416, "requestedRangeNotSatisfiable", "The requested range cannot be satisfied.")
    return start, end, 206


def _incomplete(session: Session) -> web.Response:
    headers = {"Range": f"bytes=0-{len(session.kept) - 1}"} if session.kept else {}
    return web.Response(status=308, headers=headers)


def _resource(resource: dict[str, Any], fields: str) -> web.Response:
    """With `fields`, only those: "a,b" or "items(a,b),c"."""
    if not fields:
        return web.json_response(resource)
    inner = re.search(r"items\(([^)]*)\)", fields)
    top = set(re.sub(r"\([^)]*\)", "", fields).split(","))
    chosen = {key: value for key, value in resource.items() if key in top}
    if inner and "items" in chosen:
        wanted = set(inner[1].split(","))
        chosen["items"] = [{key: value for key, value in item.items() if key in wanted} for item in chosen["items"]]
    return web.json_response(chosen)


def _error(refused: Refused) -> web.Response:
    headers = {"Retry-After": refused.retry_after} if refused.retry_after else {}
    errors = [{"domain": "global", "reason": refused.reason, "message": refused.message}]
    body = {"error": {"code": refused.status, "message": refused.message, "errors": errors}}
    return web.json_response(body, status=refused.status, headers=headers)
