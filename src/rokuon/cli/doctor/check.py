"""The result of one check."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """`todo` is set for every result that is not OK. `stops` means that later checks cannot be made."""

    what: str
    level: Level
    says: str
    todo: str = ""
    stops: bool = False
