"""Offices and targets whose time zone Dialpad does not name in a way that can be understood: their recordings are dated in another."""

from dataclasses import dataclass

from rokuon.base.i18n import _

from .models import Company, Office, Target
from .tree import zone_of


@dataclass(frozen=True, slots=True)
class OddZone:
    """`given` is what Dialpad says, "" where it says nothing; `used` is the zone that counts instead, "" for UTC."""

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
    """Of what is there now; offices without a target of theirs are nobody's matter."""
    offices = Office.objects.filter(company=company, timezone="", targets__timezone="").exclude(state="deleted").distinct()
    found = [OddZone(office.name, office.unknown_timezone, "") for office in offices.order_by("name", "pk")]
    targets = Target.objects.filter(company=company).exclude(unknown_timezone="").exclude(state="deleted").select_related("office")
    return found + [OddZone(target.name, target.unknown_timezone, zone_of(target)) for target in targets.order_by("name", "pk")]


def odd_zone(node: Office | Target) -> OddZone | None:
    """Of one office or target; None where its zone is known."""
    used = zone_of(node) if isinstance(node, Target) else node.timezone
    given = node.unknown_timezone or (node.office.unknown_timezone if isinstance(node, Target) and not used else "")
    return OddZone(node.name, given, used) if given or not used else None


def todo() -> str:
    return _(
        "Correct it in Dialpad, then run `rokuon sync`. Recordings found from then on get their dates in that zone; those that have a "
        "place keep it."
    )
