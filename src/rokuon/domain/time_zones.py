"""Resolve names of time zones: those of the tz database in upper or lower case, and those of Windows."""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from .windows_zones import WINDOWS_ZONES

LONGEST = 64
AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@lru_cache(maxsize=2048)
def zone_name(text: str) -> str:
    """Return the tz database's own name of a zone; "" for an unknown zone."""
    name = text.strip()
    if not 0 < len(name) <= LONGEST:
        return ""
    if _is_zone(name):
        return name
    return _by_folded_name().get(name.casefold().replace(" ", "_"), "")


@lru_cache(maxsize=1)
def _by_folded_name() -> dict[str, str]:
    windows = {name.casefold().replace(" ", "_"): zone for name, zone in WINDOWS_ZONES.items()}
    return windows | {name.casefold(): name for name in sorted(available_timezones())}


@lru_cache(maxsize=1)
def zones_by_area() -> dict[str, list[str]]:
    """Return the zones to choose from by area (Asia: Asia/Tokyo, ...), without other names of the same zones where the area shows it."""
    areas: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        area = name.partition("/")[0]
        if area in AREAS and area != name:
            areas.setdefault(area, []).append(name)
    return {**areas, "UTC": ["UTC"]}


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: a name such as "America" is a folder of the database.
        return False
    return True
