"""Find the company, office or target that a person typed, by name or by Dialpad's id."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from rokuon.base.i18n import _, join_sentences
from rokuon.domain.failures import ConfigError
from rokuon.domain.placement import folder_key
from rokuon.domain.recording import ScopeKind
from rokuon.ledger.models import Run
from rokuon.org.models import Bucket, Company, Office, Target

N = TypeVar("N", Company, Office, Target)
F = TypeVar("F", bound=Callable[..., Any])

NEAR = 5


def company_option(command: F) -> F:
    return click.option("--company", "company_name", metavar="NAME", help=_("Company, by name or id; needed only if there are several."))(
        command
    )


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help=_("Write JSON for scripts; its fields are stable."))(command)


def scope_options(command: F) -> F:
    command = click.option("--target", "target_name", metavar="NAME", help=_("Only one contact center or coaching team."))(command)
    return click.option("--office", "office_name", metavar="NAME", help=_("Only the contact centers and coaching teams of one office."))(
        command
    )


def targets(of: Company, office_name: str | None, target_name: str | None) -> list[int] | None:
    """Return the ledger ids of the targets in `scope_options`; None for all of the company."""
    if office_name is not None and target_name is not None:
        raise click.UsageError(_("Name an office or a target, not both."), click.get_current_context())
    if target_name is not None:
        return [target(of, target_name).pk]
    if office_name is not None:
        return list(of.targets.filter(office=office(of, office_name)).values_list("pk", flat=True))
    return None


def company(name: str | None) -> Company:
    """Return the named company, or the only one."""
    known: list[Company] = list(Company.objects.order_by("name", "pk"))
    if not known:
        raise ConfigError(_("There is no company yet. Add one with `rokuon company add`."))
    if name is None:
        if len(known) == 1:
            return known[0]
        raise ConfigError(_("There are several companies. Name one with --company: %(candidates)s.") % {"candidates": _names(known)})
    chosen: Company = _one(
        name,
        known,
        unknown=_("There is no company %(name)s."),
        ambiguous=_("Several companies match %(name)s. Use the id: %(candidates)s."),
    )
    return chosen


def office(of: Company, name: str) -> Office:
    chosen: Office = _one(
        name,
        list(of.offices.order_by("name")),
        unknown=_("There is no office %(name)s."),
        ambiguous=_("Several offices match %(name)s. Use the id: %(candidates)s."),
    )
    return chosen


def target(of: Company, name: str) -> Target:
    chosen: Target = _one(
        name,
        list(of.targets.select_related("office").order_by("name")),
        unknown=_("There is no contact center or coaching team %(name)s."),
        ambiguous=_("Several contact centers or coaching teams match %(name)s. Use the id of the one that you mean: %(candidates)s."),
    )
    return chosen


def only_bucket(of: Company, url: str | None) -> Bucket:
    """Return the named bucket of a company, or its only one."""
    if url is not None:
        return bucket(of, url)
    known = list(of.buckets.order_by("url"))
    if len(known) == 1:
        return known[0]
    if not known:
        raise ConfigError(_("No bucket is registered yet. Register one with `rokuon bucket add gs://NAME`."))
    raise ConfigError(
        _("There are several buckets. Name one with --bucket: %(known)s.") % {"known": _(", ").join(one.url for one in known[:NEAR])}
    )


def bucket(of: Company, url: str) -> Bucket:
    known = list(of.buckets.order_by("url"))
    found = [one for one in known if one.url.rstrip("/") == url.rstrip("/")]
    if found:
        return found[0]
    if not known:
        raise ConfigError(_("No bucket is registered yet. Register it first: rokuon bucket add %(url)s") % {"url": url})
    listed = _(", ").join(one.url for one in known[:NEAR])
    raise ConfigError(
        _("The bucket %(url)s is not registered. Register it first with `rokuon bucket add`, or use one of these: %(known)s.")
        % {"url": url, "known": listed}
    )


def _one(text: str, known: Sequence[Any], *, unknown: str, ambiguous: str, also: Callable[[Any], str] = lambda one: one.dialpad_id) -> Any:
    by_id = [one for one in known if text in (one.dialpad_id, also(one))]
    by_name = [one for one in known if one.name == text] or [one for one in known if folder_key(one.name) == folder_key(text)]
    found = by_id or by_name
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(ambiguous % {"name": repr(text), "candidates": _names(found)})
    sentence = unknown % {"name": repr(text)}
    near = difflib.get_close_matches(text, [one.name for one in known], n=NEAR, cutoff=0.5)
    candidates = [one for one in known if one.name in near] or list(known[:NEAR])
    if candidates:
        hint = _("Did you mean: %(candidates)s?") if near else _("There are, for example: %(candidates)s.")
        sentence = join_sentences(sentence, hint % {"candidates": _names(candidates)})
    raise ConfigError(join_sentences(sentence, _("Run `rokuon sync` if it is new in Dialpad.")))


def _names(ones: Iterable[Company | Office | Target]) -> str:
    return _(", ").join(_name(one) for one in ones)


def _name(one: Company | Office | Target) -> str:
    """Return the name with its id; a target also with its office, because people know Billing by its office and not by its id."""
    told = {"name": one.name, "id": one.dialpad_id}
    if isinstance(one, Target):
        return _("%(name)s (%(id)s, office %(office)s)") % {**told, "office": one.office.name}
    return _("%(name)s (%(id)s)") % told


def scope_name(run: Run) -> str:
    """Return the scope of a run: the name of its target or office, or the word for the whole company."""
    if run.scope_kind == ScopeKind.COMPANY:
        return _("Company")
    model = Office if run.scope_kind == ScopeKind.OFFICE else Target
    return str(model.objects.values_list("name", flat=True).get(pk=run.scope_id))
