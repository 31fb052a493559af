"""`rokuon backup-now --dry-run`: what a run would do, without doing it."""


from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.org.models import Company

from .session import Session


def show_plan(
    session: Session, company: Company, kind: ScopeKind, scope_id: int, wanted: TimeRange | None, zone: str, *, relist: bool, as_json: bool
) -> int:
    raise NotImplementedError
