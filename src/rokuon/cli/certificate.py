"""`rokuon certificate`: what of some days is proven, explained or unaccounted for, to read, as a file, and for scripts."""

from collections.abc import Mapping

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import certificate as actions
from rokuon.base import csv_text
from rokuon.base.i18n import _
from rokuon.wiring import certificate, certificate_html
from rokuon.wiring.certificate import Certificate, Standing
from rokuon.wiring.certificate_json import as_json as in_json
from rokuon.wiring.certificate_sheet import Section, Sheet, sheet

from .main import FINISHED_WITH_FAILURES, OK
from .support import csv_file, output, private_file, selectors
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
@click.option("--pdf", "pdf_path", metavar="FILE", help=_("Write it as PDF to this file."))
@click.option("--html", "html_path", metavar="FILE", help=_("Write it as one HTML file."))
@selectors.company_option
@selectors.json_option
def certificate_command(
    since: str,
    until: str,
    office_name: str | None,
    target_name: str | None,
    csv_path: str | None,
    pdf_path: str | None,
    html_path: str | None,
    company_name: str | None,
    as_json: bool,
) -> int:
    if csv_path == csv_file.STANDARD_OUTPUT and as_json:
        raise click.UsageError(_("--csv - and --json cannot be combined."), click.get_current_context())
    if office_name is not None and target_name is not None:
        raise click.UsageError(_("Name an office or a target, not both."), click.get_current_context())
    named = [path for path in (csv_path, pdf_path, html_path) if path is not None]
    if len(set(named)) < len(named):
        raise click.UsageError(_("Each file needs a name of its own."), click.get_current_context())
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
        files = {"CSV": csv_path, "PDF": pdf_path, "HTML": html_path}
        _write(made, {form: path for form, path in files.items() if path is not None}, as_json)
        return OK if made.standing is Standing.COMPLETE else FINISHED_WITH_FAILURES


def _write(made: Certificate, files: Mapping[str, str], as_json: bool) -> None:
    for form, path in files.items():
        actions.exported(made, form, COMMAND_LINE)
        if form == "CSV":
            csv_file.write(path, csv_text.lines(*actions.table(made)))
        else:
            private_file.write(path, [_file(made, form)])
    if as_json:
        actions.exported(made, "JSON", COMMAND_LINE)
        output.write_json(in_json(made))
    elif not files:
        _say(sheet(made))
    elif csv_file.STANDARD_OUTPUT not in files.values():
        output.say(_("Written to %(path)s.") % {"path": _(", ").join(files.values())})


def _file(made: Certificate, form: str) -> bytes:
    if form == "HTML":
        return certificate_html.write(sheet(made))
    from rokuon.wiring import certificate_pdf  # the PDF library is loaded when a file is made

    return certificate_pdf.write(sheet(made))


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
