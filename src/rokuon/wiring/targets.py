"""Load the targets of a window for the use cases: bucket, folder and zone of each, and the trainees of each team."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from rokuon.backup.discover import TargetPlan, Targets
from rokuon.domain.recording import Scope, ScopeKind
from rokuon.org.models import Company, Member, User
from rokuon.org.tree import TargetSettings, target_settings, zone_of


def load_targets(company: Company, ids: Collection[int]) -> Targets:
    """Load those of the targets `ids` that are backed up and have a bucket now: a rule switched off in the meantime is respected (C7)."""
    every = target_settings(company)
    found = as_targets(company, [one for one in every if one.target.pk in ids])
    return replace(found, ruled={_scope(one) for one in every if one.target.backed_up})


def _scope(one: TargetSettings) -> Scope:
    return Scope(ScopeKind(one.target.kind), one.target.dialpad_id)


def as_targets(company: Company, settings: Iterable[TargetSettings]) -> Targets:
    """Convert settings that are already loaded."""
    longest = dict(company.buckets.values_list("pk", "longest_name"))
    plans = {
        _scope(one): TargetPlan(one.target.pk, one.effective.bucket, one.target.folder, zone_of(one.target), longest[one.effective.bucket])
        for one in settings
        if one.target.backed_up and one.effective.bucket is not None
    }
    return Targets(plans, load_trainees(company.pk), voicemail=company.voicemail, names=_names(company.pk))


def load_trainees(company_id: int) -> dict[str, set[str]]:
    """Return the coaching teams of each trainee, by the source's ids."""
    trainees: dict[str, set[str]] = {}
    for user, team in Member.objects.filter(team__company_id=company_id).values_list("user_id", "team__dialpad_id"):
        trainees.setdefault(user, set()).add(team)
    return trainees


def _names(company_id: int) -> dict[str, str]:
    """Return each user's name in the directory, by the source's ids, including users who left."""
    return dict(User.objects.filter(company_id=company_id).exclude(name="").values_list("dialpad_id", "name"))
