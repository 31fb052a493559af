"""`rokuon backup-now --dry-run`: show what a run would do, without doing it."""

import asyncio
from dataclasses import asdict

from rokuon.backup.estimate import Estimate
from rokuon.base.i18n import _
from rokuon.cli.main import OK
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.org.models import Company
from rokuon.wiring.dry_run import estimate
from rokuon.wiring.job_handlers import JobHandlers


def show_plan(
    session: CliSession, company: Company, kind: ScopeKind, scope_id: int, wanted: TimeRange | None, *, relist: bool, as_json: bool
) -> int:
    """Show the plan. Costs one listing request per window; changes nothing."""

    async def ask() -> Estimate:
        engine = JobHandlers(session.installation, queue)
        try:
            return await estimate(engine, company.pk, kind, scope_id, wanted, session.now(), relist=relist)
        finally:
            await engine.close()

    plan = asyncio.run(ask())
    if as_json:
        output.write_json(asdict(plan))
        return OK
    about = "" if plan.exact else "≈ "
    output.table(
        [_("Plan"), ""],
        [
            [_("Windows to list"), output.number(plan.windows)],
            [_("Pages"), f"{about}{output.number(plan.pages)}"],
            [_("Calls"), f"{about}{output.number(plan.calls)}"],
            [_("Verified already"), output.number(plan.already)],
            [_("Recorded calls outside every rule"), _("not known") if plan.outside is None else f"{about}{output.number(plan.outside)}"],
            [_("Recordings to fetch"), f"{about}{output.number(plan.recordings)}"],
            [_("Size"), f"≈ {output.amount(plan.bytes)}"],
            [_("Requests"), f"{about}{output.number(plan.requests)}"],
            [
                _("Time at %(rate)s requests/s") % {"rate": f"{company.requests_per_second.normalize():f}"},
                f"{about}{output.duration(plan.seconds)}",
            ],
        ],
        right=[1],
    )
    if not plan.exact:
        output.say(_("≈ is estimated from the newest page of each window."))
    output.say(_("Nothing was changed. Without --dry-run the backup starts."))
    return OK
