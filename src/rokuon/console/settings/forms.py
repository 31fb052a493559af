"""Forms of the settings pages. `wanted()` returns what `actions.settings.change` accepts."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.base import i18n
from rokuon.domain.other_party import PartyDetail
from rokuon.domain.row_ids import row_id
from rokuon.domain.settings import DIALPAD_RATE, LEAST_RATE, MOST_RATE, MediaCharge
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target
from rokuon.org.services import Node

RATE_REFUSED = gettext_lazy("Enter a number between 0.1 and 10,000.")

CHARGES = [
    (MediaCharge.NONE.value, gettext_lazy("nothing")),
    (MediaCharge.ONE.value, gettext_lazy("one request")),
    (MediaCharge.EACH.value, gettext_lazy("one request for each redirect too")),
]

WINDOWS = [
    ("", gettext_lazy("no end")),
    (45, gettext_lazy("45 days")),
    (365, gettext_lazy("1 year")),
]

PARTIES = [
    (PartyDetail.OFF.value, gettext_lazy("nothing")),
    (PartyDetail.MASKED.value, gettext_lazy("masked: the last digits of the number, the first character of the name")),
    (PartyDetail.FULL.value, gettext_lazy("in full: number and name")),
]

LABELS = {
    "enabled": gettext_lazy("Enable this feature"),
    "bucket": gettext_lazy("Bucket name"),
    "restricted": gettext_lazy("Access restriction"),
    "voicemail": gettext_lazy("Back up voicemail too"),
    "requests_per_second": gettext_lazy("Request budget per second"),
    "media_charge": gettext_lazy("What a download costs of the request budget"),
    "access_window_days": gettext_lazy("How long Dialpad keeps recordings reachable after the call"),
    "other_party": gettext_lazy("What is kept of the other party of a call"),
}


class BucketChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """One of the company's registered buckets. Another company's is "not one of the choices", like one that does not exist."""

    def label_from_instance(self, obj: Any) -> str:
        return bucket_name(obj)

    def to_python(self, value: Any) -> Bucket | None:
        if value not in self.empty_values and row_id(str(value)) is None:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": str(value)[:40]})
        found: Bucket | None = super().to_python(value)
        return found


def bucket_name(bucket: Bucket) -> str:
    return bucket.title


class SettingsForm(forms.Form):
    """The fields of all levels: the bucket, and the revision of the level that the form shows."""

    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    bucket = BucketChoice(Bucket.objects.none(), required=False, label=LABELS["bucket"], empty_label=gettext_lazy("None chosen"))

    def __init__(self, node: Node, data: Mapping[str, Any] | None = None) -> None:
        company_id = node.pk if isinstance(node, Company) else node.company_id
        super().__init__(data, initial={name: getattr(node, name) for name in self.base_fields if hasattr(node, name)}, auto_id="set-%s")
        self.node = node
        choices: Any = self.fields["bucket"]
        choices.queryset = Bucket.objects.filter(company_id=company_id).order_by("url")

    def wanted(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("revision", "above_limit")}

    def above_limit_confirmed(self) -> bool:
        """Whether the person says that Dialpad grants the company more requests than usual."""
        return bool(self.cleaned_data.get("above_limit"))


class CompanyForm(SettingsForm):
    enabled = forms.BooleanField(required=False, label=LABELS["enabled"])
    restricted = forms.BooleanField(required=False, label=LABELS["restricted"])
    voicemail = forms.BooleanField(required=False, label=LABELS["voicemail"])
    requests_per_second = forms.DecimalField(
        min_value=LEAST_RATE,
        max_value=MOST_RATE,
        decimal_places=2,
        label=LABELS["requests_per_second"],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), RATE_REFUSED),
    )
    media_charge = forms.ChoiceField(choices=CHARGES, label=LABELS["media_charge"])
    access_window_days = forms.TypedChoiceField(
        choices=WINDOWS, coerce=int, empty_value=None, required=False, label=LABELS["access_window_days"]
    )
    other_party = forms.ChoiceField(choices=PARTIES, required=False, label=LABELS["other_party"])
    above_limit = forms.BooleanField(required=False, label=gettext_lazy("Dialpad has confirmed a higher limit for this company"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        rate = cleaned.get("requests_per_second")
        if rate is not None and services.above_limit(self.node, rate) and not cleaned.get("above_limit"):
            self.add_error("requests_per_second", i18n._(services.ABOVE_LIMIT))
        return cleaned

    @property
    def asks_for_limit(self) -> bool:
        """Whether the person may have to confirm a higher limit."""
        given = self["requests_per_second"].value()
        try:
            return Decimal(str(given)) > DIALPAD_RATE
        except InvalidOperation:
            return False

    def wanted(self) -> dict[str, Any]:
        """As `SettingsForm.wanted`; a form of an older page, which lacks the field, leaves the choice as it is."""
        return {name: value for name, value in super().wanted().items() if name != "other_party" or value}


class LevelForm(SettingsForm):
    """An office, a contact center or a coaching team."""

    customized = forms.BooleanField(required=False)

    def __init__(self, node: Node, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(node, data)
        self.fields["customized"].label = customize_label(node)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("customized") and not cleaned.get("bucket") and "bucket" not in self.errors:
            self.add_error("bucket", _("Choose a bucket, or clear the checkbox to inherit the bucket from the level above."))
        return cleaned

    def wanted(self) -> dict[str, Any]:
        return services.choice(self.node, self.cleaned_data["bucket"] if self.cleaned_data["customized"] else None)


def form_for(node: Node, data: Mapping[str, Any] | None = None) -> SettingsForm:
    return CompanyForm(node, data) if isinstance(node, Company) else LevelForm(node, data)


def customize_label(node: Node) -> str:
    if isinstance(node, Office):
        return _("Customize for this office")
    if isinstance(node, Target) and node.kind == Target.Kind.COACHING_TEAM:
        return _("Customize for this coaching team")
    return _("Customize for this contact center")


def label(node: Node, field: str) -> str:
    return customize_label(node) if field == "customized" else str(LABELS[field])


def value(field: str, given: Any) -> str:
    """Return a setting's value in words."""
    if isinstance(given, bool):
        return _("on") if given else _("off")
    if isinstance(given, Bucket):
        return bucket_name(given)
    if field == "access_window_days":
        return str(dict(WINDOWS)["" if given is None else given])
    if given is None:
        return _("none")
    if field == "media_charge":
        return str(dict(CHARGES)[given])
    if field == "other_party":
        return str(dict(PARTIES)[given])
    return f"{given.normalize():f}" if isinstance(given, Decimal) else str(given)
