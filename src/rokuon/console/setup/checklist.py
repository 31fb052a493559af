"""Checklist of the set-up: the steps to the first verified recording, with the state and text of each. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.base import i18n
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.domain.failures import HoldOn, by_reason
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Run
from rokuon.org import tree
from rokuon.org.models import Company

EARLY_COPIES = 500
"""The first verified recording is searched for among this many of the oldest entries, because they were copied concurrently."""


class StepState(StrEnum):
    DONE = "done"
    CURRENT = "current"
    OPEN = "open"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """Input for judging the steps. `*_reason` are reason codes of open holds; `stored` counts those of the `ruled` targets with a
    bucket."""

    has_key: bool = False
    key_reason: str = ""
    exports: bool | None = None
    synced_at: datetime | None = None
    targets: int = 0
    buckets: int = 0
    sound_buckets: int = 0
    bucket_reason: str = ""
    enabled: bool = False
    chosen: bool = False
    ruled: int = 0
    stored: int = 0
    runs: int = 0
    running: bool = False
    failed: bool = False
    first_verified_at: datetime | None = None
    workers: bool = True


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A step of the set-up. `place` is the name of the page where it is done, "" if it is done on the set-up page itself or
    automatically."""

    name: str
    title: str
    state: StepState
    says: str
    place: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    steps: tuple[SetupStep, ...]
    done_at: datetime | None

    @property
    def current(self) -> SetupStep | None:
        """The next step to do: the first that is wrong or current."""
        return next((step for step in self.steps if step.state in (StepState.WRONG, StepState.CURRENT)), None)

    @property
    def done(self) -> int:
        return sum(step.state is StepState.DONE for step in self.steps)


def read(company: Company) -> Checklist:
    return judge(facts_of(company))


def facts_of(company: Company) -> SetupFacts:
    """Read the facts of a company from the database."""
    held = holds.open_holds(company.pk)
    buckets = list(company.buckets.only("verified_at", "verification"))
    held_buckets = {hold.ref: hold.reason for hold in held if hold.on == HoldOn.BUCKET}
    targets = [one for one in tree.target_settings(company) if one.target.state != "deleted"]
    ruled = [one for one in targets if one.target.backed_up]
    asked = Run.objects.filter(company=company, purpose=Run.Purpose.BACK_UP_NOW)
    runs = list(asked.order_by("-created_at").values_list("state", flat=True)[:20])
    return SetupFacts(
        has_key=bool(company.api_key),
        key_reason=next((hold.reason for hold in held if hold.on == HoldOn.SOURCE), ""),
        exports=company.exports,
        synced_at=company.synced_at,
        targets=len(targets),
        buckets=len(buckets),
        sound_buckets=sum(bool(one.verified_at) and bool(one.verification.get("ok", True)) for one in buckets),
        bucket_reason=next(iter(held_buckets.values()), ""),
        enabled=company.enabled,
        chosen=company.bucket_id is not None or any(one.effective.bucket is not None for one in targets),
        ruled=len(ruled),
        stored=sum(one.effective.bucket is not None for one in ruled),
        runs=len(runs),
        running=Run.State.RUNNING in runs,
        failed=Copy.objects.filter(company=company, state__in=[Copy.State.FAILED, Copy.State.GONE]).exists(),
        first_verified_at=_first_verified_at(company),
        workers=queue.live_workers(WORKER_SILENT_S) > 0,
    )


def _first_verified_at(company: Company) -> datetime | None:
    early = Copy.objects.filter(company=company, state=Copy.State.VERIFIED).order_by("pk")
    return min(early.values_list("changed_at", flat=True)[:EARLY_COPIES], default=None)


def judge(facts: SetupFacts) -> Checklist:
    """Return the steps with their states. The first step that is not done is the current one; a wrong step is wrong at any position."""
    steps: list[SetupStep] = []
    for name, title, done, wrong, says, place, link in (
        _key(facts),
        _directory(facts),
        _bucket(facts),
        _enable(facts),
        _rules(facts),
        _backup(facts),
        _verified(facts),
    ):
        waiting = any(step.state in (StepState.CURRENT, StepState.WRONG) for step in steps)
        state = StepState.WRONG if wrong else StepState.DONE if done else StepState.OPEN if waiting else StepState.CURRENT
        steps.append(SetupStep(name, title, state, says, place, link))
    complete = all(step.state is StepState.DONE for step in steps)
    return Checklist(tuple(steps), facts.first_verified_at if complete else None)


_Judged = tuple[str, str, bool, bool, str, str, str]
"""Name, title, done, wrong, text, the page where it is done, and the text of the link."""


def _key(facts: SetupFacts) -> _Judged:
    wrong = facts.has_key and (bool(facts.key_reason) or facts.exports is False)
    if not facts.has_key:
        says = _("Enter an API key of your Dialpad company. Rokuon checks at once what it opens.")
    elif facts.key_reason:
        says = i18n._(by_reason(facts.key_reason).advice)
    elif facts.exports is False:
        says = _(
            "Recent calls are marked as recorded and name no recording. Look in Dialpad whether the key has the scope "
            "recordings_export, and whether these calls can be played."
        )
    else:
        says = _("The key works.")
    return "key", _("Dialpad API key"), facts.has_key, wrong, says, "", ""


def _directory(facts: SetupFacts) -> _Judged:
    done = facts.synced_at is not None and facts.targets > 0
    if facts.synced_at is None:
        says = _("Rokuon reads offices, contact centers, coaching teams and people from Dialpad.")
    elif not facts.targets:
        says = _("Dialpad names no contact center and no coaching team. Create one in Dialpad, then read the directory again.")
    else:
        says = ngettext(
            "%(count)s contact center or coaching team is known.", "%(count)s contact centers and coaching teams are known.", facts.targets
        ) % {"count": f"{facts.targets:,}"}
    return "directory", _("Directory"), done, facts.synced_at is not None and not done, says, "", ""


def _bucket(facts: SetupFacts) -> _Judged:
    wrong = bool(facts.bucket_reason) or (facts.buckets > 0 and not facts.sound_buckets)
    if facts.bucket_reason:
        says = i18n._(by_reason(facts.bucket_reason).advice)
    elif not facts.buckets:
        says = _("Create a bucket in Google Cloud Storage, let Rokuon in, and register it here. Rokuon checks that it can write and read.")
    elif wrong:
        says = _("No bucket passed its last verification. Read its result, fix the cause at the store, and verify again.")
    else:
        says = ngettext(
            "%(count)s bucket is registered and verified.", "%(count)s buckets are registered and verified.", facts.sound_buckets
        ) % {"count": f"{facts.sound_buckets:,}"}
    place = ("settings-buckets", _("To the buckets")) if facts.buckets else ("settings-bucket_new", _("Register a bucket"))
    return "bucket", _("Bucket"), facts.sound_buckets > 0, wrong, says, *place


def _enable(facts: SetupFacts) -> _Judged:
    if facts.enabled and facts.chosen:
        says = _("Backup is enabled and a bucket is chosen.")
    elif facts.enabled:
        says = _("Backup is enabled, but no bucket is chosen yet.")
    else:
        says = _("Tick “Enable this feature” and choose the bucket for the whole company. Offices and centers may get their own later.")
    return "enable", _("Enable and choose the bucket"), facts.enabled and facts.chosen, False, says, "settings", _("To the settings")


def _rules(facts: SetupFacts) -> _Judged:
    wrong = facts.ruled > 0 and facts.enabled and facts.chosen and not facts.stored
    if not facts.ruled:
        says = _("Choose the contact centers and coaching teams whose recordings are backed up.")
    elif wrong:
        says = _("None of the contact centers and coaching teams with a rule has a bucket. Choose one in the settings.")
    else:
        says = ngettext(
            "%(count)s contact center or coaching team is backed up.",
            "%(count)s contact centers and coaching teams are backed up.",
            facts.ruled,
        ) % {"count": f"{facts.ruled:,}"}
    return "rules", _("Backup rules"), facts.ruled > 0, wrong, says, "rules", _("To the backup rules")


def _backup(facts: SetupFacts) -> _Judged:
    done = facts.runs > 0 or facts.first_verified_at is not None
    if not done:
        says = _("Back up the recordings of the past two years. You see the plan before it starts.")
    elif facts.running:
        says = _("A run is in progress.")
    else:
        says = _("You have started it. A later run takes only what is missing or has failed.")
    return "backup", _("Back up now"), done, False, says, "backup_now", _("To “Back up now”")


def _verified(facts: SetupFacts) -> _Judged:
    wrong = False
    if facts.first_verified_at is not None:
        says = _("The first recording is in your bucket: written, read back by its checksum, and as long as Dialpad says.")
    elif not facts.runs:
        says = _("Rokuon counts a recording only when your bucket has proven that it holds every byte of it.")
    elif facts.running and not facts.workers:
        wrong, says = True, _("The run waits, because no worker is running. Start one on the machine that runs Rokuon.")
    elif facts.running:
        says = _("The backup is running. The first recordings arrive within minutes.")
    elif facts.failed:
        wrong, says = True, _("No recording could be backed up. The overview names the causes and what to do about each.")
    else:
        says = _("The run found no recording. Choose more contact centers or coaching teams, or wait until a recorded call ends.")
    place, link = ("overview", _("To the overview")) if wrong or facts.first_verified_at is not None else ("", "")
    return "verified", _("First verified recording"), facts.first_verified_at is not None, wrong, says, place, link
