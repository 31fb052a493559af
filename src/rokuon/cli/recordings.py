"""`rokuon recordings`: search and list recordings, as a table, as JSON or as CSV."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import recordings_download
from rokuon.base import csv_text
from rokuon.base.i18n import _, ngettext
from rokuon.domain.copies import State
from rokuon.domain.failures import ConfigError
from rokuon.domain.other_party import PartyDetail
from rokuon.domain.placement import zone as zone_info
from rokuon.domain.sought import DaysSought, days_of
from rokuon.ledger import other_parties, search, search_totals
from rokuon.ledger.models import Copy, OtherParty
from rokuon.ledger.search import CopyFilters, Within
from rokuon.ledger.search_order import NEWEST, ORDERS
from rokuon.ledger.search_totals import SearchTotals
from rokuon.org.models import Company, Target
from rokuon.wiring.recording_search import Found, ReadAs, Reading, find, on_days

from .support import csv_file, output, selectors
from .support.commands import Command
from .support.number_types import Whole
from .support.session import opened

LISTED = 50


@click.command(
    cls=Command,
    help=_(
        "Find recordings. TEXT is a call ID, a recording ID, a phone number, an agent's name or a date, and the output says how it was "
        "understood; without it, all recordings are listed."
    ),
)
@click.argument("text", required=False, default="")
@click.option("--as", "read_as", type=click.Choice([one.value for one in ReadAs]), help=_("Understand TEXT as this, and as nothing else."))
@click.option("--state", type=click.Choice([one.value for one in State]), help=_("Without TEXT: only recordings in this state."))
@click.option("--since", metavar="DATE", help=_("Without TEXT: first date of the calls."))
@click.option("--until", metavar="DATE", help=_("Without TEXT: last date of the calls."))
@click.option("--order", type=click.Choice(list(ORDERS)), default=NEWEST.name, show_default=True, help=_("Order of the list."))
@click.option("--limit", type=Whole(1, 10_000), default=LISTED, show_default=True, help=_("List at most this many."))
@click.option(
    "--csv",
    "csv_path",
    metavar="FILE",
    help=_("Write every recording that is found to this file, with path, SHA-256 and proof; - writes it to standard output."),
)
@selectors.scope_options
@selectors.company_option
@selectors.json_option
def recordings_command(
    text: str,
    read_as: str | None,
    state: str | None,
    since: str | None,
    until: str | None,
    order: str,
    limit: int,
    csv_path: str | None,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    context = click.get_current_context()
    if text and (state or since or until):
        raise click.UsageError(_("--state, --since and --until cannot be combined with TEXT."), context)
    if read_as and not text:
        raise click.UsageError(_("--as needs TEXT."), context)
    if csv_path is not None and as_json:
        raise click.UsageError(_("--csv and --json cannot be combined."), context)
    with opened() as session:
        company = selectors.company(company_name)
        targets = _targets(company, selectors.targets(company, office_name, target_name))
        zone = session.zone_of(company)
        today = session.now().astimezone(zone_info(zone)).date()
        if text:
            found = find(company, list(targets), text, session.installation.vault, today, zone, shown=limit)
            readings = [one for one in found.readings if read_as in (None, one.kind)]
        else:
            found = None
            readings = [_listed(company, list(targets), CopyFilters(state=state or ""), _days(since, until, today), zone, order, limit)]
        if csv_path is not None:
            _export(company, list(targets), readings, zone, order, csv_path, session.now())
        elif as_json:
            output.write_json(_json(company, targets, text, readings))
        else:
            _say(company, targets, found, readings, zone)


def _targets(company: Company, ids: list[int] | None) -> dict[int, Target]:
    known = Target.objects.filter(company=company).select_related("office")
    return (known if ids is None else known.filter(pk__in=ids)).in_bulk()


def _days(since: str | None, until: str | None, today: date) -> DaysSought | None:
    if since is None and until is None:
        return None
    first = _day(since, today).first if since is not None else date(2000, 1, 1)
    last = _day(until, today).last if until is not None else today
    if first > last:
        raise ConfigError(_("The last day lies before the first."))
    return DaysSought(first, last)


def _day(text: str, today: date) -> DaysSought:
    found = days_of(text, today)
    if found is None:
        raise ConfigError(_("%(text)s is no date. Write it as 2026-11-29 or 2026年11月29日.") % {"text": repr(text[:40])})
    return found


def _within(targets: Sequence[int], days: DaysSought | None, zone: str) -> list[Within]:
    return [Within(target) for target in targets] if days is None else on_days(targets, days, zone)


def _listed(
    company: Company, targets: Sequence[int], filters: CopyFilters, days: DaysSought | None, zone: str, order: str, limit: int
) -> Reading:
    within = _within(targets, days, zone)
    page = search.find(company.pk, within, filters, limit=limit, order=ORDERS[order])
    return Reading(ReadAs.DAYS, filters, days, page.copies, search_totals.totals(company.pk, within, filters))


def _export(company: Company, targets: Sequence[int], readings: Sequence[Reading], zone: str, order: str, path: str, now: datetime) -> None:
    finds = [one for one in readings if one.totals.copies] or list(readings[:1])
    if len({one.kind for one in finds}) > 1:
        kinds = _(", ").join(f"--as {one.kind}" for one in finds)
        raise ConfigError(_("The text can be understood in several ways. Choose one: %(kinds)s.") % {"kinds": kinds})
    if not finds:
        raise ConfigError(_("The text is empty, or cannot be understood as what --as names."))
    # A national number may exist in several countries: then each is a part of the table.
    tables = [
        recordings_download.export(
            company, _within(targets, one.days, zone), one.filters, ORDERS[order], one.totals.copies, COMMAND_LINE, now
        )
        for one in finds
    ]
    csv_file.write(path, csv_text.lines(tables[0][0], chain.from_iterable(rows for _headings, rows in tables)))
    rows = sum(one.totals.copies for one in finds)
    if path != csv_file.STANDARD_OUTPUT:
        output.say(
            ngettext("Written to %(path)s: %(count)s row.", "Written to %(path)s: %(count)s rows.", rows)
            % {"path": path, "count": output.number(rows)}
        )


def _say(company: Company, targets: dict[int, Target], found: Found | None, readings: Sequence[Reading], zone: str) -> None:
    if found is not None and found.numbers_off:
        output.say(_("Rokuon keeps no phone numbers of this company, so none can be found."))
    for one in readings:
        heading = _("Understood as %(kind)s: ") % {"kind": _kind_name(one)} if found is not None else ""
        output.say(heading + _totals(one.totals))
        if one.copies:
            _table(company, targets, one.copies, zone)
    if not readings:
        output.say(_("The text is empty, or cannot be understood as what --as names."))


def _kind_name(one: Reading) -> str:
    names = {
        ReadAs.CALL: _("call ID"),
        ReadAs.RECORDING: _("recording ID"),
        ReadAs.NUMBER: _("phone number"),
        ReadAs.DAYS: _("date"),
        ReadAs.AGENT: _("agent"),
    }
    days = one.days
    if days is None:
        return names[one.kind]
    return f"{names[one.kind]} {days.first}" if days.first == days.last else f"{names[one.kind]} {days.first} – {days.last}"


def _totals(totals: SearchTotals) -> str:
    told = {
        "recordings": output.recordings(totals.copies),
        "length": output.duration(totals.length_s),
        "size": output.amount(totals.bytes),
    }
    if totals.more:
        return _("%(recordings)s or more; backed up: %(length)s, %(size)s or more.") % told
    return _("%(recordings)s; backed up: %(length)s, %(size)s.") % told


def _table(company: Company, targets: dict[int, Target], copies: Sequence[Copy], zone: str) -> None:
    others, labels = _others(company, copies), output.labels(targets.values())
    rows = [
        [
            str(copy.pk),
            labels[copy.target_id],
            output.moment(copy.call_started_at, zone),
            copy.agent,
            _number(others.get(copy.recording_id)),
            output.state_word(copy.state),
            copy.recording.call_id,
            copy.recording.recording_id,
            output.duration(copy.audio_ms / 1000) if copy.audio_ms else "–",
            output.amount(copy.size) if copy.size else "–",
        ]
        for copy in copies
    ]
    headings = [
        "ID",
        _("Target"),
        _("Call start"),
        _("Agent"),
        _("Other party"),
        _("State"),
        _("Call id"),
        _("Recording id"),
        _("Length"),
        _("Size"),
    ]
    output.table(headings, rows, right=(0, 8, 9))


def _others(company: Company, copies: Sequence[Copy]) -> dict[int, OtherParty]:
    return other_parties.of([copy.recording_id for copy in copies], PartyDetail(company.other_party))


def _number(other: OtherParty | None) -> str:
    if other is None or not other.ending:
        return "–"
    return other.number or f"…{other.ending}"


def _json(company: Company, targets: dict[int, Target], text: str, readings: Sequence[Reading]) -> dict[str, Any]:
    others = _others(company, [copy for one in readings for copy in one.copies])
    return {"text": text, "found": [_json_reading(one, targets, others, of_text=bool(text)) for one in readings]}


def _json_reading(one: Reading, targets: dict[int, Target], others: dict[int, OtherParty], *, of_text: bool) -> dict[str, Any]:
    return {
        "understood_as": one.kind.value if of_text else None,
        "first_day": f"{one.days.first}" if one.days else None,
        "last_day": f"{one.days.last}" if one.days else None,
        "total": one.totals.copies,
        "more": one.totals.more,
        "bytes": one.totals.bytes,
        "recorded_seconds": one.totals.length_s,
        "recordings": [_json_copy(copy, targets[copy.target_id], others.get(copy.recording_id)) for copy in one.copies],
    }


def _json_copy(copy: Copy, target: Target, other: OtherParty | None) -> dict[str, Any]:
    verified = copy.state == Copy.State.VERIFIED
    return {
        "id": copy.pk,
        "target": target.name,
        "target_id": target.dialpad_id,
        "office": target.office.name,
        "started_at": copy.call_started_at,
        "agent": copy.agent,
        "direction": other.direction or None if other else None,
        "number": other.number or None if other else None,
        "number_ending": other.ending or None if other else None,
        "name": other.name or None if other else None,
        "state": copy.state,
        "reason": copy.reason or None,
        "call_id": copy.recording.call_id,
        "recording_id": copy.recording.recording_id,
        "kind": copy.recording.kind,
        "length_seconds": copy.audio_ms / 1000 if copy.audio_ms is not None else None,
        "bytes": copy.size if verified else None,
        "sha256": copy.sha256 if verified else None,
        "proof": copy.proof if verified else None,
        "bucket": copy.bucket.url,
        "path": copy.key,
    }
