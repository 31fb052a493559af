"""`rokuon notices`: show notices, their mails and their recipients (M12)."""

from typing import Any

import click
from django.db.models import Q

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.mail import configured
from rokuon.actions import failures, notifications
from rokuon.base import i18n
from rokuon.base.i18n import _
from rokuon.cli.main import FINISHED_WITH_FAILURES, OK
from rokuon.cli.support import output, selectors
from rokuon.cli.support.commands import Group
from rokuon.cli.support.row_id import ROW_ID
from rokuon.cli.support.session import opened
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.notify import outbox, samples
from rokuon.notify.models import Notice, NotificationSettings
from rokuon.notify.render import render
from rokuon.runtime.mail_words import Then, in_words

from . import display
from .recipients import to

INSTALLATION = "default"


@click.group(
    cls=Group,
    invoke_without_command=True,
    help=_(
        "Show notices: what is wrong now, since when, who was notified and how often, and which mails wait or were refused. "
        "Failures are mailed to the admins of their office."
    ),
)
@click.option("--office", "office_name", metavar="NAME", help=_("Only what concerns one office."))
@selectors.company_option
@selectors.json_option
@click.pass_context
def notices_command(ctx: click.Context, office_name: str | None, company_name: str | None, as_json: bool) -> None:
    if ctx.invoked_subcommand is not None:
        if office_name is not None or company_name is not None or as_json:
            raise click.UsageError(_("Write options behind the name of the command that they are for."), ctx)
        return
    with opened() as session:
        company = selectors.company(company_name)
        offices = None if office_name is None else {selectors.office(company, office_name).pk}
        found = display.load_notices(company, offices, session.now())
        display.show(found, session.zone_of(company), as_json=as_json)


@notices_command.command("ack", help=_("Acknowledge a notice: no more reminders are sent. It stays open until it is fixed."))
@click.argument("notice_id", type=ROW_ID, metavar="ID")
@selectors.company_option
@selectors.json_option
def ack(notice_id: int, company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        notice = Notice.objects.filter(Q(company=company) | Q(company=None), pk=notice_id, ended_at=None).select_related("office").first()
        if notice is None:
            raise ConfigError(_("There is no open notice %(id)d. `rokuon notices` lists them.") % {"id": notice_id})
        if notice.company_id is None:
            raise ConfigError(_("This notice is about the installation: it ends as soon as a worker runs. Start one with `rokuon worker`."))
        done = bool(failures.acknowledge(company, None, [notice], COMMAND_LINE, session.now()))
        if as_json:
            output.write_json({"acknowledged": done})
        elif done:
            output.say(_("No more reminders are sent. It stays open until it is fixed."))
        else:
            output.say(_("Already done: its reminders are stopped, or it is over."))


def _language_option(command: Any) -> Any:
    return click.option("--language", type=click.Choice(i18n.LANGUAGES), help=_("Language of the mail. Without it, the installation's."))(
        command
    )


@notices_command.command("test", help=_("Send a test mail to an address now, and say what the mail server answered."))
@click.argument("address", metavar="ADDRESS")
@_language_option
@selectors.company_option
@selectors.json_option
def trial(address: str, language: str | None, company_name: str | None, as_json: bool) -> int:
    if not configured():
        raise ConfigError(_("No mail server is set. Set ROKUON_SMTP_URL."))
    with opened() as session:
        company = selectors.company(company_name)
        config = session.config
        trouble = outbox.trial(address, language or config.language, company.name, session.zone_of(company), config.public.origin)
        if as_json:
            output.write_json(
                {"taken": trouble is None, "error": str(trouble) if trouble else None, "advice": in_words(trouble or "", Then.ONCE) or None}
            )
        elif trouble is None:
            output.say(_("The mail server took a test mail to %(email)s. Look whether it arrives.") % {"email": address})
        else:
            click.echo(_("Error: %(sentence)s") % {"sentence": in_words(trouble, Then.ONCE)}, err=True)
        return OK if trouble is None else FINISHED_WITH_FAILURES


@notices_command.command(
    "preview",
    help=_(
        "Show a mail with invented names, as it would be sent: plain, or with --html. OCCASION is one of these: opened, more, reminder, "
        "escalated, ended, backfill, weekly, trial."
    ),
)
@click.argument("occasion", type=click.Choice(list(samples.LETTERS)), metavar="OCCASION")
@_language_option
@click.option("--html", "as_html", is_flag=True, help=_("Write the HTML of the mail."))
def preview(occasion: str, language: str | None, as_html: bool) -> None:
    config = Config.load()
    mail = render(samples.LETTERS[occasion], language or config.language, config.public.origin)
    output.say(mail.html if as_html else f"{mail.subject}\n\n{mail.text}")


@notices_command.command("set", help=_("Set a company's notification preferences: the weekly mail, the directory's admins, the language."))
@click.option("--weekly/--no-weekly", default=None, help=_("Mail the company admins every Monday how things stand, or not."))
@click.option(
    "--directory-admins/--no-directory-admins",
    default=None,
    help=_("Also notify the admins that Dialpad's directory names, or only people and addresses entered here."),
)
@click.option(
    "--language",
    type=click.Choice([*i18n.LANGUAGES, INSTALLATION]),
    help=_("Language for readers who have chosen none; default is the installation's."),
)
@selectors.company_option
@selectors.json_option
def set_(weekly: bool | None, directory_admins: bool | None, language: str | None, company_name: str | None, as_json: bool) -> None:
    if weekly is None and directory_admins is None and language is None:
        raise click.UsageError(_("Name a setting to change. `rokuon notices set --help` lists them."), click.get_current_context())
    with opened() as session:
        company = selectors.company(company_name)
        preferences = NotificationSettings.of(company.pk)
        changed = notifications.change_notification_settings(
            company,
            COMMAND_LINE,
            session.now(),
            directory_admins=preferences.directory_admins if directory_admins is None else directory_admins,
            weekly=preferences.weekly if weekly is None else weekly,
            language=preferences.language if language is None else language.removeprefix(INSTALLATION),
        )
        if as_json:
            output.write_json({"changed": changed})
        else:
            output.say(_("Saved.") if changed else _("Nothing differs from what was set, so nothing was changed."))


notices_command.add_command(to)
