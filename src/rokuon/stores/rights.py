"""Rights on a bucket, in words that every kind of store can be asked in."""

from enum import StrEnum


class Right(StrEnum):
    CREATE = "create"
    GET = "get"
    LIST = "list"
    DELETE = "delete"
    UPDATE = "update"
