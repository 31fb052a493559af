"""Form of Back up now: a scope within the person's reach, a range, and whether to list sealed days again."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.accounts.permissions import AccessReach
from rokuon.base import i18n
from rokuon.console.web import guards
from rokuon.domain import windows
from rokuon.domain.failures import ConfigError
from rokuon.domain.ports import TimeRange
from rokuon.org.models import Company

from .read_model import RunScope, scope_of

TWO_YEARS, DATES = "two_years", "dates"


class BackupForm(forms.Form):
    """The form of Back up now. `is_valid` sets `asked_scope` and `asked_range`, which is None for the past two years."""

    scope = forms.ChoiceField(label=gettext_lazy("Scope"))
    period = forms.ChoiceField(
        label=gettext_lazy("Period"),
        choices=[(TWO_YEARS, gettext_lazy("Past two years")), (DATES, gettext_lazy("These dates"))],
        initial=TWO_YEARS,
    )
    since = forms.CharField(label=gettext_lazy("First date"), required=False, max_length=10, widget=forms.DateInput({"type": "date"}))
    until = forms.CharField(label=gettext_lazy("Last date"), required=False, max_length=10, widget=forms.DateInput({"type": "date"}))
    relist = forms.BooleanField(label=gettext_lazy("Check everything again"), required=False)

    def __init__(self, data: Any, company: Company, reach: AccessReach, now_ms: int, **how: Any) -> None:
        super().__init__(data, **how)
        self._company, self._now_ms = company, now_ms
        self.fields["scope"].choices = _choices(reach)  # type: ignore[attr-defined]
        self.asked_scope: RunScope | None = None
        self.asked_range: TimeRange | None = None

    def clean(self) -> None:
        if "scope" not in self.cleaned_data:
            return
        kind, _colon, number = self.cleaned_data["scope"].partition(":")
        self.asked_scope = scope_of(self._company, kind, int(number))
        if self.cleaned_data.get("period") == DATES:
            try:
                self.asked_range = windows.asked_range(
                    self.cleaned_data.get("since") or None,
                    self.cleaned_data.get("until") or None,
                    now_ms=self._now_ms,
                    timezone_name=guards.company_zone(self._company),
                    translate=i18n._,
                )
            except ConfigError as error:
                self.add_error("since", str(error))


def _choices(reach: AccessReach) -> list[tuple[str, Any]]:
    """Return the company first, then each office with its targets that have a rule. Nothing outside the reach."""
    offices = list(guards.offices(reach).exclude(state="deleted").order_by("name", "pk"))
    ruled = list(guards.targets(reach).filter(backed_up=True).exclude(state="deleted").order_by("name", "pk"))
    choices: list[tuple[str, Any]] = [("company:0", _("Whole company"))] if reach.whole else []
    for office in offices:
        inside = [(f"{target.kind}:{target.pk}", target.name) for target in ruled if target.office_id == office.pk]
        choices.append((office.name, [(f"office:{office.pk}", _("%(office)s: whole office") % {"office": office.name}), *inside]))
    return choices
