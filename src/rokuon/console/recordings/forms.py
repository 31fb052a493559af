"""Filters, order and columns of the list of recordings, read from the page's own address, so that a list can be shared and bookmarked."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.base.state_words import state_word
from rokuon.domain.copies import State
from rokuon.domain.other_party import PartyDetail
from rokuon.ledger import search, search_order
from rokuon.ledger.models import Retry, Run
from rokuon.ledger.next_try import QUEUED
from rokuon.ledger.search import CopyFilters, Within
from rokuon.ledger.search_order import NEWEST, OLDEST, ORDERS, SearchOrder
from rokuon.org.models import Company, Target
from rokuon.org.tree import zone_of
from rokuon.wiring.recording_search import midnight

from . import status_text

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
PAGE = "page"
ZONE = "company"
COMPACT = "compact"
FILTERS = ("run", "retry", "target", "since", "until", "agent", "state", "reason", "call", "recording", "number")

ORDER_WORDS = {
    "newest": gettext_lazy("Newest call first"),
    "oldest": gettext_lazy("Oldest call first"),
    "longest": gettext_lazy("Longest first"),
    "largest": gettext_lazy("Largest first"),
    "agent": gettext_lazy("By agent"),
}
COLUMNS = {
    "agent": gettext_lazy("Agent"),
    "party": gettext_lazy("Other party"),
    "state": gettext_lazy("State"),
    "length": gettext_lazy("Length"),
    "size": gettext_lazy("Size"),
    "file": gettext_lazy("File in the bucket"),
    "call": gettext_lazy("Call ID"),
    "recording": gettext_lazy("Recording ID"),
    "sha256": "SHA-256",
}
USUAL = ("agent", "party", "state", "length", "file")
"""The columns of a list for which none were chosen."""


def columns_of(company: Company, chosen: Sequence[str]) -> list[tuple[str, Any]]:
    """Return the chosen columns, else the usual ones, with their headings. Without kept other parties, there is no such column."""
    wanted = [one for one in COLUMNS if one in (chosen or USUAL)]
    return [(one, COLUMNS[one]) for one in wanted if one != "party" or company.other_party != PartyDetail.OFF]


class _Day(forms.DateField):
    def __init__(self, label: Any) -> None:
        within = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
        super().__init__(label=label, required=False, input_formats=["%Y-%m-%d"], validators=within)


class RecordingsForm(forms.Form):
    """Filters of the search, order and columns. `targets` are those within the person's reach: no others can be searched. `number` is the
    hash of a phone number. Days count in each target's zone, or all in the company's with `zone`."""

    target = forms.MultipleChoiceField(required=False, label=gettext_lazy("Contact center / coaching team"))
    since = _Day(gettext_lazy("First day"))
    until = _Day(gettext_lazy("Last day"))
    agent = forms.CharField(required=False, max_length=100, label=gettext_lazy("Agent"))
    state = forms.ChoiceField(required=False, label=gettext_lazy("State"))
    reason = forms.ChoiceField(required=False, label=gettext_lazy("Reason"))
    call = forms.CharField(required=False, max_length=64, label=gettext_lazy("Call ID"))
    recording = forms.CharField(required=False, max_length=64, label=gettext_lazy("Recording ID"))
    run = forms.IntegerField(required=False, widget=forms.HiddenInput)
    retry = forms.IntegerField(required=False, widget=forms.HiddenInput)
    number = forms.RegexField(r"^([0-9a-f]{32}|-)$", required=False, label=gettext_lazy("Phone number"))
    zone = forms.ChoiceField(required=False, choices=[("", ""), (ZONE, ZONE)])
    order = forms.ChoiceField(required=False, choices=list(ORDER_WORDS.items()), label=gettext_lazy("Order"))
    rows = forms.ChoiceField(required=False, choices=[("", ""), (COMPACT, COMPACT)])
    column = forms.MultipleChoiceField(required=False, choices=list(COLUMNS.items()), label=gettext_lazy("Columns"))

    def __init__(
        self, asked: QueryDict, targets: Sequence[Target], company_zone: str = "", run: Run | None = None, retried: Retry | None = None
    ) -> None:
        """With `run`, only the recordings of its targets and of its range are searched; with `retried`, only those of this retry."""
        super().__init__(asked)
        self._asked, self._targets, self._company_zone, self.of_run, self.of_retry = asked, targets, company_zone, run, retried
        self._field("target").choices = [(str(target.pk), target.name) for target in targets]
        states = ((state.value, state_word(state)) for state in State)
        weaker = ((proof, _(words)) for proof, words in status_text.WEAKER_PROOFS.items())
        self._field("state").choices = [("", _("Every state")), *states, *weaker]
        reasons = sorted((status_text.why(code), code) for code in search.reasons([target.pk for target in targets]))
        self._field("reason").choices = [("", _("Every reason")), *((code, words) for words, code in reasons), (QUEUED, _("Not tried yet"))]

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        if (since := asked.get("since")) and (until := asked.get("until")) and since > until:
            self.add_error("until", _("The last day lies before the first."))
        return asked

    @property
    def within(self) -> list[Within]:
        """The targets asked for, each with the days asked for in its own time zone, or in the company's."""
        chosen, run = set(self.cleaned_data["target"]), self.of_run
        return [
            self._times(target)
            for target in self._targets
            if (not chosen or str(target.pk) in chosen) and (run is None or target.pk in run.targets)
        ]

    def _times(self, target: Target) -> Within:
        first, last, run = self.cleaned_data["since"], self.cleaned_data["until"], self.of_run
        since = midnight(first, self._zone(target)) if first else None
        until = midnight(last + timedelta(days=1), self._zone(target)) if last else None
        if run is None:
            return Within(target.pk, since, until)
        return Within(target.pk, max(since or run.since, run.since), min(until or run.until, run.until))

    @property
    def filters(self) -> CopyFilters:
        asked = self.cleaned_data
        proof = asked["state"] if asked["state"] in status_text.WEAKER_PROOFS else ""
        state = State.VERIFIED if proof else asked["state"]
        copies = tuple(self.of_retry.copies) if self.of_retry is not None else None
        return CopyFilters(state, asked["reason"], asked["agent"], asked["call"], asked["recording"], proof, asked["number"], copies)

    def _zone(self, target: Target) -> str:
        return self._company_zone if self.cleaned_data["zone"] else zone_of(target)

    @property
    def order_by(self) -> SearchOrder:
        return ORDERS.get(self.cleaned_data.get("order", ""), NEWEST)

    @property
    def compact(self) -> bool:
        return self._asked.get("rows") == COMPACT

    @property
    def columns(self) -> list[str]:
        return [one for one in self._asked.getlist("column") if one in COLUMNS]

    def at_day(self, day: date) -> str:
        """Return the query of this list from a day of the company's zone on, in an order by time."""
        oldest = self.order_by is OLDEST
        cursor = search_order.at_time(midnight(day if oldest else day + timedelta(days=1), self._company_zone))
        asked = [(name, value) for name, value in self._filled() if name != "order" or oldest]
        return urlencode([*asked, (PAGE, cursor)])

    @property
    def asks(self) -> bool:
        """Whether any filter is set."""
        return any(name in FILTERS for name, _value in self._filled())

    @property
    def chosen(self) -> set[str]:
        return set(self._asked.getlist("target"))

    def query(self, cursor: str = "") -> str:
        """Return the query string of this search, without empty values, from `cursor` on."""
        return urlencode([*self._filled(), *([(PAGE, cursor)] if cursor else [])])

    def _filled(self) -> list[tuple[str, str]]:
        asked = [(name, value) for name in self.fields for value in self._asked.getlist(name) if value]
        usual = set(self.columns) in (set(USUAL), set(USUAL) - {"party"})
        return [(name, value) for name, value in asked if name != "column" or not usual]
