"""`rokuon certificate`: what of some days is proven, explained or unaccounted for, to read, as a file, and for scripts."""

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import certificate as actions
from rokuon.base import csv_text
from rokuon.base.i18n import _
from rokuon.wiring import certificate
from rokuon.wiring.certificate import Certificate, Standing
from rokuon.wiring.certificate_json import as_json as in_json
from rokuon.wiring.certificate_sheet import Section, Sheet, sheet

from .main import FINISHED_WITH_FAILURES, OK
from .support import csv_file, output, selectors
from .support.commands import Command
from .support.session import opened


@click.command(
    cls=Command,
    help=_(
        "Certificate of completeness of some days: what Dialpad listed, what of it is verified in which bucket under which seal, what is "
        "explained and what is unaccounted for. What is not known is said first. The exit code is 0 only if nothing is unaccounted for and "
        "everything is sealed."
    ),
)
@click.option("--from", "since", metavar="DATE", required=True, help=_("First date of the calls."))
@click.option("--to", "until", metavar="DATE", required=True, help=_("Last date of the calls."))
@selectors.scope_options
@click.option("--csv", "csv_path", metavar="FILE", help=_("Write a row for each target and day to this file; - is standard output."))
@selectors.company_option
@selectors.json_option
def certificate_command(
    since: str,
    until: str,
    office_name: str | None,
    target_name: str | None,
    csv_path: str | None,
    company_name: str | None,
    as_json: bool,
) -> int:
    if csv_path == csv_file.STANDARD_OUTPUT and as_json:
        raise click.UsageError(_("--csv - and --json cannot be combined."), click.get_current_context())
    if office_name is not None and target_name is not None:
        raise click.UsageError(_("Name an office or a target, not both."), click.get_current_context())
    with opened() as session:
        company = selectors.company(company_name)
        zone, now = session.zone_of(company), session.now()
        first, last = actions.asked_days(since, until, now, zone)
        made = certificate.certify(
            company,
            first,
            last,
            now=now,
            made_by=COMMAND_LINE.name,
            zone=zone,
            office=selectors.office(company, office_name) if office_name is not None else None,
            target=selectors.target(company, target_name) if target_name is not None else None,
        )
        _write(made, csv_path, as_json)
        return OK if made.standing is Standing.COMPLETE else FINISHED_WITH_FAILURES


def _write(made: Certificate, csv_path: str | None, as_json: bool) -> None:
    if csv_path is not None:
        actions.exported(made, "CSV", COMMAND_LINE)
        headings, rows = actions.table(made)
        csv_file.write(csv_path, csv_text.lines(headings, rows))
    if as_json:
        actions.exported(made, "JSON", COMMAND_LINE)
        output.write_json(in_json(made))
    elif csv_path is None:
        _say(sheet(made))
    elif csv_path != csv_file.STANDARD_OUTPUT:
        output.say(_("Written to %(path)s.") % {"path": csv_path})


def _say(read: Sheet) -> None:
    output.say(read.title)
    output.say(read.about)
    output.say()
    output.say(_("%(sentence)s.") % {"sentence": read.verdict})
    for doubt in read.doubts:
        output.say(f"! {doubt}")
    output.say()
    for sentence in read.sentences:
        output.say(sentence)
    for section in read.sections:
        _say_section(section)


def _say_section(section: Section) -> None:
    output.say()
    output.say(section.heading)
    for name, value in section.facts:
        output.say(f"  {name}: {value}")
    for paragraph in section.paragraphs:
        output.say(f"  {paragraph}")
    if section.command:
        output.say(f"    {section.command}")
    for one in section.tables:
        rows = [[f"  {row[0]}" if place in one.deep else row[0], *row[1:]] for place, row in enumerate(one.rows)]
        output.table(list(one.headings), rows, right=one.right)
