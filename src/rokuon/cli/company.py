"""`rokuon company add | list | key` and `rokuon sync`."""

from dataclasses import asdict
from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import companies
from rokuon.base.i18n import _, ngettext
from rokuon.base.secrets import Secret
from rokuon.jobs import queue
from rokuon.org.directory import SyncResult
from rokuon.org.models import Company
from rokuon.org.odd_zones import odd_zones
from rokuon.org.odd_zones import todo as zones_todo
from rokuon.wiring import key_check

from .support import output, pauses, selectors
from .support.commands import Command, Group
from .support.secret_input import read_secret
from .support.session import opened

MOST_ZONES = 10
DIALPAD = "https://dialpad.com"


@click.group(cls=Group, help=_("Companies whose call recordings are backed up."))
def company_command() -> None:
    pass


def _key_option(command: Any) -> Any:
    return click.option(
        "--key-file",
        metavar="PATH",
        help=_("File with the API key; - reads standard input. Without it you are asked. A key is never an argument."),
    )(command)


@company_command.command(
    "add",
    help=_(
        "Add a company by its Dialpad API key: a company-admin key with the scopes calls:list and recordings_export. The key is checked "
        "first; a key that is refused changes nothing."
    ),
)
@_key_option
@click.option("--base-url", default=DIALPAD, show_default=True, metavar="URL", help=_("Dialpad, its sandbox, or a compatible server."))
@selectors.json_option
def add(key_file: str | None, base_url: str, as_json: bool) -> None:
    companies.canonical_base_url(base_url)
    with opened() as session:
        added, result, account = companies.add_company(session.installation, base_url, _key(key_file), COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"id": added.pk, "dialpad_id": added.dialpad_id, "name": added.name, **_sync_json(result)})
            return
        output.say(_("Added the company %(name)s.") % {"name": added.name})
        output.say(_sync_sentence(result))
        _say_export(account)
        output.say(_("Next: register a bucket with `rokuon bucket add gs://NAME`."))


@company_command.command("key", help=_("Enter a new API key for a company. What waited for it resumes automatically."))
@_key_option
@selectors.company_option
def new_key(key_file: str | None, company_name: str | None) -> None:
    with opened() as session:
        chosen = selectors.company(company_name)
        pauses.refuse(chosen)
        account = companies.set_key(session.installation, chosen, _key(key_file), queue, COMMAND_LINE, session.now())
        output.say(_("The new key of %(name)s works. What waited for it resumes automatically.") % {"name": chosen.name})
        _say_export(account)


@company_command.command("list", help=_("List the companies of this installation."))
@selectors.json_option
def list_companies(as_json: bool) -> None:
    with opened() as session:
        known = list(Company.objects.order_by("name", "pk"))
        if as_json:
            output.write_json(
                [
                    {
                        "id": one.pk,
                        "dialpad_id": one.dialpad_id,
                        "name": one.name,
                        "base_url": one.base_url,
                        "enabled": one.enabled,
                        "has_key": bool(one.api_key),
                        "synced_at": one.synced_at,
                    }
                    for one in known
                ]
            )
        elif not known:
            output.say(_("There is no company yet. Add one with `rokuon company add`."))
        else:
            zone = session.config.time_zone
            output.table(
                [_("Company"), "ID", _("Address"), _("Backup"), _("Last sync")],
                [
                    [one.name, one.dialpad_id, one.base_url, _("enabled") if one.enabled else _("off"), output.moment(one.synced_at, zone)]
                    for one in known
                ],
            )


@click.command(
    cls=Command, help=_("Read offices, contact centers, coaching teams and people from Dialpad. Renames keep their folder and settings.")
)
@selectors.company_option
@selectors.json_option
def sync_command(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        chosen = selectors.company(company_name)
        with pauses.told(chosen):
            result = companies.sync(session.installation, chosen, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({**_sync_json(result), "unknown_time_zones": [asdict(one) for one in odd_zones(chosen)]})
        else:
            output.say(_sync_sentence(result))
            _say_zones(chosen)


def _say_zones(company: Company) -> None:
    odd = odd_zones(company)
    for one in odd[:MOST_ZONES]:
        click.echo(_("Warning: %(sentence)s") % {"sentence": one}, err=True)
    if len(odd) > MOST_ZONES:
        more = ngettext("Of %(count)d more likewise.", "Of %(count)d more likewise.", len(odd) - MOST_ZONES)
        click.echo(more % {"count": len(odd) - MOST_ZONES}, err=True)
    if odd:
        click.echo(zones_todo(), err=True)


def _key(key_file: str | None) -> Secret:
    return read_secret(key_file, _("Dialpad API key"))


def _sync_json(result: SyncResult) -> dict[str, int]:
    return {
        "offices": result.offices,
        "contact_centers": result.contact_centers,
        "coaching_teams": result.coaching_teams,
        "users": result.users,
    }


def _sync_sentence(result: SyncResult) -> str:
    read = output.read_from_dialpad(result.offices, result.contact_centers, result.coaching_teams, result.users)
    return _("Read from Dialpad: %(read)s.") % {"read": read}


def _say_export(account: key_check.Account) -> None:
    if account.exports is False:
        click.echo(
            _("Warning: recent calls are marked as recorded and name no recording. Look whether the key has the scope recordings_export."),
            err=True,
        )
