"""`rokuon admin-link`: a sign-in link for the operator, on the first day and when no other sign-in works."""

import click

from rokuon.accounts import links, operators
from rokuon.accounts.models import Link
from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError

from .support import address_errors, output, selectors
from .support.commands import Command
from .support.session import opened


@click.command(
    cls=Command,
    help=_(
        "Print a link that signs you in to the console: once, within 15 minutes. Without --email it is for the operator of this "
        "installation, who is made if there is none. Anyone who opens the link is signed in as that person: do not pass it on."
    ),
)
@click.option("--email", metavar="ADDRESS", help=_("E-mail address of the person the link is for. An unknown address becomes an operator."))
@selectors.json_option
def admin_link_command(email: str | None, as_json: bool) -> None:
    with opened() as session:
        try:
            with address_errors.usable(email):
                person, token = operators.sign_in_link(email, session.now())
        except operators.OperatorDisabled as disabled:
            raise ConfigError(_("%(email)s is disabled. Enable the account first.") % {"email": disabled.args[0]}) from None
        except operators.WithoutRole as without:
            raise ConfigError(
                _("%(email)s has no role any more. Give one with `rokuon people invite`.") % {"email": without.args[0]}
            ) from None
        except operators.SeveralOperators as several:
            raise ConfigError(
                _("There are several operators. Name one with --email: %(emails)s.") % {"emails": _(", ").join(several.args)}
            ) from None
        address = session.config.public.origin + links.path(token)
        minutes = int(links.LIFE[Link.Kind.SIGN_IN].total_seconds() // 60)
        if as_json:
            output.write_json({"email": person.email, "url": address, "minutes": minutes})
            return
        output.say(_("Sign in as %(email)s (once, within %(minutes)d minutes):") % {"email": person.email, "minutes": minutes})
        output.say(address)
