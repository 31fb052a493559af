"""Audited downloads of many recordings: the list of a search as a table, and a selection as a zip."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company, recording_headings
from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.base.state_words import state_word
from rokuon.ledger import failures, proofs, search
from rokuon.ledger.models import Copy
from rokuon.ledger.reasons import in_words
from rokuon.ledger.search import CopyFilters, Within
from rokuon.ledger.search_order import NEWEST, SearchOrder
from rokuon.org.models import Company, Target
from rokuon.org.tree import zone_of
from rokuon.runtime.installation import Installation
from rokuon.stores import checksums
from rokuon.wiring import zip_stream
from rokuon.wiring.zip_stream import Zipped

MOST_IN_ZIP = 500
EXPORT, ZIP = "recording.export", "recording.zip"
_CHUNK = 500


@transaction.atomic
def export(
    company: Company, within: Sequence[Within], filters: CopyFilters, order: SearchOrder, rows: int, actor: Actor, now: datetime
) -> tuple[list[str], Iterator[Sequence[object]]]:
    """Return headings and rows of a search. The export, with its number of `rows`, is in the audit log before any row is read. Numbers of
    other parties are not exported."""
    record_of_company(actor, EXPORT, company, now, {"rows": rows})
    return headings(), (row for row in _rows(company.pk, within, filters, order))


def headings() -> list[str]:
    return [
        *recording_headings(),
        _("Kind"),
        _("Length in seconds"),
        _("Size in bytes"),
        "SHA-256",
        "CRC32C",
        _("Version in the bucket"),
        _("Proof"),
        _("Last change"),
        _("Path"),
    ]


def row(copy: Copy, target: Target) -> list[object]:
    """Return a copy's row, with `recording` and `bucket` loaded."""
    zone = zone_of(target)
    verified = copy.state == Copy.State.VERIFIED
    length = copy.audio_ms if copy.audio_ms is not None else copy.recording.duration_ms
    return [
        state_word(copy.state),
        in_words(copy.reason) if copy.reason else "",
        target.office.name,
        target.name,
        dates.spreadsheet(copy.call_started_at, zone),
        zone or "UTC",
        copy.agent,
        copy.recording.call_id,
        copy.recording.recording_id,
        copy.recording.kind,
        f"{length / 1000:.3f}" if length else "",
        copy.size if verified else "",
        copy.sha256 if verified else "",
        checksums.to_base64(copy.crc32c or 0) if verified else "",
        copy.version if verified else "",
        proofs.sentence(copy.proof) if verified else "",
        dates.spreadsheet(copy.changed_at, zone),
        f"{copy.bucket.url.rstrip('/')}/{copy.key}",
    ]


def _rows(company_id: int, within: Sequence[Within], filters: CopyFilters, order: SearchOrder) -> Iterator[Sequence[object]]:
    targets = Target.objects.filter(company_id=company_id).select_related("office").in_bulk([one.target_id for one in within])
    cursor = ""
    while True:
        page = search.find(company_id, within, filters, cursor, limit=_CHUNK, order=order)
        for copy in page.copies:
            yield row(copy, targets[copy.target_id])
        cursor = page.older
        if not cursor:
            return


def selected(company_id: int, targets: Sequence[int], ids: Sequence[int]) -> list[Copy]:
    """Return the verified copies among these ids within the targets, in the order of their calls."""
    found = Copy.objects.filter(company_id=company_id, target_id__in=targets, pk__in=ids, state=Copy.State.VERIFIED)
    return list(found.select_related("recording", "bucket", "accepted", "target__office").order_by("call_started_at", "pk"))


def found_in_list(company_id: int, within: Sequence[Within], filters: CopyFilters) -> list[Copy]:
    """Return the verified copies of a search, at most `MOST_IN_ZIP`."""
    page = search.find(company_id, within, filters, limit=MOST_IN_ZIP, order=NEWEST)
    return selected(company_id, [one.target_id for one in within], [copy.pk for copy in page.copies])


@transaction.atomic
def zip_of(installation: Installation, company: Company, copies: Sequence[Copy], actor: Actor, now: datetime) -> Iterator[bytes]:
    """Return the zip of these copies, piece by piece. The entry in the audit log names each recording and precedes the first byte."""
    named = failures.recording_ids([copy.pk for copy in copies])
    record_of_company(actor, ZIP, company, now, {"copies": len(copies), "recordings": named})
    return zip_stream.stream(installation, copies, [_("File"), _("In this zip"), *headings()], _zipped_row)


def _zipped_row(one: Zipped) -> list[object]:
    there = _("yes") if one.error is None else _("no: %(reason)s") % {"reason": f"{_(one.error.advice)} [{one.error.reason}]"}
    return [one.name, there, *row(one.copy, one.copy.target)]
