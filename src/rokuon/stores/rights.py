"""Rights on a bucket, with the same names for every kind of store."""

from enum import StrEnum


class Right(StrEnum):
    CREATE = "create"
    GET = "get"
    LIST = "list"
    DELETE = "delete"
    UPDATE = "update"
