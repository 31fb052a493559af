"""The banner under the top bar: problems of Rokuon itself, with the cause and a link to the page that fixes them. Usually empty.

Every page needs it, so it makes few queries: live workers, whether Dialpad asked for a pause, the company's open holds, and, only if a
bucket is held, the name of that bucket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.base import dates, i18n
from rokuon.domain.failures import HoldOn, Responsible, SourceThrottled, by_reason
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ledger.models import Hold
from rokuon.org import budget, tree
from rokuon.org.budget import BudgetState
from rokuon.org.models import Bucket, Company
from rokuon.wiring import budget_text

WORKER_SILENT_S = 30.0
MOST = 3
"""At most this many holds are listed one by one."""


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence, the name of the bucket if it is about one, and the link to the page that fixes it ("" if this person may open none)."""

    text: str
    name: str = ""
    url: str = ""
    link: str = ""
    code: str = ""


def said(company: Company, reaches: Mapping[Action, AccessReach], zone: str) -> list[Banner]:
    """Return the banners for a person with this reach who reads times in `zone`; about buckets, only those that the person's own targets
    use."""
    told = []
    if not queue.live_workers(WORKER_SILENT_S):
        told.append(Banner(_("No worker is running, so nothing is backed up at the moment. Start one on the machine that runs Rokuon.")))
    if pause := paused(budget.budget_state(company.pk), zone):
        told.append(Banner(pause, code=SourceThrottled.reason))
    held = holds_within(company, reaches[Action.VIEW])
    names = _bucket_names(held[:MOST])
    told += [_of_hold(company, reaches, hold, names) for hold in held[:MOST]]
    if len(held) > MOST:
        more = len(held) - MOST
        told.append(Banner(ngettext("%(count)d more thing is held.", "%(count)d more things are held.", more) % {"count": more}))
    return told


def paused(standing: BudgetState, zone: str) -> str:
    """Return the pause that Dialpad asked for as a sentence, with times in that zone; "" for none."""
    return budget_text.pause(standing, lambda when: dates.named(when, zone))


def without_database() -> Banner:
    return Banner(_("The database does not answer. Nothing that was recorded is lost, and backup resumes when it is back."))


def holds_within(company: Company, reach: AccessReach) -> Sequence[Hold]:
    """Return the open holds that stop something within reach, without those on buckets that only other offices use."""
    return those_within(company, reach, holds.open_holds(company.pk))


def those_within(company: Company, reach: AccessReach, held: Sequence[Hold]) -> Sequence[Hold]:
    """Return those of these holds, open or lifted, that stop or stopped something within reach."""
    buckets = [hold for hold in held if hold.on == HoldOn.BUCKET]
    if reach.offices is None or not buckets:
        return held
    used = {str(one.effective.bucket) for one in tree.target_settings(company) if one.target.office_id in reach.offices}
    return [hold for hold in held if hold.on != HoldOn.BUCKET or hold.ref in used]


def _bucket_names(held: Sequence[Hold]) -> dict[str, str]:
    wanted = [int(hold.ref) for hold in held if hold.on == HoldOn.BUCKET]
    if not wanted:
        return {}
    return {str(pk): url for pk, url in Bucket.objects.filter(pk__in=wanted).values_list("pk", "url")}


def _of_hold(company: Company, reaches: Mapping[Action, AccessReach], hold: Hold, names: Mapping[str, str]) -> Banner:
    failure = by_reason(hold.reason)
    advice = i18n._(failure.advice)
    if hold.on == HoldOn.BUCKET:
        bucket = reverse("console:settings-bucket", args=[company.public_id, hold.ref]) if Action.SET_BUCKETS in reaches else ""
        return Banner(advice, names.get(hold.ref, ""), bucket, _("To the bucket"), hold.reason)
    if failure.notify is Responsible.OPERATOR:
        return Banner(advice, "Dialpad", code=hold.reason)
    if Action.SET_COMPANY in reaches:
        return Banner(advice, "Dialpad", reverse("console:set_up", args=[company.public_id]) + "#key", _("To the API key"), hold.reason)
    return Banner(i18n.join_sentences(advice, _("A company admin can do this.")), "Dialpad", code=hold.reason)
