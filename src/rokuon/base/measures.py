"""Format numbers, sizes and durations for people, on a terminal or a page, in the language of `base.i18n`."""

from rokuon.base.i18n import _

KIB = 1024.0
LOW_SPACE, NO_SPACE = 1 << 30, 100 << 20
"""Free bytes on a disk below which an operator should act, and below which nothing can be stored."""


def amount(size: float) -> str:
    """Format bytes in binary units, as file managers do."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < KIB:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= KIB
    return f"{size:,.1f} TiB"


def number(count: int) -> str:
    return f"{count:,}"


def percent(part: int, whole: int, digits: int = 2) -> str:
    """Format a share in percent, rounded down, without the sign: 100 only if nothing is missing, however large the numbers are."""
    if part == whole:
        return "100"
    scale = 10**digits
    units = 100 * scale * part // whole
    return f"{units // scale}.{units % scale:0{digits}}"


def duration(seconds: float) -> str:
    """Format a duration with its two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return _("%(seconds)d s") % {"seconds": whole}
    if whole < 3600:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // 60, "seconds": whole % 60}
    if whole < 86400:
        return _("%(hours)d h %(minutes)d min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}
    return _("%(days)d d %(hours)d h") % {"days": whole // 86400, "hours": whole % 86400 // 3600}
