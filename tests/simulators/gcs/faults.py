"""What can be made to go wrong, once or several times, at the next request of one kind."""

from dataclasses import dataclass, field
from enum import StrEnum


class Op(StrEnum):
    UPLOAD = "upload"
    START = "start"
    CHUNK = "chunk"
    STAT = "stat"
    MEDIA = "media"
    LINK = "link"
    LIST = "list"
    PERMISSIONS = "permissions"
    DELETE = "delete"
    TOKEN = "token"


@dataclass
class Fault:
    """One of: an answer with `status`; a connection reset after `reset_after` body bytes; `lose_answer`, a reset after the work is done;
    `flip_bit`, a body damaged on the way in; `rot`, a body stored damaged and answered as if nothing were; `delay` before anything."""

    op: Op
    times: int = 1
    status: int = 0
    reason: str = "backendError"
    retry_after: str = ""
    reset_after: int | None = None
    lose_answer: bool = False
    flip_bit: bool = False
    rot: bool = False
    delay: float = 0
    skip: int = 0


@dataclass
class FaultScript:
    waiting: list[Fault] = field(default_factory=list)

    def take(self, op: Op) -> Fault | None:
        for fault in self.waiting:
            if fault.op is op:
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                if not fault.times:
                    self.waiting.remove(fault)
                return fault
        return None
