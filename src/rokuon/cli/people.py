"""`rokuon people invite | list | set | disable | enable | reset`."""

import click

from rokuon.accounts import links, people, proof
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import Link, Membership, Person
from rokuon.actions.directory_sign_in import allow
from rokuon.base.i18n import _, ngettext
from rokuon.domain.failures import ConfigError

from .support import address_errors, output, selectors
from .support.commands import Group
from .support.session import opened


@click.group(cls=Group, help=_("People who sign in to the console."))
def people_command() -> None:
    pass


@people_command.command("invite", help=_("Give someone a role, and print the link that lets a new person in: once, within 7 days."))
@click.argument("email", metavar="ADDRESS")
@click.option("--role", type=click.Choice(Membership.Role.values), required=True, help=_("What the person may do."))
@click.option("--office", "office_name", metavar="NAME", help=_("Where: one office, by name or id. Without it, the whole company."))
@click.option("--name", default="", help=_("The person's name."))
@selectors.company_option
@selectors.json_option
def invite(email: str, role: str, office_name: str | None, name: str, company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        office = selectors.office(company, office_name) if office_name else None
        if (role == Membership.Role.OFFICE_ADMIN) != (office is not None) and role != Membership.Role.VIEWER:
            raise ConfigError(_("An office admin needs --office; a company admin is one of the whole company."))
        now = session.now()
        place, language = office.pk if office else None, session.config.language
        try:
            with address_errors.usable(email):
                person = people.invite(COMMAND_LINE, company.pk, email, name, role, place, language, now)
        except people.PersonDisabled as disabled:
            raise ConfigError(
                _("%(email)s is disabled. `rokuon people enable` lets them in again.") % {"email": disabled.args[0]}
            ) from None
        except people.LastAdmin:
            raise ConfigError(_("The company would be left without a company admin. Make someone else one first.")) from None
        url = ""
        if person.last_login is None:
            url = session.config.public.origin + links.path(people.invitation(COMMAND_LINE, person, company.pk, Link.Handed.OPERATOR, now))
        if as_json:
            output.write_json({"email": person.email, "role": role, "url": url or None})
            return
        output.say(_("%(email)s has the role from now on.") % {"email": person.email})
        if url:
            output.say(_("Hand this link over (once, within %(days)d days):") % {"days": links.LIFE[Link.Kind.INVITATION].days})
            output.say(url)


@people_command.command("list", help=_("List the people and their roles."))
@selectors.json_option
def list_people(as_json: bool) -> None:
    with opened() as session:
        rows = [(one, _roles(one, marked=not as_json)) for one in Person.objects.order_by("email")]
        if as_json:
            output.write_json(
                [
                    {
                        "email": one.email,
                        "name": one.name,
                        "active": one.is_active,
                        "disabled_at": one.disabled_at,
                        "removed_at": one.removed_at,
                        "created_at": one.created_at,
                        "proven_at": one.proven_at,
                        "proven_by": one.proven_by or None,
                        "reset_at": one.reset_at,
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
                [_("E-mail address"), _("Role"), _("Account since"), _("Address proven"), _("Last sign-in"), _("State")],
                [
                    [
                        one.email,
                        "\n".join([*(["operator"] if one.is_operator else []), *roles]),
                        output.moment(one.created_at, zone),
                        output.moment(one.proven_at, zone) if one.proven_at is not None else _("not proven"),
                        output.moment(one.last_login, zone),
                        _state(one),
                    ]
                    for one, roles in rows
                ],
            )


@people_command.command("disable", help=_("Disable a person: sign them out everywhere and refuse new sign-ins."))
@click.argument("email", metavar="ADDRESS")
def disable(email: str) -> None:
    with opened() as session:
        person = _person(email)
        try:
            people.disable(COMMAND_LINE, person, session.now())
        except people.LastAdmin:
            raise ConfigError(_("The company would be left without a company admin. Make someone else one first.")) from None
        output.say(_("%(email)s is disabled and signed out.") % {"email": person.email})


@people_command.command("enable", help=_("Enable a disabled person again."))
@click.argument("email", metavar="ADDRESS")
def enable(email: str) -> None:
    with opened() as session:
        person = _person(email)
        people.enable(COMMAND_LINE, person, session.now())
        if person.removed_at is not None:
            output.say(
                _("%(email)s is no longer disabled, but has no role. Give one with `rokuon people invite`.") % {"email": person.email}
            )
        else:
            output.say(_("%(email)s may sign in again.") % {"email": person.email})


@people_command.command(
    "reset",
    help=_(
        "Remove what was set on an account: password, second factor, sign-ins, connected accounts and links. For who lost them, or if "
        "someone else may have set them. Then make a link with `rokuon admin-link --email`."
    ),
)
@click.argument("email", metavar="ADDRESS")
def reset(email: str) -> None:
    with opened() as session:
        person = _person(email)
        proof.reset_by_operator(COMMAND_LINE, person, session.now())
        said = _("%(email)s was reset and signed out everywhere. Next: `rokuon admin-link --email %(email)s`.")
        output.say(said % {"email": person.email})


@people_command.command("set", help=_("Set whether admins in Dialpad's directory may sign in by mail, with the role that they have there."))
@click.option(
    "--directory-sign-in/--no-directory-sign-in",
    required=True,
    help=_("Send them a link on request, or not: then the roles that the directory gave end."),
)
@selectors.company_option
@selectors.json_option
def set_(directory_sign_in: bool, company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        changed, ended = allow(company, directory_sign_in, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"changed": changed, "ended": ended})
            return
        output.say(_("Saved.") if changed else _("Nothing differs from what was set, so nothing was changed."))
        if ended:
            said = ngettext("%(count)d role from the directory has ended.", "%(count)d roles from the directory have ended.", ended)
            output.say(said % {"count": ended})


def _person(email: str) -> Person:
    found = Person.objects.at(email)
    if found is None:
        raise ConfigError(_("There is nobody with the address %(email)s.") % {"email": email})
    return found


def _state(person: Person) -> str:
    if person.disabled_at is not None:
        return _("disabled")
    return _("no role any more") if person.removed_at is not None else _("active")


def _roles(person: Person, *, marked: bool = False) -> list[str]:
    """Return the roles in words; `marked` says for readers which of them the directory gave."""
    held = person.memberships.select_related("company", "office").order_by("company__name", "office__name", "pk")
    return [_role(one, marked) for one in held]


def _role(one: Membership, marked: bool) -> str:
    said = f"{one.role}: {one.company.name}" + (f" / {one.office.name}" if one.office is not None else "")
    given = marked and one.source == Membership.Source.DIRECTORY
    return _("%(role)s (from Dialpad's directory)") % {"role": said} if given else said
