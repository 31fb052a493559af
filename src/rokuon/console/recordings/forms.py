"""Search form for recordings, read from the page's own address, so that a search can be shared and bookmarked."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.base.state_words import state_word
from rokuon.domain.copies import State
from rokuon.domain.windows import local_midnight_ms
from rokuon.ledger import search
from rokuon.ledger.models import Run
from rokuon.ledger.next_try import QUEUED
from rokuon.ledger.search import CopyFilters, Within
from rokuon.org.models import Target
from rokuon.org.tree import zone_of

from . import status_text

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
PAGE = "page"


class _Day(forms.DateField):
    def __init__(self, label: Any) -> None:
        within = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
        super().__init__(label=label, required=False, input_formats=["%Y-%m-%d"], validators=within)


class RecordingsForm(forms.Form):
    """Filters of the search. `targets` are those within the person's reach: no others can be searched."""

    target = forms.MultipleChoiceField(required=False, label=gettext_lazy("Contact center / coaching team"))
    since = _Day(gettext_lazy("First day"))
    until = _Day(gettext_lazy("Last day"))
    agent = forms.CharField(required=False, max_length=100, label=gettext_lazy("Agent"))
    state = forms.ChoiceField(required=False, label=gettext_lazy("State"))
    reason = forms.ChoiceField(required=False, label=gettext_lazy("Reason"))
    call = forms.CharField(required=False, max_length=64, label=gettext_lazy("Call ID"))
    recording = forms.CharField(required=False, max_length=64, label=gettext_lazy("Recording ID"))
    run = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, asked: QueryDict, targets: Sequence[Target], run: Run | None = None) -> None:
        """With `run`, only the recordings of its targets and of its range are searched."""
        super().__init__(asked)
        self._asked, self._targets, self._run = asked, targets, run
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
        """The targets asked for, each with the days asked for in its own time zone."""
        chosen, run = set(self.cleaned_data["target"]), self._run
        return [
            self._times(target)
            for target in self._targets
            if (not chosen or str(target.pk) in chosen) and (run is None or target.pk in run.targets)
        ]

    def _times(self, target: Target) -> Within:
        first, last, run = self.cleaned_data["since"], self.cleaned_data["until"], self._run
        since = _midnight(first, zone_of(target)) if first else None
        until = _midnight(last + timedelta(days=1), zone_of(target)) if last else None
        if run is None:
            return Within(target.pk, since, until)
        return Within(target.pk, max(since or run.since, run.since), min(until or run.until, run.until))

    @property
    def filters(self) -> CopyFilters:
        asked = self.cleaned_data
        proof = asked["state"] if asked["state"] in status_text.WEAKER_PROOFS else ""
        state = State.VERIFIED if proof else asked["state"]
        return CopyFilters(state, asked["reason"], asked["agent"], asked["call"], asked["recording"], proof)

    @property
    def asks(self) -> bool:
        """Whether any filter is set."""
        return bool(self.query())

    @property
    def chosen(self) -> set[str]:
        return set(self._asked.getlist("target"))

    def query(self, cursor: str = "") -> str:
        """Return the query string of this search, without empty values, from `cursor` on."""
        asked = [(name, value) for name in self.fields for value in self._asked.getlist(name) if value]
        return urlencode([*asked, *([(PAGE, cursor)] if cursor else [])])


def _midnight(day: date, zone: str) -> datetime:
    return datetime.fromtimestamp(local_midnight_ms(day, zone) / 1000, UTC)
