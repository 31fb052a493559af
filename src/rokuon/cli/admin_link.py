"""`rokuon admin-link`: the way in for whoever runs the machine, on the first day and when everything else fails."""

import click

from rokuon.accounts import links, operators
from rokuon.accounts.models import Link
from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _
from rokuon.ops.mail import is_address

from . import choose, output
from .session import opened


@click.command(
    help=_(
        "Print a link that signs you in to the console: once, within 15 minutes. Without --email it is for the operator of this "
        "installation, who is made if there is none. Whoever opens the link is that person: do not pass it on."
    )
)
@click.option("--email", metavar="ADDRESS", help=_("Whom the link is for. Somebody who is not known yet becomes an operator."))
@choose.json_option
def admin_link_command(email: str | None, as_json: bool) -> None:
    if email is not None:
        _check(email)
    with opened() as session:
        try:
            person, token = operators.sign_in_link(email, session.now())
        except operators.Disabled as disabled:
            raise ConfigError(_("%(email)s is disabled. Enable the account first.") % {"email": disabled.args[0]}) from None
        except operators.SeveralOperators as several:
            raise ConfigError(
                _("There are several operators. Name one with --email: %(emails)s.") % {"emails": ", ".join(several.args)}
            ) from None
        address = session.config.public.origin + links.path(token)
        minutes = int(links.LIFE[Link.Kind.SIGN_IN].total_seconds() // 60)
        if as_json:
            output.write_json({"email": person.email, "url": address, "minutes": minutes})
            return
        output.say(_("Sign in as %(email)s (once, within %(minutes)d minutes):") % {"email": person.email, "minutes": minutes})
        output.say(address)


def _check(email: str) -> None:
    if not is_address(email):
        raise ConfigError(_("%(email)s is not an e-mail address.") % {"email": email})
