"""`rokuon people invite | list | disable | enable`."""

import click

from rokuon.accounts import links, people
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import Link, Membership, Person
from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _

from . import choose, output
from .language import Group
from .session import opened


@click.group(cls=Group, help=_("People who sign in to the console."))
def people_command() -> None:
    pass


@people_command.command("invite", help=_("Give somebody a role, and print the link that lets a new person in: once, within 7 days."))
@click.argument("email", metavar="ADDRESS")
@click.option("--role", type=click.Choice(Membership.Role.values), required=True, help=_("What the person may do."))
@click.option("--office", "office_name", metavar="NAME", help=_("Where: one office, by name or id. Without it, the whole company."))
@click.option("--name", default="", help=_("The person's name."))
@choose.company_option
@choose.json_option
def invite(email: str, role: str, office_name: str | None, name: str, company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = choose.company(company_name)
        office = choose.office(company, office_name) if office_name else None
        if (role == Membership.Role.OFFICE_ADMIN) != (office is not None) and role != Membership.Role.VIEWER:
            raise ConfigError(_("An office admin needs --office; a company admin is one of the whole company."))
        now = session.now()
        try:
            person = people.invite(COMMAND_LINE, company.pk, email, name, role, office.pk if office else None, session.config.language, now)
        except people.NotAnAddress:
            raise ConfigError(_("%(email)s is not an e-mail address.") % {"email": email}) from None
        except people.LastAdmin:
            raise ConfigError(_("The company would be left without a company admin. Make somebody else one first.")) from None
        url = ""
        if person.last_login is None:
            url = session.config.public.origin + links.path(people.invitation(COMMAND_LINE, person, company.pk, now))
        if as_json:
            output.write_json({"email": person.email, "role": role, "url": url or None})
            return
        output.say(_("%(email)s has the role from now on.") % {"email": person.email})
        if url:
            output.say(_("Hand this link over (once, within %(days)d days):") % {"days": links.LIFE[Link.Kind.INVITATION].days})
            output.say(url)


@people_command.command("list", help=_("List the people and their roles."))
@choose.json_option
def list_people(as_json: bool) -> None:
    with opened() as session:
        rows = [(one, _roles(one)) for one in Person.objects.order_by("email")]
        if as_json:
            output.write_json(
                [
                    {
                        "email": one.email,
                        "name": one.name,
                        "active": one.is_active,
                        "operator": one.is_operator,
                        "last_login": one.last_login,
                        "roles": roles,
                    }
                    for one, roles in rows
                ]
            )
        elif not rows:
            output.say(_("Nobody can sign in yet. Make a link with `rokuon admin-link`."))
        else:
            zone = session.config.time_zone
            output.table(
                [_("E-mail address"), _("Role"), _("Last sign-in"), _("State")],
                [
                    [
                        one.email,
                        "\n".join([*(["operator"] if one.is_operator else []), *roles]),
                        output.moment(one.last_login, zone),
                        _("active") if one.is_active else _("disabled"),
                    ]
                    for one, roles in rows
                ],
            )


@people_command.command("disable", help=_("Sign somebody out everywhere and let them in no more."))
@click.argument("email", metavar="ADDRESS")
def disable(email: str) -> None:
    with opened() as session:
        person = _person(email)
        try:
            people.disable(COMMAND_LINE, person, session.now())
        except people.LastAdmin:
            raise ConfigError(_("The company would be left without a company admin. Make somebody else one first.")) from None
        output.say(_("%(email)s is disabled and signed out.") % {"email": person.email})


@people_command.command("enable", help=_("Let somebody in again who was disabled."))
@click.argument("email", metavar="ADDRESS")
def enable(email: str) -> None:
    with opened() as session:
        person = _person(email)
        people.enable(COMMAND_LINE, person, session.now())
        output.say(_("%(email)s may sign in again.") % {"email": person.email})


def _person(email: str) -> Person:
    found = Person.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise ConfigError(_("There is nobody with the address %(email)s.") % {"email": email})
    return found


def _roles(person: Person) -> list[str]:
    held = person.memberships.select_related("company", "office").order_by("company__name", "office__name", "pk")
    return [f"{one.role}: {one.company.name}" + (f" / {one.office.name}" if one.office is not None else "") for one in held]
