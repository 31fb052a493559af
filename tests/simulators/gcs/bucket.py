"""A bucket's rules without HTTP: names, preconditions, roles, retention, checksums, the rate of writes to one name."""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import google_crc32c

ROLES = {
    "objectUser": {"create", "get", "list", "update", "delete"},
    "objectCreator": {"create"},
    "objectViewer": {"get", "list"},
    "objectAdmin": {"create", "get", "list", "update", "delete", "setIamPolicy", "getIamPolicy"},
}
SETTABLE = {"name", "contentType", "metadata", "crc32c", "md5Hash", "cacheControl", "contentEncoding", "contentDisposition", "storageClass"}


class Refused(Exception):
    def __init__(self, status: int, reason: str, message: str, retry_after: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.retry_after = status, reason, message, retry_after


@dataclass
class StoredThing:
    name: str
    data: bytes
    generation: int
    created: float
    content_type: str
    metadata: dict[str, str]
    at: float = 0
    """The wall time at which it was created."""
    storage_class: str = "STANDARD"
    held: bool = False
    metageneration: int = 1
    deleted_at: float | None = None
    hard_deleted_at: float | None = None

    def resource(self) -> dict[str, Any]:
        return {
            "kind": "storage#object",
            "name": self.name,
            "size": str(len(self.data)),
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "timeCreated": rfc3339(self.at),
            "updated": rfc3339(self.at),
            "storageClass": self.storage_class,
            "contentType": self.content_type,
            "crc32c": crc32c(self.data),
            "md5Hash": md5(self.data),
            **({"metadata": self.metadata} if self.metadata else {}),
            **({"temporaryHold": True} if self.held else {}),
            **self._ended(),
        }

    def _ended(self) -> dict[str, str]:
        if self.deleted_at is None:
            return {}
        if self.hard_deleted_at is None:
            return {"timeDeleted": rfc3339(self.deleted_at)}
        return {"softDeleteTime": rfc3339(self.deleted_at), "hardDeleteTime": rfc3339(self.hard_deleted_at)}


@dataclass
class Bucket:
    """`grants` maps a principal to (role, from when). `forbidden_first`: to who may not delete, a taken name answers 403, not 412.
    `former` are the objects that were deleted or replaced: noncurrent with `versioning`, else soft-deleted for `soft_delete_s`."""

    clock: Callable[[], float]
    wall: Callable[[], float] = time.time
    versioning: bool = False
    soft_delete_s: float = 0
    former: list[StoredThing] = field(default_factory=list)
    exists: bool = True
    billing: bool = True
    retention_s: float = 0
    retention_locked: bool = False
    forbidden_first: bool = False
    things: dict[str, StoredThing] = field(default_factory=dict)
    grants: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    writes: dict[str, float] = field(default_factory=dict)
    overwrites: int = 0
    generations: int = 0

    def grant(self, principal: str, *roles: str, after: float = 0) -> None:
        self.grants[principal] = [(role, self.clock() + after) for role in roles]

    def rights(self, principal: str) -> set[str]:
        held = self.grants.get(principal, [])
        return {right for role, since in held if since <= self.clock() for right in ROLES[role]}

    def demand(self, principal: str, right: str) -> None:
        if not self.exists:
            raise Refused(404, "notFound", "The specified bucket does not exist.")
        if not self.billing:
            raise Refused(403, "accountDisabled", "The billing account for the owning project is disabled in state absent")
        if right not in self.rights(principal):
            raise Refused(403, "forbidden", f"{principal} does not have storage.objects.{right} access to the object.")

    def may_create(self, principal: str, name: str, only_if_generation: int | None) -> None:
        """Everything but the bytes."""
        check_name(name)
        self.demand(principal, "create")
        found = self.things.get(name)
        if found and self.forbidden_first:
            self.demand(principal, "delete")
        if only_if_generation is not None and only_if_generation != (found.generation if found else 0):
            raise Refused(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
        if found:
            self.demand(principal, "delete")
            self._demand_age(found)
        if self.clock() - self.writes.get(name, -1e9) < 1:
            raise Refused(429, "rateLimitExceeded", "The object exceeded the rate limit for object mutation operations.")

    def create(
        self, principal: str, resource: dict[str, Any], data: bytes, only_if_generation: int | None, *, rot: bool = False
    ) -> StoredThing:
        name = resource["name"]
        self.may_create(principal, name, only_if_generation)
        if unknown := set(resource) - SETTABLE:
            raise Refused(400, "invalid", f"Unknown fields: {unknown}")
        for field_name, of in (("crc32c", crc32c), ("md5Hash", md5)):
            if field_name in resource and resource[field_name] != of(data):
                raise Refused(400, "invalid", f"Provided {field_name} doesn't match calculated {field_name}.")
        metadata = resource.get("metadata", {})
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in metadata.items()):
            raise Refused(400, "invalid", "Metadata values must be strings.")
        self.overwrites += name in self.things
        self.generations += 1
        content_type = resource.get("contentType", "application/octet-stream")
        kept = bytes([data[0] ^ 1]) + data[1:] if rot and data else data
        thing = StoredThing(name, kept, self.generations, self.clock(), content_type, dict(metadata), self.wall())
        self._end(name)
        self.things[name] = thing
        self.writes[name] = self.clock()
        return thing

    def find(self, principal: str, name: str) -> StoredThing:
        self.demand(principal, "get")
        if name not in self.things:
            # Who may not list is not told whether the name exists.
            self.demand(principal, "list")
            raise Refused(404, "notFound", "No such object")
        return self.things[name]

    def delete(self, principal: str, name: str) -> None:
        self.demand(principal, "delete")
        self._demand_age(self.find(principal, name))
        self._end(name)

    def _end(self, name: str) -> None:
        """The live object, if there is one, is no longer live."""
        thing = self.things.pop(name, None)
        if thing is not None and (self.versioning or self.soft_delete_s):
            thing.deleted_at = self.wall()
            thing.hard_deleted_at = None if self.versioning else self.wall() + self.soft_delete_s
            self.former.append(thing)

    def page_of_former(self, principal: str, prefix: str, *, soft: bool) -> list[StoredThing]:
        """Soft-deleted objects; or all versions, live ones too."""
        self.demand(principal, "list")
        if soft and not self.soft_delete_s:
            raise Refused(400, "invalid", "Soft delete is not enabled on this bucket.")
        found = [one for one in self.former if one.name.startswith(prefix) and (one.hard_deleted_at is not None) is soft]
        live = [] if soft else [one for name, one in self.things.items() if name.startswith(prefix)]
        return sorted(found + live, key=lambda one: (one.name.encode(), one.generation))

    def page(self, principal: str, prefix: str, start: bytes, limit: int) -> tuple[list[StoredThing], str]:
        """Names in UTF-8 byte order from `start` on, and the first name of the next page."""
        self.demand(principal, "list")
        names = sorted((name for name in self.things if name.startswith(prefix) and name.encode() >= start), key=str.encode)
        return [self.things[name] for name in names[:limit]], names[limit] if len(names) > limit else ""

    def _demand_age(self, thing: StoredThing) -> None:
        if self.clock() - thing.created < self.retention_s:
            raise Refused(403, "retentionPolicyNotMet", "Object is subject to bucket's retention policy.")


def check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise Refused(400, "required", "Required: name")
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise Refused(400, "invalid", "The object name is not valid UTF-8.") from None
    if not 1 <= length <= 1024 or "\r" in name or "\n" in name or name in (".", "..") or name.startswith(".well-known/acme-challenge/"):
        raise Refused(400, "invalid", "The specified object name is not valid.")


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
