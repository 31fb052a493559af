"""`rokuon notices to`: list, add and remove recipients."""

import click

from rokuon.accounts.addresses import address_of
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import notifications
from rokuon.actions.notifications import KnownAlready, TooMany
from rokuon.base import i18n
from rokuon.base.i18n import _
from rokuon.cli.support import address_errors, output, selectors
from rokuon.cli.support.commands import Group
from rokuon.cli.support.session import opened
from rokuon.domain.failures import ConfigError
from rokuon.notify import recipients
from rokuon.notify.models import Recipient
from rokuon.notify.recipients import KnownAddress
from rokuon.org.models import Company, Office


@click.group("to", cls=Group, help=_("Recipients: list them, and add or remove addresses by hand."))
def to() -> None:
    pass


_office_option = click.option("--office", "office_name", metavar="NAME", help=_("Of one office. Without it, of the whole company."))


@to.command("add", help=_("Add a recipient, for one office or for the whole company."))
@click.argument("address", metavar="ADDRESS")
@_office_option
@click.option("--language", type=click.Choice(i18n.LANGUAGES), help=_("What its reader reads. Without it, the installation's language."))
@selectors.company_option
def add(address: str, office_name: str | None, language: str | None, company_name: str | None) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        office = selectors.office(company, office_name) if office_name is not None else None
        spoken = language or session.config.language
        try:
            with address_errors.usable(address):
                added = notifications.add_recipient(company, office, address, spoken, COMMAND_LINE, session.now())
        except KnownAlready:
            raise ConfigError(_("%(email)s already receives notifications there.") % {"email": address}) from None
        except TooMany:
            raise ConfigError(
                _("No more than %(count)d addresses can be added there. Use a mailing list instead.") % {"count": notifications.MOST}
            ) from None
        output.say(_("%(email)s will receive notifications.") % {"email": added.email})


@to.command("remove", help=_("Remove a recipient that was added by hand."))
@click.argument("address", metavar="ADDRESS")
@_office_option
@selectors.company_option
def remove(address: str, office_name: str | None, company_name: str | None) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        office = selectors.office(company, office_name) if office_name is not None else None
        with address_errors.usable(address):
            found = Recipient.objects.filter(company=company, office=office, email=address_of(address)).first()
        if found is None or not notifications.remove_recipient(found, COMMAND_LINE, session.now()):
            raise ConfigError(
                _("%(email)s was not added there by hand. `rokuon notices to list` shows the recipients.") % {"email": address}
            )
        output.say(_("%(email)s no longer receives notifications through this entry.") % {"email": found.email})


@to.command("list", help=_("List all recipients by office, and where each comes from."))
@selectors.company_option
@selectors.json_option
def list_addresses(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        offices = list(company.offices.order_by("name", "pk"))
        known = recipients.known(company.pk, offices, session.now())
        places: list[tuple[Office | None, list[KnownAddress]]] = [(None, known[None]), *((office, known[office.pk]) for office in offices)]
        if as_json:
            output.write_json([_data(office, entry) for office, entries in places for entry in entries])
            return
        _show(company, places)


def _show(company: Company, places: list[tuple[Office | None, list[KnownAddress]]]) -> None:
    rows = [
        [
            office.name if office is not None else _("Company"),
            entry.address.email,
            entry.address.name,
            _source(entry.address.source),
            entry.address.language,
            _("refused by the mail server") if entry.refused_at is not None else _("receives notifications"),
        ]
        for office, entries in places
        for entry in entries
    ]
    if rows:
        output.table([_("Office"), _("E-mail address"), _("Name"), _("Known by"), _("Language"), _("State")], rows)
    nobody = [office.name for office, entries in places if office is not None and all(entry.refused_at for entry in entries)]
    if nobody:
        output.say(
            _("Nobody of these offices can be notified; the company's admins are notified instead: %(offices)s.")
            % {"offices": _(", ").join(nobody)}
        )
    if all(entry.refused_at for entry in places[0][1]):
        output.say(_("No company admin can be notified. Add an address with `rokuon notices to add`."))


def _source(source: str) -> str:
    return {
        recipients.PERSON: _("a person who signs in"),
        recipients.ADDED: _("added by hand"),
        recipients.DIRECTORY: _("Dialpad's directory"),
    }[source]


def _data(office: Office | None, entry: KnownAddress) -> dict[str, object]:
    return {
        "office": office.name if office is not None else None,
        "office_id": office.dialpad_id if office is not None else None,
        "email": entry.address.email,
        "name": entry.address.name,
        "language": entry.address.language,
        "known_by": entry.address.source,
        "refused_at": entry.refused_at,
    }
