"""Form of the certificate: of what, within the person's reach, and of which days."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.accounts.permissions import AccessReach
from rokuon.actions.certificate import asked_days
from rokuon.console.web import guards
from rokuon.domain.failures import ConfigError
from rokuon.domain.placement import zone as zone_info
from rokuon.domain.row_ids import row_id
from rokuon.org.models import Company, Office, Target

ALL = "company"


class CertificateForm(forms.Form):
    """`is_valid` sets `office` or `target` (both None: all within reach), and the days `first` and `last`. Without dates it is not valid,
    and is filled in with the last month."""

    of = forms.ChoiceField(label=gettext_lazy("Of what"))
    since = forms.CharField(label=gettext_lazy("First date"), max_length=10, widget=forms.DateInput({"type": "date"}))
    until = forms.CharField(label=gettext_lazy("Last date"), max_length=10, widget=forms.DateInput({"type": "date"}))

    def __init__(self, data: Any, company: Company, reach: AccessReach, now: datetime) -> None:
        self._zone, self._now, self._reach = guards.company_zone(company), now, reach
        first, last = _last_month(now, self._zone)
        asked = bool(data.get("since") or data.get("until"))
        wanted = {"of": data.get("of", ALL), "since": first.isoformat(), "until": last.isoformat()}
        super().__init__(data if asked else None, initial=wanted)
        self.fields["of"].choices = _choices(reach)  # type: ignore[attr-defined]
        self.office: Office | None = None
        self.target: Target | None = None
        self.first = self.last = first

    def clean(self) -> None:
        kind, _dash, number = self.cleaned_data.get("of", "").partition("-")
        chosen = row_id(number)
        if chosen is not None and kind == "office":
            self.office = guards.offices(self._reach).get(pk=chosen)
        elif chosen is not None:
            self.target = guards.targets(self._reach).get(pk=chosen)
        try:
            self.first, self.last = asked_days(
                self.cleaned_data.get("since", ""), self.cleaned_data.get("until", ""), self._now, self._zone
            )
        except ConfigError as error:
            self.add_error("since", str(error))


def _last_month(now: datetime, zone: str) -> tuple[date, date]:
    last = now.astimezone(zone_info(zone)).date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _choices(reach: AccessReach) -> list[tuple[str, Any]]:
    """Return all first, then each office with its targets. Nothing outside the reach."""
    targets = list(guards.targets(reach).order_by("name", "pk"))
    choices: list[tuple[str, Any]] = [(ALL, _("Whole company") if reach.whole else _("Every office that you see"))]
    for office in guards.offices(reach).order_by("name", "pk"):
        inside = [(f"target-{one.pk}", one.name) for one in targets if one.office_id == office.pk]
        choices.append((office.name, [(f"office-{office.pk}", _("%(office)s: whole office") % {"office": office.name}), *inside]))
    return choices
