"""What one check found."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """`todo` is there for whatever is not OK. `stops` means that what comes after cannot be checked."""

    what: str
    level: Level
    says: str
    todo: str = ""
    stops: bool = False
