"""`rokuon settings show | set`: the tree company > office > contact center or coaching team."""

from decimal import Decimal, InvalidOperation
from typing import Any

import click
from rich.markup import escape
from rich.tree import Tree

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings
from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError
from rokuon.domain.other_party import PartyDetail
from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import LEAST_RATE, MOST_RATE, Effective, MediaCharge
from rokuon.org import services
from rokuon.org.models import Company, Office, Target
from rokuon.org.tree import company_effective, target_settings

from .support import output, selectors
from .support.commands import Group
from .support.session import opened

PARTIES = [one.value for one in PartyDetail]
ACCESS_WINDOWS = {"45d": 45, "1y": 365, "none": None}


@click.group(cls=Group, help=_("Where recordings are stored. Precedence: contact center or coaching team, then office, then company."))
def settings_command() -> None:
    pass


@settings_command.command("show", help=_("Show every level, its effective bucket, and which level decided it and why."))
@selectors.company_option
@selectors.json_option
def show(company_name: str | None, as_json: bool) -> None:
    with opened():
        company = selectors.company(company_name)
        urls = dict(company.buckets.values_list("pk", "url"))
        if as_json:
            output.write_json(_json(company, urls))
        else:
            output.console().print(_tree(company, urls))


def _answer(effective: Effective, urls: dict[int, str]) -> str:
    return urls[effective.bucket] if effective.bucket is not None else _("not backed up")


def _tree(company: Company, urls: dict[int, str]) -> Tree:
    top = company_effective(company)
    state = _("backup enabled") if company.enabled else _("backup not enabled")
    restriction = _("access restriction on") if company.restricted else _("access restriction off")
    tree = Tree(f"[bold]{escape(company.name)}[/] ({company.dialpad_id})  {state}{_(', ')}{restriction}")
    tree.add(f"{_('Bucket')}: [bold]{escape(_answer(top, urls))}[/]  [dim]{escape(_(top.why.value))}[/]")
    tree.add(
        _("Voicemail: %(voicemail)s. Request budget: %(rate)s requests/s; a download costs: %(charge)s.")
        % {
            "voicemail": _("backed up") if company.voicemail else _("not backed up"),
            "rate": f"{company.requests_per_second.normalize():f}",
            "charge": _charge_name(company.media_charge),
        }
    )
    tree.add(
        _("Dialpad keeps a recording reachable after its call: %(window)s.") % {"window": access_window_name(company.access_window_days)}
    )
    tree.add(_("Kept of the other party of a call: %(party)s.") % {"party": _party_name(company.other_party)})
    branches: dict[int, Tree] = {}
    above: dict[int, Effective] = {}
    for office in company.offices.order_by("name", "pk"):
        effective = company_effective(company, office)
        label = f"[bold]{escape(office.name)}[/] ({office.dialpad_id})  {escape(_answer(effective, urls))}"
        if office.customized:
            label += f"  {_('customized')}"
        branches[office.pk] = tree.add(label + _why(effective, top))
        above[office.pk] = effective
        _add_ignored(branches[office.pk], effective)
    for one in target_settings(company):
        target = one.target
        rule = f"[green]● {_('rule enabled')}[/]" if target.backed_up else f"○ {_('rule off')}"
        branch = branches[target.office_id].add(
            f"{rule}  {output.kind_name(target.kind)} [bold]{escape(target.name)}[/] ({target.dialpad_id})  "
            f"{escape(_answer(one.effective, urls))}{_why(one.effective, above[target.office_id])}"
        )
        if target.folder:
            branch.add(_("Folder: call-recordings/%(folder)s/") % {"folder": escape(target.folder)})
        if target.state != "active":
            branch.add(_("State at Dialpad: %(state)s") % {"state": target.state})
        _add_ignored(branch, one.effective)
    return tree


def _why(effective: Effective, above: Effective) -> str:
    """Return the reason, if it differs from that of the level above."""
    return "" if effective.why is above.why else f"  [dim]{escape(_(effective.why.value))}[/]"


def _add_ignored(branch: Tree, effective: Effective) -> None:
    for ignored in effective.ignored:
        branch.add(f"[yellow]{escape(level_name(ignored.kind))}: {escape(_(ignored.why.value))}[/]")


def level_name(kind: ScopeKind) -> str:
    return {
        ScopeKind.COMPANY: _("Company"),
        ScopeKind.OFFICE: _("Office"),
        ScopeKind.CONTACT_CENTER: _("Contact center"),
        ScopeKind.COACHING_TEAM: _("Coaching team"),
    }[kind]


def _charge_name(charge: str) -> str:
    return {
        MediaCharge.NONE.value: _("nothing"),
        MediaCharge.ONE.value: _("one request"),
        MediaCharge.EACH.value: _("one request for each redirect too"),
    }[charge]


def _party_name(detail: str) -> str:
    return {"off": _("nothing"), "masked": _("masked"), "full": _("in full")}[detail]


def access_window_name(days: int | None) -> str:
    if days is None:
        return _("no end")
    return _("1 year") if days == ACCESS_WINDOWS["1y"] else _("45 days")


def _json(company: Company, urls: dict[int, str]) -> dict[str, Any]:
    def told(effective: Effective) -> dict[str, Any]:
        return {
            "bucket": urls[effective.bucket] if effective.bucket is not None else None,
            "decided_by": effective.won.value if effective.won is not None else None,
            "why": effective.why.name.lower(),
            "ignored": [{"level": one.kind.value, "why": one.why.name.lower()} for one in effective.ignored],
        }

    targets: dict[int, list[dict[str, Any]]] = {}
    for one in target_settings(company):
        target = one.target
        targets.setdefault(target.office_id, []).append(
            {
                "kind": target.kind,
                "id": target.dialpad_id,
                "name": target.name,
                "state": target.state,
                "rule": target.backed_up,
                "customized": target.customized,
                "folder": target.folder or None,
                "effective": told(one.effective),
            }
        )
    return {
        "company": company.name,
        "id": company.dialpad_id,
        "enabled": company.enabled,
        "restricted": company.restricted,
        "voicemail": company.voicemail,
        "requests_per_second": float(company.requests_per_second),
        "media_charge": company.media_charge,
        "access_window_days": company.access_window_days,
        "other_party": company.other_party,
        "effective": told(company_effective(company)),
        "offices": [
            {
                "id": office.dialpad_id,
                "name": office.name,
                "customized": office.customized,
                "effective": told(company_effective(company, office)),
                "targets": targets.get(office.pk, []),
            }
            for office in company.offices.order_by("name", "pk")
        ],
    }


@settings_command.command(
    "set",
    help=_(
        "Change settings. Without --office or --target, those of the company. A change affects recordings placed after it; what is in a "
        "bucket stays there."
    ),
)
@selectors.company_option
@click.option("--enable/--disable", default=None, help=_("Enable this feature for the company, or stop all backups."))
@click.option(
    "--restrict/--no-restrict",
    default=None,
    help=_("Access restriction: every office and center uses the company's bucket, or may choose."),
)
@click.option("--voicemail/--no-voicemail", default=None, help=_("Back up voicemail too, or not."))
@click.option("--requests-per-second", metavar="N", help=_("Rokuon's share of the 20 requests per second that Dialpad allows a company."))
@click.option(
    "--above-dialpad-limit",
    is_flag=True,
    help=_("Confirm that Dialpad has granted this company more than 20 requests per second; the audit log keeps it."),
)
@click.option(
    "--media-charge", type=click.Choice([one.value for one in MediaCharge]), help=_("What a download costs of the request budget.")
)
@click.option(
    "--access-window",
    type=click.Choice(list(ACCESS_WINDOWS)),
    help=_("How long your contract with Dialpad keeps a recording reachable after its call. What expires first is copied first."),
)
@click.option(
    "--other-party",
    type=click.Choice(PARTIES),
    help=_("What is kept of the other party of a call, to find it by its number. A stricter choice removes what was kept before."),
)
@click.option("--office", "office_name", metavar="NAME", help=_("Customize this office."))
@click.option("--target", "target_name", metavar="NAME", help=_("Customize this contact center or coaching team."))
@click.option("--bucket", "bucket_url", metavar="URL", help=_("Registered bucket to store recordings in."))
@click.option("--inherit", is_flag=True, help=_("End the customization: use the bucket of the level above."))
def set_(
    company_name: str | None,
    enable: bool | None,
    restrict: bool | None,
    voicemail: bool | None,
    requests_per_second: str | None,
    above_dialpad_limit: bool,
    media_charge: str | None,
    access_window: str | None,
    other_party: str | None,
    office_name: str | None,
    target_name: str | None,
    bucket_url: str | None,
    inherit: bool,
) -> None:
    chosen = (enable, restrict, voicemail, requests_per_second, media_charge, access_window, other_party)
    company_wide = [value for value in chosen if value is not None]
    below = office_name is not None or target_name is not None
    _refuse(office_name is not None and target_name is not None, _("Name an office or a target, not both."))
    _refuse(bool(company_wide) and below, _("These are settings of the company. Set them without --office and --target."))
    _refuse(inherit and bucket_url is not None, _("Use --bucket or --inherit, not both."))
    _refuse(inherit and not below, _("The company has no level above it. Name an --office or a --target."))
    _refuse(below and not inherit and bucket_url is None, _("Say --bucket URL or --inherit."))
    _refuse(not company_wide and not below and bucket_url is None, _("Name a setting to change. `rokuon settings set --help` lists them."))
    rate = _rate(requests_per_second)
    with opened() as session:
        company = selectors.company(company_name)
        node: Company | Office | Target = company
        if office_name is not None:
            node = selectors.office(company, office_name)
        elif target_name is not None:
            node = selectors.target(company, target_name)
        bucket = selectors.bucket(company, bucket_url) if bucket_url is not None else None
        wanted = services.choice(node, bucket) if bucket is not None or inherit else {}
        given = {
            "enabled": enable,
            "restricted": restrict,
            "voicemail": voicemail,
            "requests_per_second": rate,
            "media_charge": media_charge,
            "other_party": other_party,
        }
        wanted |= {name: value for name, value in given.items() if value is not None}
        if access_window is not None:
            wanted["access_window_days"] = ACCESS_WINDOWS[access_window]
        try:
            settings.change(node, wanted, COMMAND_LINE, session.now(), above_limit=above_dialpad_limit)
        except services.AboveLimit as error:
            raise ConfigError(f"{error} {_('Repeat the command with --above-dialpad-limit to confirm it.')}") from None
        company.refresh_from_db()
        output.say(_("Saved."))
        _say_effect(company, node)


def _refuse(wrong: bool, sentence: str) -> None:
    if wrong:
        raise click.UsageError(sentence, click.get_current_context())


def _rate(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not LEAST_RATE <= rate <= MOST_RATE:
        raise ConfigError(
            _("The request budget %(value)s is not a number between %(least)s and %(most)s. Dialpad allows 20 per second.")
            % {"value": repr(text[:40]), "least": LEAST_RATE, "most": f"{MOST_RATE:,}"}
        )
    return rate.quantize(Decimal("0.01"))


def _say_effect(company: Company, node: Company | Office | Target) -> None:
    if isinstance(node, Company):
        effective = company_effective(company)
    elif isinstance(node, Office):
        effective = company_effective(company, Office.objects.get(pk=node.pk))
    else:
        effective = next(one.effective for one in target_settings(company) if one.target.pk == node.pk)
    urls = dict(company.buckets.values_list("pk", "url"))
    output.say(_("%(name)s: %(bucket)s. %(why)s") % {"name": node.name, "bucket": _answer(effective, urls), "why": _(effective.why.value)})
