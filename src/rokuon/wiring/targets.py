"""The targets of a window as the use cases need them: bucket, folder and zone of each, and who trains in which team."""

from collections.abc import Collection

from rokuon.backup.discover import TargetPlan, Targets
from rokuon.domain.recording import Scope, ScopeKind
from rokuon.org.models import Company, Member
from rokuon.org.tree import assign_folder, target_settings, zone_of


def load_targets(company: Company, ids: Collection[int]) -> Targets:
    """Those of the named targets that are backed up and have a bucket now: a rule switched off meanwhile is respected (C7)."""
    wanted = [one for one in target_settings(company) if one.target.pk in ids and one.target.backed_up and one.effective.bucket]
    plans = {
        Scope(ScopeKind(one.target.kind), one.target.dialpad_id): TargetPlan(
            id=one.target.pk, bucket_id=one.effective.bucket or 0, folder=assign_folder(one.target), zone=zone_of(one.target)
        )
        for one in wanted
    }
    trainees: dict[str, set[str]] = {}
    for user, team in Member.objects.filter(team__company=company).values_list("user_id", "team__dialpad_id"):
        trainees.setdefault(user, set()).add(team)
    return Targets(plans, trainees, voicemail=company.voicemail)
