"""`rokuon evidence`: everything about some days in one zip, for an auditor."""

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import certificate, evidence
from rokuon.actions.evidence import Evidence
from rokuon.base.i18n import _

from .main import FINISHED_WITH_FAILURES, OK
from .support import output, private_file, selectors
from .support.commands import Command
from .support.session import opened


@click.command(
    cls=Command,
    help=_(
        "Write a zip for an auditor: certificates of completeness, all seals and the manifests of these days, the verifier with its "
        "output, the audit log, roles, settings, notices, mails and drills, and a guide that also says what is not in it. It reads the "
        "custody files and lists the recordings of these days; in a local folder, which keeps no checksums, it reads them too. The exit "
        "code is 0 only if nothing is unaccounted for and the verifier proves every bucket."
    ),
)
@click.option("--from", "since", metavar="DATE", required=True, help=_("First date of the calls."))
@click.option("--to", "until", metavar="DATE", required=True, help=_("Last date of the calls."))
@click.option("--target", "target_name", metavar="NAME", help=_("Only one contact center or coaching team."))
@click.option("--out", "path", metavar="FILE", help=_("Write it to this file. Default: rokuon-evidence-FROM-TO.zip in this folder."))
@selectors.company_option
@selectors.json_option
def evidence_command(since: str, until: str, target_name: str | None, path: str | None, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        company = selectors.company(company_name)
        zone, now = session.zone_of(company), session.now()
        days = certificate.asked_days(since, until, now, zone)
        target = selectors.target(company, target_name) if target_name is not None else None
        path = path or f"rokuon-evidence-{days[0]}-{days[1]}.zip"
        with private_file.opened(path) as out:
            done = evidence.write(session.installation, company, days, target, COMMAND_LINE, now, zone, out)
        if as_json:
            output.write_json(_json(done, path))
        else:
            _say(done, path)
        return OK if done.complete else FINISHED_WITH_FAILURES


def _say(done: Evidence, path: str) -> None:
    output.say(_("Written to %(path)s.") % {"path": path})
    for one in done.buckets:
        if one.code is not None:
            output.say(_("Verifier on %(url)s: exit code %(code)d.") % {"url": one.url, "code": one.code})
    output.say(_("What is not in it:"))
    for said in done.missing:
        output.say(f"  - {said}")


def _json(done: Evidence, path: str) -> dict[str, object]:
    buckets = [
        {"url": one.url, "seals": one.seals, "verifier_exit": one.code, "failure": one.failure.reason if one.failure else None}
        for one in done.buckets
    ]
    return {"path": path, "standing": done.standing.value, "buckets": buckets, "files": done.files, "missing": done.missing}
