"""`rokuon rule enable | disable`: choose the contact centers and coaching teams that are backed up automatically."""

from collections.abc import Callable
from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings
from rokuon.base.i18n import _, ngettext
from rokuon.jobs import queue
from rokuon.org.models import Company, Target

from .support import output, selectors
from .support.commands import Group
from .support.session import opened


@click.group(cls=Group, help=_("Call recording backup rules: automatic backup of a contact center's or a coaching team's recordings."))
def rule_command() -> None:
    pass


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("names", nargs=-1, metavar="[TARGET]..."),
        click.option("--all", "everything", is_flag=True, help=_("Every contact center and coaching team.")),
        click.option("--kind", type=click.Choice(Target.Kind.values), help=_("Only contact centers, or only coaching teams.")),
        click.option("--office", "office_name", metavar="NAME", help=_("Those of one office.")),
        selectors.company_option,
    ):
        command = option(command)
    return command


@rule_command.command("enable", help=_("Enable automatic backup of call recordings for contact centers and coaching teams, by name or id."))
@_which
def enable(names: tuple[str, ...], everything: bool, kind: str | None, office_name: str | None, company_name: str | None) -> None:
    _require_choice(names, everything, kind, office_name)
    with opened() as session:
        company = selectors.company(company_name)
        targets = _chosen(company, names, kind, office_name)
        changed = len(settings.change_rules(company, targets, [], queue, COMMAND_LINE, session.now()).enabled)
        _report(
            changed,
            len(targets),
            ngettext("The backup rule of %(count)s target was enabled.", "The backup rules of %(count)s targets were enabled.", changed),
        )
        if not company.enabled:
            output.say(_("Backup is not enabled for the company yet: rokuon settings set --enable"))


@rule_command.command("disable", help=_("Disable automatic backup. What is in the bucket stays; what waits is set aside, visibly."))
@_which
def disable(names: tuple[str, ...], everything: bool, kind: str | None, office_name: str | None, company_name: str | None) -> None:
    _require_choice(names, everything, kind, office_name)
    with opened() as session:
        company = selectors.company(company_name)
        targets = _chosen(company, names, kind, office_name)
        done = settings.change_rules(company, [], targets, queue, COMMAND_LINE, session.now())
        changed, excluded = len(done.disabled), done.excluded
        _report(
            changed,
            len(targets),
            ngettext("The backup rule of %(count)s target was disabled.", "The backup rules of %(count)s targets were disabled.", changed),
        )
        if excluded:
            output.say(
                ngettext(
                    "%(count)s waiting recording was set aside as excluded; enabling the rule takes it back.",
                    "%(count)s waiting recordings were set aside as excluded; enabling the rule takes them back.",
                    excluded,
                )
                % {"count": output.number(excluded)}
            )


def _require_choice(names: tuple[str, ...], everything: bool, kind: str | None, office_name: str | None) -> None:
    if bool(names) == bool(everything or kind or office_name):
        raise click.UsageError(_("Name targets, or choose them with --all, --kind or --office."), click.get_current_context())


def _chosen(company: Company, names: tuple[str, ...], kind: str | None, office_name: str | None) -> list[Target]:
    if names:
        return [selectors.target(company, name) for name in names]
    chosen = company.targets.exclude(state="deleted")
    if kind is not None:
        chosen = chosen.filter(kind=kind)
    if office_name is not None:
        chosen = chosen.filter(office=selectors.office(company, office_name))
    return list(chosen)


def _report(changed: int, chosen: int, sentence: str) -> None:
    if changed:
        output.say(sentence % {"count": output.number(changed)})
    if changed < chosen or not chosen:
        same = chosen - changed
        output.say(ngettext("%(count)s was that way already.", "%(count)s were that way already.", same) % {"count": output.number(same)})
