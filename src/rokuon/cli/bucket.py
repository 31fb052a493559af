"""`rokuon bucket add | list | verify`."""

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.domain.failures import BucketClaimedByOther, BucketForbidden, Decision
from rokuon.jobs import queue
from rokuon.ops.i18n import _
from rokuon.stores.verification import FRESH_GRANT_S, SENTENCES, Outcome, Verification, Waiting
from rokuon.wiring import setup

from . import choose, output
from .keyfile import read_secret
from .language import Group
from .main import FINISHED_WITH_FAILURES, OK, USAGE
from .session import opened

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
@choose.company_option
@choose.json_option
def add(url: str, key_file: str | None, no_wait: bool, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        company = choose.company(company_name)
        credential = read_secret(key_file, "") if key_file is not None else None
        registered, verification = setup.add_bucket(
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
            output.write_json({"url": shown, "registered": registered is not None, **setup.report(verification)})
            return _code(verification)
        _show(shown, verification)
        if registered is None:
            click.echo(_("The bucket was not registered; nothing was changed."), err=True)
        else:
            output.say(_("The bucket %(url)s is registered.") % {"url": shown})
            output.say(_("Next: choose it with `rokuon settings set --enable --bucket %(url)s`.") % {"url": shown})
        return _code(verification)


@bucket_command.command("list", help=_("List the registered buckets and when each was verified."))
@choose.company_option
@choose.json_option
def list_buckets(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = choose.company(company_name)
        known = list(company.buckets.order_by("url"))
        if as_json:
            output.write_json(
                [
                    {
                        "url": one.url,
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
                [_("Bucket"), _("Verified at"), _("Last verification"), _("Credential")],
                [
                    [
                        one.url,
                        output.moment(one.verified_at, session.config.time_zone),
                        _("passed") if one.verification.get("ok") else _("failed"),
                        _("its own") if one.credential else _("this machine's"),
                    ]
                    for one in known
                ],
            )


@bucket_command.command(
    "verify", help=_("Verify a registered bucket again, or give it a new credential. What waited for it goes on by itself.")
)
@click.argument("url")
@_credential_option
@_no_wait_option
@choose.company_option
@choose.json_option
def verify(url: str, key_file: str | None, no_wait: bool, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        chosen = choose.bucket(choose.company(company_name), url)
        credential = read_secret(key_file, "") if key_file is not None else None
        verification = setup.verify_bucket(
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
            output.write_json({"url": chosen.url, **setup.report(verification)})
        else:
            _show(chosen.url, verification)
        return _code(verification)


def _waiting(waiting: Waiting) -> None:
    click.echo(
        _("The bucket refuses (%(step)s). After a fresh grant this passes within minutes; Rokuon asks again in %(seconds)d s.")
        % {"step": _(SENTENCES[waiting.step]), "seconds": waiting.next_try_s},
        err=True,
    )


def _show(url: str, verification: Verification) -> None:
    marks = {Outcome.DONE: "✓", Outcome.FOUND: "✓", Outcome.FAILED: "✗"}
    for done in verification.steps:
        note = f" {_('(it was there)')}" if done.outcome is Outcome.FOUND else ""
        output.say(f"{marks[done.outcome]} {_(SENTENCES[done.step])}{note}")
    for advice in verification.advice:
        output.say(f"• {_(SENTENCES[advice])}")
    failure = verification.failure
    if failure is None:
        output.say(_("Rokuon can list %(url)s, write to it and read back what it wrote.") % {"url": url})
        return
    detail = f" ({failure.detail})" if failure.detail and not isinstance(failure, BucketClaimedByOther) else ""
    sentence = _(failure.advice)
    if isinstance(failure, BucketForbidden) and url.startswith("file:"):
        sentence = _("The folder refuses Rokuon. Give the user that runs Rokuon the right to write into it.")
    click.echo(_("Error: %(sentence)s") % {"sentence": f"{url}: {sentence} [{failure.reason}]{detail}"}, err=True)
    if isinstance(failure, BucketForbidden) and url.startswith("gs://"):
        click.echo(
            f"  gcloud storage buckets add-iam-policy-binding {url} --member=serviceAccount:EMAIL --role=roles/storage.objectUser",
            err=True,
        )


def _code(verification: Verification) -> int:
    if verification.failure is None:
        return OK
    return FINISHED_WITH_FAILURES if verification.failure.decision is Decision.AFTER else USAGE
