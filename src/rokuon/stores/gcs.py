"""A Google Cloud Storage bucket, over the JSON API.

One request creates an object. It contains the precondition "no such object yet", the checksum that Google verifies before it commits, and
the metadata. Objects above 8 MiB are uploaded in pieces (`gcs_upload`) with the same precondition and checksum.
"""

import asyncio
import io
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from gcloud.aio.storage import Storage
from yarl import URL

from rokuon.domain import retry, strict_certificates
from rokuon.domain.bucket_listing import PAGE, FormerObject, ListedPage
from rokuon.domain.failures import (
    BucketCertificateIncomplete,
    BucketCredentialRefused,
    BucketForbidden,
    ObjectExists,
    ObjectMissing,
    StoreRequestRefused,
    StoreUnavailable,
)
from rokuon.domain.ports import Body, Capabilities, Sleep, StoredObject

from . import gcs_listed, keys, links
from .checksums import to_base64
from .gcs_answers import BeyondEnd, SessionGone, raise_for_status
from .gcs_resources import ObjectPage, as_json, checked, page_of, stored
from .gcs_signing import SignedLink, sign, signs
from .gcs_upload import UploadProgress, read_piece, upload
from .google_account import AccountToken
from .rights import Right

GOOGLE = "https://storage.googleapis.com"
SINGLE_REQUEST_LIMIT = 8 * 1024 * 1024
_PIECE = 1024 * 1024
_PAGE = 1000
_CREATE_ONLY = "0"
_SESSIONS = 3
"""How many upload sessions are tried at once if Google loses the session."""
_FIELDS = "name,size,crc32c,md5Hash,generation,contentType,metadata"
# The library's type hints say int, but it passes these values on unchanged.
_PERMISSIONS = {f"storage.objects.{right}": right for right in Right}
_SMALL: Any = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)
# 8 MiB within 5 minutes: a connection slower than 28 KB/s is too slow for a backup.
_LARGE: Any = aiohttp.ClientTimeout(total=300, sock_connect=10, sock_read=60)
_DOWNLOAD: Any = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)

_T = TypeVar("_T")


class GcsStore:
    """A store in a bucket. `account` is a checked service account (`google_key`), None for application default credentials, {} for no
    credential at all.

    It opens nothing before the first request; then one session and at most `connections` connections, until `close`.
    """

    def __init__(
        self,
        bucket: str,
        account: Mapping[str, str] | None,
        *,
        endpoint: str = GOOGLE,
        connections: int = 64,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = f"gs://{bucket}"
        self.capabilities = Capabilities(
            keeps_metadata=True, checks_writes=True, stores_checksum=True, signs_urls=signs(account), bucket_roles=True
        )
        self._bucket = bucket
        self._account = None if account is None else dict(account)
        self._endpoint = endpoint
        self._connections = connections
        self._sleep = sleep
        self._clock = clock
        self._opened: tuple[Storage, AccountToken, aiohttp.ClientSession] | None = None

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        keys.check(key)
        resource = {"Content-Type": content_type, "crc32c": to_base64(body.crc32c), "metadata": dict(metadata)}
        try:
            if body.size > SINGLE_REQUEST_LIMIT:
                answer = await self._put_in_pieces(key, body, resource)
            else:
                answer = await self._put_at_once(key, body, resource)
        except BucketForbidden as refused:
            # If a name is taken, Google may refuse a credential that may not overwrite before it checks the precondition.
            raise await self._taken_or(refused, key) from None
        return stored(answer)

    async def stat(self, key: str) -> StoredObject | None:
        try:
            return stored(await self._ask_again(lambda: self._storage().download_metadata(self._bucket, key, timeout=_SMALL)))
        except ObjectMissing:
            await self._page({"maxResults": "1"})  # Raises BucketMissing: Google gives the same answer for both.
            return None

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        # With gzip accepted, Google sends the stored bytes unchanged, also of an object that was stored compressed.
        headers = {"Accept-Encoding": "gzip"}
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise ObjectMissing
            return
        try:
            async with await self._ask_again(lambda: self._media(key, headers)) as answer:
                async for piece in checked(answer, start, end, _PIECE):
                    yield piece
        except BeyondEnd:
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from None

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        query = {"prefix": prefix, "maxResults": str(_PAGE), "fields": f"items({_FIELDS}),nextPageToken"}
        if after:
            query["startOffset"] = after
        while True:
            page = await self._page(query)
            for item in page.items:
                if item.key != after:
                    yield item
            if not page.following:
                return
            if page.following == query.get("pageToken"):
                raise StoreUnavailable("the list repeats itself")
            query["pageToken"] = page.following

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        query = {"prefix": prefix, "maxResults": str(limit), "fields": f"items({gcs_listed.FIELDS}),nextPageToken"}
        if after:
            query["startOffset"] = after
        while True:
            page = await self._raw_page(query)
            objects = [one for one in map(gcs_listed.listed, page.items) if one.key != after]
            # Google may answer with an empty page that is not the last one.
            if objects or not page.following:
                return ListedPage(objects, last=not page.following)
            if page.following == query.get("pageToken"):
                raise StoreUnavailable("the list repeats itself")
            query["pageToken"] = page.following

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        return await self._former(key, "versions")

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        return await self._former(key, "softDeleted")

    async def _former(self, key: str, which: str) -> Sequence[FormerObject] | None:
        """Ask with one of Google's parameters `versions` and `softDeleted`, which exclude each other. The names that begin with the key
        follow it in the list, so the first page has what is asked for."""
        query = {"prefix": key, which: "true", "maxResults": str(PAGE), "fields": f"items({gcs_listed.FORMER_FIELDS})"}
        try:
            return gcs_listed.former((await self._raw_page(query)).items, key)
        except (StoreRequestRefused, BucketForbidden):
            # Google refuses to list soft-deleted objects of a bucket whose soft delete is off.
            return None

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        keys.check(key)
        links.check(seconds)
        if not self._account or not self.capabilities.signs_urls:
            raise links.none_here()
        answers = {"response-content-type": content_type, "response-content-disposition": disposition}
        link = SignedLink(self._endpoint, self._bucket, key, seconds, answers)
        return await asyncio.to_thread(sign, link, self._account, self._clock())

    async def rights(self) -> set[Right]:
        """Ask Google which of these rights the credential has on the bucket. The question itself needs no right. Raises StoreUnavailable
        for an invalid answer."""
        query = [("permissions", permission) for permission in _PERMISSIONS]
        address = self._url("storage/v1", "iam/testPermissions")
        answer = await self._ask_again(lambda: self._send_once("GET", address, params=query, timeout=_SMALL))
        held = (await as_json(answer)).get("permissions", [])
        if not isinstance(held, list) or not all(isinstance(one, str) for one in held):
            raise StoreUnavailable("the answer names no permissions")
        return {_PERMISSIONS[one] for one in held if one in _PERMISSIONS}

    async def close(self) -> None:
        if self._opened:
            _, _, session = self._opened
            self._opened = None
            await session.close()

    def _storage(self) -> Storage:
        return self._open()[0]

    def _open(self) -> tuple[Storage, AccountToken, aiohttp.ClientSession]:
        if self._opened is None:
            token = AccountToken(self._account)
            session: Any = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                raise_for_status=raise_for_status,
                timeout=_SMALL,
                # Proxy variables of the environment could send credentials and recordings to a place that nobody chose.
                trust_env=False,
            )
            token.use(session)
            # In this library, api_is_dev means "send no token".
            storage = Storage(token=token, session=session, api_root=self._endpoint, api_is_dev=self._account == {})
            self._opened = storage, token, session
        return self._opened

    async def _put_at_once(self, key: str, body: Body, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        """Upload in one request of two parts. The library's own method follows a redirect and sends the token and the recording there."""
        data = await read_piece(body, 0, max(body.size, 1))
        boundary = secrets.token_hex(16)
        fields = {
            "name": key,
            "contentType": resource["Content-Type"],
            "crc32c": resource["crc32c"],
            "metadata": resource["metadata"],
        }
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(fields)}\r\n"
            f"--{boundary}\r\nContent-Type: {resource['Content-Type']}\r\n\r\n"
        )
        answer = await self._request(
            "POST",
            self._url("upload/storage/v1", "o"),
            params={"uploadType": "multipart", "name": key, "ifGenerationMatch": _CREATE_ONLY, "fields": _FIELDS},
            body=b"".join([head.encode(), data, f"\r\n--{boundary}--\r\n".encode()]),
            headers={"Content-Type": f"multipart/related; boundary={boundary}"},
            timeout=_LARGE,
        )
        _refuse_redirect(answer)
        return await as_json(answer)

    async def _put_in_pieces(self, key: str, body: Body, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        await read_piece(body, 0, 1)  # Refuses a body of the wrong length before any request to Google.
        for _session in range(_SESSIONS):
            location = await self._begin(key, body, resource)
            with suppress(SessionGone):
                return await upload(body, partial(self._send, location, body.size), self._sleep)
        raise StoreUnavailable("the upload was forgotten again and again")

    async def _begin(self, key: str, body: Body, resource: Mapping[str, Any]) -> str:
        """Start an upload session and return its address."""
        session = await self._request(
            "POST",
            self._url("upload/storage/v1", "o"),
            params={"uploadType": "resumable", "name": key, "ifGenerationMatch": _CREATE_ONLY, "fields": _FIELDS},
            json={"contentType": resource["Content-Type"], "crc32c": resource["crc32c"], "metadata": resource["metadata"]},
            headers={"X-Upload-Content-Type": resource["Content-Type"], "X-Upload-Content-Length": str(body.size)},
            timeout=_SMALL,
        )
        _refuse_redirect(session)
        location = session.headers.get("Location", "http://none")
        if not self._is_trusted(location):
            raise StoreUnavailable("no upload session")
        return location

    async def _send(self, location: str, size: int, piece: bytes, content_range: str) -> UploadProgress:
        headers = {"Content-Range": content_range}
        answer = await self._request("PUT", location, body=piece, headers=headers, timeout=_LARGE)
        if answer.status == 308:
            return UploadProgress(_kept(answer.headers.get("Range", "")))
        _refuse_redirect(answer)
        return UploadProgress(size, await as_json(answer))

    def _is_trusted(self, location: str) -> bool:
        """Whether the address of an upload session may get our token: this endpoint or another address of Google's storage."""
        there, here = URL(location), URL(self._endpoint)
        return there.origin() == here.origin() or (there.scheme == "https" and f".{there.host}".endswith(".googleapis.com"))

    async def _taken_or(self, refused: BucketForbidden, key: str) -> BucketForbidden | ObjectExists:
        try:
            return ObjectExists() if await self.stat(key) else refused
        except BucketForbidden:
            return refused

    async def _raw_page(self, query: Mapping[str, str]) -> gcs_listed.RawPage:
        params = dict(query)
        return gcs_listed.raw_page(await self._ask_again(lambda: self._storage().list_objects(self._bucket, params=params, timeout=_SMALL)))

    async def _page(self, query: Mapping[str, str]) -> ObjectPage:
        return page_of(await self._ask_again(lambda: self._storage().list_objects(self._bucket, params=dict(query), timeout=_SMALL)))

    async def _media(self, key: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Return the response with an object's stored bytes; its body is not read yet."""
        _, _, session = self._open()
        url = URL(f"{self._url('storage/v1', 'o')}/{quote(key, safe='')}?alt=media", encoded=True)
        return await session.get(url, headers={**headers, **await self._bearer()}, timeout=_DOWNLOAD, auto_decompress=False)

    async def _bearer(self) -> dict[str, str]:
        _, token, _ = self._open()
        return {} if self._account == {} else {"Authorization": f"Bearer {await token.get()}"}

    def _url(self, api: str, path: str) -> str:
        return f"{self._endpoint}/{api}/b/{self._bucket}/{path}"

    async def _request(self, method: str, url: str, **options: Any) -> aiohttp.ClientResponse:
        return await self._ask(lambda: self._send_once(method, url, **options))

    async def _send_once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, **options: Any
    ) -> aiohttp.ClientResponse:
        """Send a request for which the library has no method. Reads the response's body before it returns. Follows no redirect."""
        _, _, session = self._open()
        bearer = await self._bearer()
        if body is not None:
            # aiohttp sends a file-like body piece by piece, but bytes in one step that blocks the event loop.
            options["data"] = io.BytesIO(body)
        async with session.request(method, url, headers={**(headers or {}), **bearer}, allow_redirects=False, **options) as answer:
            await answer.read()
            return answer

    async def _ask_again(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Send a request that changes nothing. It is repeated up to twice, within seconds, if Google is temporarily unavailable."""
        tries = 0
        while True:
            try:
                return await self._ask(request)
            except StoreUnavailable as stumble:
                delay = retry.quick_delay(stumble, tries, retry.LOOK_S)
                if delay is None:
                    raise
            tries += 1
            await self._sleep(delay)

    async def _ask(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Send one request and translate its failures; send a second one if the token was refused before it expired."""
        _, token, _ = self._open()
        used = token.access_token
        try:
            try:
                return await request()
            except BucketCredentialRefused:
                if not used:
                    raise
                token.forget(used)
                return await request()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            # Not chained: these errors contain the address and so the object's name.
            if lacks := strict_certificates.lacks(error):
                raise BucketCertificateIncomplete(lacks) from None
            raise StoreUnavailable(type(error).__name__) from None


def _refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Refuse a redirect, so that our token and a recording go nowhere else. Raises StoreUnavailable."""
    if answer.status >= 300:
        raise StoreUnavailable(f"{answer.status}, a redirect")


def _kept(header: str) -> int:
    """Return how many bytes Google has: "bytes=0-1023" is 1,024 bytes, no header is 0."""
    last = header.rpartition("-")[2]
    return int(last) + 1 if last.isdecimal() else 0
