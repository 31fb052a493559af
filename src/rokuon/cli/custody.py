"""`rokuon custody status | issue | fingerprint | rotate-key | continue`."""

from datetime import datetime

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import custody
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.custody import overview, sshsig
from rokuon.custody.overview import SealOverview
from rokuon.jobs import queue

from .main import FINISHED_WITH_FAILURES, OK, USAGE
from .support import output, selectors
from .support.commands import Group
from .support.session import opened


@click.group(cls=Group, help=_("Custody files: the signed proof in each bucket of what is stored there (docs/verify.md)."))
def custody_command() -> None:
    pass


@custody_command.command("status", help=_("Show the newest seal of each bucket, and when the next one is due."))
@selectors.company_option
@selectors.json_option
def status(company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        company, now = selectors.company(company_name), session.now()
        found = overview.of_company(company.pk)
        if as_json:
            output.write_json([one.as_json(now) for one in found])
        elif not found:
            output.say(_("No bucket is registered yet. Register one with `rokuon bucket add gs://NAME`."))
        else:
            _show(found, session.zone_of(company), now)
        return FINISHED_WITH_FAILURES if any(one.problem(now) for one in found) else OK


def _show(found: list[SealOverview], zone: str, now: datetime) -> None:
    output.table(
        [_("Bucket"), _("Seal"), _("Made at"), _("Recordings"), _("Unaccounted for"), _("Next by")],
        [
            [
                one.url,
                output.number(one.number) if one.number else "–",
                output.moment(one.at, zone),
                output.number(one.verified),
                output.number(one.open),
                output.moment(one.next_by, zone),
            ]
            for one in found
        ],
        right=[1, 3, 4],
    )
    for one in found:
        if one.sha256:
            output.say(
                _("SHA-256 of seal %(number)d of %(url)s: %(sha256)s") % {"number": one.number, "url": one.url, "sha256": one.sha256}
            )
    for one in found:
        if says := overview.in_words(one, now, lambda when: output.moment(when, zone)):
            output.say(f"{one.url}: {says}")
            output.say(f"    → {overview.advice(one, now)}")


@custody_command.command("issue", help=_("Seal a bucket now. A worker does this once a day, and after each Back up now."))
@click.argument("url")
@selectors.company_option
@selectors.json_option
def issue(url: str, company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        made = custody.issue_now(session.installation, chosen, session.now())
        if as_json:
            output.write_json({"url": chosen.url, "seal": made.number, "sha256": made.sha256, "files": made.files, "days": made.days})
            return
        changed = ngettext("%(count)s changed day", "%(count)s changed days", made.days) % {"count": output.number(made.days)}
        output.say(_("%(url)s has seal %(number)d: %(days)s.") % {"url": chosen.url, "number": made.number, "days": changed})
        output.say(_("SHA-256 of the seal: %(sha256)s") % {"sha256": made.sha256})


@custody_command.command(
    "fingerprint",
    help=_("Print the fingerprint of the company's key. Give it to those who check the bucket, by another way than the bucket."),
)
@selectors.company_option
@selectors.json_option
def fingerprint(company_name: str | None, as_json: bool) -> None:
    with opened():
        company = selectors.company(company_name)
        public = custody.public_key(company)
        if as_json:
            line = sshsig.public_line(public)
            output.write_json({"company": company.name, "fingerprint": sshsig.fingerprint(public), "public_key": line})
        else:
            output.say(sshsig.fingerprint(public))


@custody_command.command(
    "rotate-key",
    help=_(
        "Give the company a new key. The next seal of each bucket is still signed by the old key and announces the new one, so "
        "that everyone who trusts the old key can trust it."
    ),
)
@selectors.company_option
@selectors.json_option
def rotate_key(company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        new = custody.rotate_key(session.installation, company, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"company": company.name, "fingerprint": new})
            return
        output.say(_("The new key is %(fingerprint)s.") % {"fingerprint": new})
        output.say(_("The next seal of each bucket announces it, and the one after that is signed by it."))


@custody_command.command(
    "continue",
    help=_(
        "Let the seals of a bucket continue after an older dump was restored, the key was lost, or someone else took a seal's name. A new "
        "chain begins that names the last seal in the bucket and the reason. Without --yes it only says what that means."
    ),
)
@click.argument("url")
@click.option("--yes", is_flag=True, help=_("Do it. Nothing in the bucket is changed or removed."))
@selectors.company_option
@selectors.json_option
def continue_seals(url: str, yes: bool, company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        chosen = selectors.bucket(selectors.company(company_name), url)
        if not yes:
            output.say(
                join_sentences(
                    _("A new chain of seals would begin in %(url)s. It continues the last one there and says why.") % {"url": chosen.url},
                    _("If another machine still runs with a copy of this database, stop it first: two would contradict each other."),
                )
            )
            click.echo(_("Nothing was changed. To continue, repeat the command with --yes."), err=True)
            return USAGE
        done = custody.continue_seals(session.installation, chosen, queue, COMMAND_LINE, session.now(), session.now)
        if as_json:
            output.write_json(
                {
                    "url": chosen.url,
                    "chain": done.chain,
                    "continues": {"chain": done.before, "seal": done.number} if done.number else None,
                    "new_fingerprint": done.fingerprint or None,
                }
            )
            return OK
        if done.number:
            output.say(
                _("The seals of %(url)s continue in chain %(chain)s, after seal %(number)d of chain %(before)s.")
                % {"url": chosen.url, "chain": done.chain, "number": done.number, "before": done.before}
            )
        else:
            output.say(
                _("The seals of %(url)s begin in chain %(chain)s: no earlier seal was found.") % {"url": chosen.url, "chain": done.chain}
            )
        if done.fingerprint:
            output.say(
                _("The key is another one: %(fingerprint)s. Give it to those who check the bucket.") % {"fingerprint": done.fingerprint}
            )
        output.say(_("Next: `rokuon backup-now` finds what was stored meanwhile, and a new seal follows."))
        return OK
