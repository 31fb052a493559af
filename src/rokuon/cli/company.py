"""`rokuon company add | list | key` and `rokuon sync`."""

from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.jobs import queue
from rokuon.ops.i18n import _
from rokuon.ops.secrets import Secret
from rokuon.org.directory import SyncResult
from rokuon.org.models import Company
from rokuon.wiring import key_check, setup

from . import choose, output
from .keyfile import read_secret
from .language import Group
from .session import opened

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
@choose.json_option
def add(key_file: str | None, base_url: str, as_json: bool) -> None:
    setup.canonical_base_url(base_url)
    with opened() as session:
        added, result, account = setup.add_company(session.installation, base_url, _key(key_file), COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"id": added.pk, "dialpad_id": added.dialpad_id, "name": added.name, **_sync_json(result)})
            return
        output.say(_("Added the company %(name)s.") % {"name": added.name})
        output.say(_sync_sentence(result))
        _say_export(account)
        output.say(_("Next: register a bucket with `rokuon bucket add gs://NAME`."))


@company_command.command("key", help=_("Enter a new API key for a company. What waited for it goes on by itself."))
@_key_option
@choose.company_option
def new_key(key_file: str | None, company_name: str | None) -> None:
    with opened() as session:
        chosen = choose.company(company_name)
        account = setup.set_key(session.installation, chosen, _key(key_file), queue, COMMAND_LINE, session.now())
        output.say(_("The new key of %(name)s works. What waited for it goes on by itself.") % {"name": chosen.name})
        _say_export(account)


@company_command.command("list", help=_("List the companies of this installation."))
@choose.json_option
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


@click.command(help=_("Read offices, contact centers, coaching teams and people from Dialpad. Renames keep their folder and settings."))
@choose.company_option
@choose.json_option
def sync_command(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        chosen = choose.company(company_name)
        result = setup.sync(session.installation, chosen, COMMAND_LINE, session.now())
        if as_json:
            output.write_json(_sync_json(result))
        else:
            output.say(_sync_sentence(result))


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
    return _("Read from Dialpad: %(offices)s offices, %(centers)s contact centers, %(teams)s coaching teams, %(users)s people.") % {
        "offices": output.number(result.offices),
        "centers": output.number(result.contact_centers),
        "teams": output.number(result.coaching_teams),
        "users": output.number(result.users),
    }


def _say_export(account: key_check.Account) -> None:
    if account.exports is False:
        click.echo(
            _("Warning: recent calls were recorded, but Dialpad names no recording. The key may lack the scope recordings_export."),
            err=True,
        )
