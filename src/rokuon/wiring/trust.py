"""Find out, once per company and kind of target, whether listings by target can be trusted, and store the result."""

from datetime import datetime

from rokuon.backup.trust import target_listing_is_whole
from rokuon.domain import windows
from rokuon.domain.failures import RokuonError
from rokuon.domain.ports import Source, TimeRange
from rokuon.domain.recording import Scope, ScopeKind
from rokuon.ledger.gateway import Database
from rokuon.ledger.sql import ms
from rokuon.org import services
from rokuon.org.models import Company, Target

from .targets import load_trainees

TARGETS_TO_ASK = 3


async def learn_trust(company_id: int, source: Source, db: Database, now: datetime) -> None:
    """Compare listings for each kind of target without a result yet; a few requests each. If the source cannot be queried, or has no recent
    recording to compare, there is no result, and the whole company is listed."""
    for kind, targets in (await db(_open_questions, company_id)).items():
        trainees = await db(load_trainees, company_id)
        window = TimeRange(ms(now) - windows.WINDOW_DAYS * windows.DAY_MS, ms(now))
        for target_id in targets:
            try:
                answer = await target_listing_is_whole(source, Scope(ScopeKind(kind), target_id), trainees, window)
            except RokuonError:
                return
            if answer is not None:
                await db(services.learn_listing, company_id, kind, answer)
                break


def _open_questions(company_id: int) -> dict[str, list[str]]:
    known = Company.objects.values_list("listing_trust", flat=True).get(pk=company_id)
    questions: dict[str, list[str]] = {}
    for kind, dialpad_id in Target.objects.filter(company_id=company_id, backed_up=True).order_by("pk").values_list("kind", "dialpad_id"):
        if kind not in known and len(questions.setdefault(kind, [])) < TARGETS_TO_ASK:
            questions[kind].append(dialpad_id)
    return questions
