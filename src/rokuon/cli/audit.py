"""`rokuon audit log | sign-ins`: the audit log, and successful and refused sign-ins."""

from typing import Any

import click

from rokuon.accounts import sign_ins
from rokuon.accounts.addresses import as_kept
from rokuon.accounts.models import AuditEntry
from rokuon.accounts.sign_in_models import Result
from rokuon.accounts.sign_in_text import in_words
from rokuon.base.i18n import _
from rokuon.console.audit import labels

from .support import output, selectors
from .support.commands import Group
from .support.number_types import Whole
from .support.session import opened

COMPANY = "--company"
LONGEST_CHANGE = 300
LIMIT = click.option("--limit", type=Whole(1, 10_000), default=50, show_default=True, help=_("How many lines at most, the newest first."))


def _company_option(command: Any) -> Any:
    return click.option(COMPANY, "company_name", metavar="NAME", help=_("Only of this company, by name or id."))(command)


@click.group(cls=Group, help=_("What people did, and who signed in. Entries are only ever added."))
def audit_command() -> None:
    pass


@audit_command.command("log", help=_("Show the audit log: of every company and of the installation, or of one of them."))
@_company_option
@click.option("--installation", is_flag=True, help=_("Only what belongs to no company: accounts, links, operators."))
@LIMIT
@selectors.json_option
def log(company_name: str | None, installation: bool, limit: int, as_json: bool) -> None:
    if company_name is not None and installation:
        raise click.UsageError(_("Name a company or --installation, not both."), click.get_current_context())
    with opened() as session:
        found = AuditEntry.objects.select_related("company", "office")
        if installation:
            found = found.filter(company=None)
        elif company_name is not None:
            found = found.filter(company=selectors.company(company_name))
        entries = list(found.order_by("-at", "-id")[:limit])
        if as_json:
            output.write_json([_entry(one) for one in entries])
        elif not entries:
            output.say(_("Nothing is written down there yet."))
        else:
            headings = [_("When"), _("Where"), _("Who"), _("What"), _("Before and after")]
            output.table(headings, [_line(one, session.config.time_zone) for one in entries])


@audit_command.command("sign-ins", help=_("Show who signed in, and who tried to: by which way, from where, with what result."))
@_company_option
@click.option("--email", metavar="ADDRESS", help=_("Only of this account, whether it exists or not."))
@click.option("--refused", is_flag=True, help=_("Only what was refused."))
@LIMIT
@selectors.json_option
def list_sign_ins(company_name: str | None, email: str | None, refused: bool, limit: int, as_json: bool) -> None:
    with opened() as session:
        found = sign_ins.of_company(selectors.company(company_name).pk) if company_name is not None else sign_ins.everybodys()
        if email is not None:
            found = found.filter(email=as_kept(email))
        if refused:
            found = found.exclude(result=Result.OK)
        lines = [in_words(one) for one in found[:limit]]
        if as_json:
            names = ("at", "first_at", "times", "email", "way", "factor", "result", "address", "browser")
            output.write_json([{name: getattr(one.sign_in, name) for name in names} for one in lines])
        elif not lines:
            output.say(_("Nothing is written down there yet."))
        else:
            zone = session.config.time_zone
            output.table(
                [_("When"), _("Account"), _("By"), _("Result"), _("From where")],
                [
                    [
                        output.moment(one.sign_in.at, zone),
                        one.who,
                        one.way,
                        "\n".join(part for part in (one.result, one.times) if part),
                        one.sign_in.address or "–",
                    ]
                    for one in lines
                ],
            )


def _entry(one: AuditEntry) -> dict[str, Any]:
    return {
        "at": one.at,
        "company": one.company.name if one.company is not None else None,
        "office": one.office.name if one.office is not None else None,
        "actor": one.actor,
        "address": one.address,
        "action": one.action,
        "subject": one.subject,
        "before": one.before,
        "after": one.after,
    }


def _line(one: AuditEntry, zone: str) -> list[str]:
    places = [one.company.name if one.company is not None else _("Installation"), one.office.name if one.office is not None else ""]
    changes = [
        _cut(f"{name}: {' → '.join(side for side in (before, after) if side)}")
        for name, before, after in labels.changes(one.before, one.after, zone)
    ]
    return [
        output.moment(one.at, zone),
        "\n".join(place for place in places if place),
        "\n".join(part for part in (one.actor, one.address) if part),
        "\n".join(part for part in (labels.action_words(one.action), one.subject) if part),
        "\n".join(changes),
    ]


def _cut(text: str) -> str:
    """Cut a long list, such as the recordings of a closing; `--json` has all of it."""
    return text if len(text) <= LONGEST_CHANGE else f"{text[:LONGEST_CHANGE]} …"
