"""`rokuon notices to`: the addresses that are told."""

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.people import NotAnAddress
from rokuon.domain.failures import ConfigError
from rokuon.notify import recipients
from rokuon.notify.models import Recipient
from rokuon.notify.recipients import Known
from rokuon.ops import i18n
from rokuon.ops.i18n import _
from rokuon.org.models import Company, Office
from rokuon.wiring import notice_settings
from rokuon.wiring.notice_settings import KnownAlready, TooMany

from . import choose, output
from .language import Group
from .session import opened


@click.group("to", cls=Group, help=_("Who is told: list everybody, and add or remove addresses by hand."))
def to() -> None:
    pass


_office_option = click.option("--office", "office_name", metavar="NAME", help=_("Of one office. Without it, of the whole company."))


@to.command("add", help=_("Tell an address too: of one office, or of the whole company."))
@click.argument("address", metavar="ADDRESS")
@_office_option
@click.option("--language", type=click.Choice(i18n.LANGUAGES), help=_("What its reader reads. Without it, the installation's language."))
@choose.company_option
def add(address: str, office_name: str | None, language: str | None, company_name: str | None) -> None:
    with opened() as session:
        company = choose.company(company_name)
        office = choose.office(company, office_name) if office_name is not None else None
        spoken = language or session.config.language
        try:
            added = notice_settings.add_recipient(company, office, address, spoken, COMMAND_LINE, session.now())
        except NotAnAddress:
            raise ConfigError(_("%(email)s is not an e-mail address.") % {"email": address}) from None
        except KnownAlready:
            raise ConfigError(_("%(email)s is told there already.") % {"email": address}) from None
        except TooMany:
            raise ConfigError(
                _("No more than %(count)d addresses can be added there. Use a mailing list instead.") % {"count": notice_settings.MOST}
            ) from None
        output.say(_("%(email)s is told from now on.") % {"email": added.email})


@to.command("remove", help=_("Tell an address no longer that was added by hand."))
@click.argument("address", metavar="ADDRESS")
@_office_option
@choose.company_option
def remove(address: str, office_name: str | None, company_name: str | None) -> None:
    with opened() as session:
        company = choose.company(company_name)
        office = choose.office(company, office_name) if office_name is not None else None
        found = Recipient.objects.filter(company=company, office=office, email__iexact=address.strip()).first()
        if found is None or not notice_settings.remove_recipient(found, COMMAND_LINE, session.now()):
            raise ConfigError(_("%(email)s was not added there by hand. `rokuon notices to list` shows who is told.") % {"email": address})
        output.say(_("%(email)s is no longer told by this entry.") % {"email": found.email})


@to.command("list", help=_("List everybody who is told, by office, and how they are known."))
@choose.company_option
@choose.json_option
def list_addresses(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = choose.company(company_name)
        offices = list(company.offices.order_by("name", "pk"))
        known = recipients.known(company.pk, offices, session.now())
        places: list[tuple[Office | None, list[Known]]] = [(None, known[None]), *((office, known[office.pk]) for office in offices)]
        if as_json:
            output.write_json([_data(office, entry) for office, entries in places for entry in entries])
            return
        _show(company, places)


def _show(company: Company, places: list[tuple[Office | None, list[Known]]]) -> None:
    rows = [
        [
            office.name if office is not None else _("Company"),
            entry.address.email,
            entry.address.name,
            _source(entry.address.source),
            entry.address.language,
            _("refused by the mail server") if entry.refused_at is not None else _("is told"),
        ]
        for office, entries in places
        for entry in entries
    ]
    if rows:
        output.table([_("Office"), _("E-mail address"), _("Name"), _("Known by"), _("Language"), _("State")], rows)
    nobody = [office.name for office, entries in places if office is not None and all(entry.refused_at for entry in entries)]
    if nobody:
        output.say(
            _("Nobody of these offices can be told; the company's admins are told instead: %(offices)s.")
            % {"offices": _(", ").join(nobody)}
        )
    if all(entry.refused_at for entry in places[0][1]):
        output.say(_("No company admin can be told. Add an address with `rokuon notices to add`."))


def _source(source: str) -> str:
    return {
        recipients.PERSON: _("a person who signs in"),
        recipients.ADDED: _("added by hand"),
        recipients.DIRECTORY: _("Dialpad's directory"),
    }[source]


def _data(office: Office | None, entry: Known) -> dict[str, object]:
    return {
        "office": office.name if office is not None else None,
        "office_id": office.dialpad_id if office is not None else None,
        "email": entry.address.email,
        "name": entry.address.name,
        "language": entry.address.language,
        "known_by": entry.address.source,
        "refused_at": entry.refused_at,
    }
