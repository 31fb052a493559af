"""`rokuon bucket add | list | verify | restart | rename | remove`."""

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import bucket_list, buckets, inventories
from rokuon.actions.bucket_restart import restart_bucket
from rokuon.base.i18n import _
from rokuon.domain.failures import BucketClaimedByOther, BucketForbidden, Decision, StoreThrottled
from rokuon.jobs import queue
from rokuon.ledger import inventory
from rokuon.org.models import Bucket
from rokuon.stores.registry import kind_of, sentence_of
from rokuon.stores.verification import FRESH_GRANT_S, SENTENCES, OnWait, StepOutcome, Verification
from rokuon.wiring import restart_text
from rokuon.wiring.bucket_report import report

from .inventory.options import AgeInDays
from .main import FINISHED_WITH_FAILURES, OK, USAGE
from .support import output, selectors
from .support.commands import Group
from .support.secret_input import read_secret
from .support.session import CliSession, opened

_no_wait_option = click.option(
    "--no-wait",
    is_flag=True,
    help=_("Do not ask again where the bucket refuses. Without it Rokuon asks for 7 minutes, which a fresh grant may take to arrive."),
)
_credential_option = click.option(
    "--key-file",
    metavar="PATH",
    help=_("Service-account key file of the bucket; - reads standard input. Without it the machine's own credentials are used."),
)


@click.group(cls=Group, help=_("Buckets and folders in which recordings are stored."))
def bucket_command() -> None:
    pass


@bucket_command.command(
    "add",
    help=_(
        "Register a bucket, gs://NAME or file:///FOLDER, after verifying it: Rokuon creates call-recordings/, reads it back and lists it. "
        "A bucket that fails is not registered."
    ),
)
@click.argument("url")
@_credential_option
@_no_wait_option
@selectors.company_option
@selectors.json_option
def add(url: str, key_file: str | None, no_wait: bool, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        company = selectors.company(company_name)
        credential = read_secret(key_file, "") if key_file is not None else None
        registered, verification = buckets.add_bucket(
            session.installation,
            company,
            url,
            credential,
            COMMAND_LINE,
            session.now(),
            patience=0 if no_wait else FRESH_GRANT_S,
            progress=_waiting,
        )
        shown = registered.url if registered is not None else url
        if as_json:
            output.write_json({"url": shown, "registered": registered is not None, **report(verification)})
            return _code(verification)
        _show(shown, verification)
        if registered is None:
            click.echo(_("The bucket was not registered; nothing was changed."), err=True)
        else:
            output.say(_("The bucket %(url)s is registered.") % {"url": shown})
            output.say(_("Next: choose it with `rokuon settings set --enable --bucket %(url)s`.") % {"url": shown})
        return _code(verification)


@bucket_command.command("list", help=_("List the registered buckets and when each was verified."))
@selectors.company_option
@selectors.json_option
def list_buckets(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        known = list(company.buckets.order_by("url"))
        if as_json:
            output.write_json(
                [
                    {
                        "url": one.url,
                        "name": one.name,
                        "identity": one.identity,
                        "marked_at": one.marked_at,
                        "verified_at": one.verified_at,
                        "own_credential": bool(one.credential),
                        "verification": one.verification,
                    }
                    for one in known
                ]
            )
        elif not known:
            output.say(_("No bucket is registered yet. Register one with `rokuon bucket add gs://NAME`."))
        else:
            output.table(
                [_("Bucket"), _("Name"), _("Verified at"), _("Last verification"), _("Credential")],
                [
                    [
                        one.url,
                        one.name,
                        output.moment(one.verified_at, session.zone_of(company)),
                        _("passed") if one.verification.get("ok") else _("failed"),
                        _("its own") if one.credential else _("this machine's"),
                    ]
                    for one in known
                ],
            )


@bucket_command.command(
    "verify", help=_("Verify a registered bucket again, or give it a new credential. What waited for it resumes automatically.")
)
@click.argument("url")
@_credential_option
@_no_wait_option
@selectors.company_option
@selectors.json_option
def verify(url: str, key_file: str | None, no_wait: bool, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        credential = read_secret(key_file, "") if key_file is not None else None
        verification = buckets.verify_bucket(
            session.installation,
            chosen,
            queue,
            COMMAND_LINE,
            session.now(),
            credential=credential,
            patience=0 if no_wait else FRESH_GRANT_S,
            progress=_waiting,
        )
        if as_json:
            output.write_json({"url": chosen.url, **report(verification)})
        else:
            _show(chosen.url, verification)
        return _code(verification)


@bucket_command.command(
    "restart",
    help=_(
        "Start a bucket again that was replaced or emptied on purpose: mark it again and look for every recording that was verified in it. "
        "Without --yes it only says what that would mean."
    ),
)
@click.argument("url")
@click.option("--yes", is_flag=True, help=_("Do it. What was verified in the bucket and is not there counts as failed from then on."))
@click.option(
    "--note",
    metavar="TEXT",
    default="",
    help=_("Why the bucket is used although recordings are not in it; needed if Rokuon misses some. It goes into the audit log."),
)
@selectors.company_option
@selectors.json_option
def restart(url: str, yes: bool, note: str, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        if not yes:
            return _meaning(session, chosen, as_json=as_json)
        done = restart_bucket(session.installation, chosen, queue, COMMAND_LINE, session.now(), note)
        if as_json:
            output.write_json({"url": chosen.url, **report(done.verification), "verified": done.verified, "failed": done.missing})
            return _code(done.verification)
        if not done.verification.ok:
            _show(chosen.url, done.verification)
            return _code(done.verification)
        output.say(_("%(url)s is marked, and Rokuon stores recordings in it.") % {"url": chosen.url})
        output.say(restart_text.outcome(done.verified, done.missing))
        if done.missing:
            output.say(
                _("Next: `rokuon retry --reason object_missing` copies them again while Dialpad has them; so does `rokuon backup-now`.")
            )
        return OK


@bucket_command.command("rename", help=_("Give a bucket a name for people, beside its address. Nothing changes in the store."))
@click.argument("url")
@click.argument("name")
@selectors.company_option
def rename(url: str, name: str, company_name: str | None) -> None:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        if bucket_list.rename_bucket(chosen, name, COMMAND_LINE, session.now()):
            output.say(_("Saved."))
        else:
            output.say(_("It has this name already. Nothing was changed."))


@bucket_command.command(
    "remove", help=_("Remove a bucket that nothing uses from the list. The bucket itself and all that is in it stay as they are.")
)
@click.argument("url")
@selectors.company_option
def remove(url: str, company_name: str | None) -> None:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        bucket_list.remove_bucket(chosen, COMMAND_LINE, session.now())
        output.say(_("%(url)s is no longer registered. Nothing in it was changed.") % {"url": chosen.url})


@bucket_command.command("declare", help=_("Declare what the bucket's own rules do, where Rokuon cannot read them."))
@click.argument("url")
@click.option(
    "--deletes-after", type=AgeInDays(), required=True, help=_("Age at which the bucket's own rule deletes objects, such as 2555d; never.")
)
@selectors.company_option
def declare(url: str, deletes_after: int, company_name: str | None) -> None:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        inventories.declare_rule(chosen, deletes_after or None, COMMAND_LINE, session.now())
        if deletes_after:
            said = _("%(url)s deletes objects after %(days)s days. An inventory counts older recordings that are gone as expired.")
            output.say(said % {"url": chosen.url, "days": output.number(deletes_after)})
        else:
            output.say(
                _("%(url)s deletes nothing on its own. An inventory counts every recording that is gone as missing.") % {"url": chosen.url}
            )


def _meaning(session: CliSession, bucket: Bucket, *, as_json: bool) -> int:
    found = buckets.look_at_bucket(session.installation, bucket)
    verified = inventory.verified(bucket.pk)
    if as_json:
        output.write_json({"url": bucket.url, **report(found), "verified": verified})
        return USAGE
    for sentence in restart_text.meaning(verified, found.looked_for, found.missing):
        output.say(sentence)
    said = _("Nothing was changed. To start %(url)s again, repeat the command with --yes.")
    if found.missing:
        said = _("Nothing was changed. To start %(url)s again, repeat the command with --yes and say why with --note.")
    click.echo(said % {"url": bucket.url}, err=True)
    return USAGE


def _waiting(waiting: OnWait) -> None:
    facts = {"step": _(SENTENCES[waiting.step]), "seconds": waiting.next_try_s, "detail": waiting.failure.detail or waiting.failure.reason}
    if isinstance(waiting.failure, BucketForbidden):
        said = (
            _("The bucket refuses (%(step)s). After a fresh grant this passes within minutes; Rokuon asks again in %(seconds)d s.") % facts
        )
    elif isinstance(waiting.failure, StoreThrottled):
        said = _("The store asked to slow down (%(step)s). Rokuon asks again in %(seconds)d s.") % facts
    else:
        said = (
            _("The store could not be reached or answered with an error: %(detail)s (%(step)s). Rokuon asks again in %(seconds)d s.")
            % facts
        )
    click.echo(said, err=True)


def _show(url: str, verification: Verification) -> None:
    marks = {StepOutcome.DONE: "✓", StepOutcome.FOUND: "✓", StepOutcome.FAILED: "✗"}
    for done in verification.steps:
        note = f" {_('(it was there)')}" if done.outcome is StepOutcome.FOUND else ""
        output.say(f"{marks[done.outcome]} {_(SENTENCES[done.step])}{note}")
    for advice in verification.advice:
        output.say(f"• {_(sentence_of(url, advice)) % {'longest_name': verification.longest_name}}")
    failure = verification.failure
    if failure is None:
        output.say(_("Rokuon can list %(url)s, write to it and read back what it wrote.") % {"url": url})
        return
    detail = f" ({failure.detail})" if failure.detail and not isinstance(failure, BucketClaimedByOther) else ""
    sentence = _(failure.advice)
    if isinstance(failure, BucketForbidden) and (of_kind := kind_of(url).forbidden):
        sentence = _(of_kind)
    click.echo(_("Error: %(sentence)s") % {"sentence": f"{url}: {sentence} [{failure.reason}]{detail}"}, err=True)
    if isinstance(failure, BucketForbidden) and (command := kind_of(url).grant_command(url)):
        click.echo(f"  {command}", err=True)


def _code(verification: Verification) -> int:
    if verification.failure is None:
        return OK
    return FINISHED_WITH_FAILURES if verification.failure.decision is Decision.AFTER else USAGE
