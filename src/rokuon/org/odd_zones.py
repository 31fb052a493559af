"""Offices and targets whose time zone in Dialpad is missing or unknown: their recordings are dated in another zone."""

from dataclasses import dataclass

from rokuon.base.i18n import _

from .models import Company, Office, Target
from .tree import zone_of


@dataclass(frozen=True, slots=True)
class OddZone:
    """`given` is Dialpad's time zone, "" if there is none; `used` is the zone that counts instead, "" for UTC."""

    name: str
    given: str
    used: str

    def __str__(self) -> str:
        used = self.used or "UTC"
        if self.given:
            return _("The time zone of %(name)s is %(given)s at Dialpad, an unknown time zone: its dates are those of %(used)s.") % {
                "name": self.name,
                "given": repr(self.given),
                "used": used,
            }
        return _("Dialpad names no time zone for %(name)s: its dates are those of %(used)s.") % {"name": self.name, "used": used}


def odd_zones(company: Company) -> list[OddZone]:
    """Return the current offices and targets with such a zone. An office counts only if one of its targets depends on its zone."""
    offices = Office.objects.filter(company=company, timezone="", targets__timezone="").exclude(state="deleted").distinct()
    found = [OddZone(office.name, office.unknown_timezone, "") for office in offices.order_by("name", "pk")]
    targets = Target.objects.filter(company=company).exclude(unknown_timezone="").exclude(state="deleted").select_related("office")
    return found + [OddZone(target.name, target.unknown_timezone, zone_of(target)) for target in targets.order_by("name", "pk")]


def odd_zone(node: Office | Target) -> OddZone | None:
    """Return the odd zone of one office or target; None if its zone is known."""
    used = zone_of(node) if isinstance(node, Target) else node.timezone
    given = node.unknown_timezone or (node.office.unknown_timezone if isinstance(node, Target) and not used else "")
    return OddZone(node.name, given, used) if given or not used else None


def todo() -> str:
    return _(
        "Correct it in Dialpad, then run `rokuon sync`. Recordings found from then on get their dates in that zone; those that have a "
        "place keep it."
    )
