"""Enter, find and remove the other parties of recordings. What is kept never exceeds the company's choice (`org_company.other_party`)."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from rokuon.domain.other_party import PartyDetail, masked_name
from rokuon.domain.work import PlannedCopy

from .models import OtherParty
from .sql import columns, execute, fetch

_RANK = {detail: rank for rank, detail in enumerate(PartyDetail)}
BATCH = 5_000


def enter(company_id: int, copies: Iterable[PlannedCopy]) -> None:
    """Enter the other parties of these copies, whose recordings are entered. Call it in the transaction that enters them.

    The company's row is locked against a change of the choice until the transaction ends: a job that listed under a looser choice enters
    nothing after it became stricter.
    """
    told = {(copy.kind, copy.recording_id): copy.other for copy in copies if copy.other is not None}
    if not told:
        return
    ((chosen,),) = fetch("SELECT other_party FROM org_company WHERE id = %s FOR SHARE", [company_id])
    rows = [
        (kind, recording, one.detail.value, one.direction, one.number_hash, one.ending, one.number, one.name)
        for (kind, recording), one in sorted(told.items())
        if _RANK[one.detail] <= _RANK[PartyDetail(chosen)]
    ]
    execute(
        """INSERT INTO ledger_otherparty (recording_id, company_id, detail, direction, number_hash, ending, number, name)
           SELECT r.id, %s, d, w, h, e, n, m
             FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
                  AS x(k, i, d, w, h, e, n, m)
             JOIN ledger_recording r ON r.company_id = %s AND r.kind = x.k AND r.recording_id = x.i
            ORDER BY r.id
               ON CONFLICT (recording_id) DO UPDATE
              SET detail = EXCLUDED.detail, direction = EXCLUDED.direction, number_hash = EXCLUDED.number_hash,
                  ending = EXCLUDED.ending, number = EXCLUDED.number, name = EXCLUDED.name
            WHERE (EXCLUDED.number_hash <> '' OR ledger_otherparty.number_hash = '')
              AND (ledger_otherparty.detail, ledger_otherparty.direction, ledger_otherparty.number_hash, ledger_otherparty.number,
                   ledger_otherparty.name)
                  IS DISTINCT FROM (EXCLUDED.detail, EXCLUDED.direction, EXCLUDED.number_hash, EXCLUDED.number, EXCLUDED.name)""",
        [company_id, *columns(rows, 8), company_id],
    )


def of(recordings: Sequence[int], detail: PartyDetail) -> dict[int, OtherParty]:
    """Return the other parties of these recordings as the choice `detail` shows them, by the recording's row id. A stricter choice has
    effect at once, before the removal is done."""
    if detail is PartyDetail.OFF:
        return {}
    found = OtherParty.objects.in_bulk(list(recordings))
    if detail is PartyDetail.MASKED:
        for one in found.values():
            if one.detail == PartyDetail.FULL:
                one.number, one.name = "", masked_name(one.name)
    return found


def known(company_id: int, hashes: Iterable[str]) -> list[str]:
    """Return those of the hashes that a number of the company has."""
    rows = fetch(
        """SELECT h FROM unnest(%s::text[]) AS h
            WHERE h <> '' AND EXISTS (SELECT 1 FROM ledger_otherparty o
                                       WHERE o.company_id = %s AND o.number_hash = h AND o.number_hash <> '')""",
        [list(hashes), company_id],
    )
    return [row[0] for row in rows]


def companies_to_clear() -> list[tuple[int, PartyDetail]]:
    """Return the companies of which more is kept than they choose now, with their choice."""
    rows = fetch(
        """SELECT c.id, c.other_party FROM org_company c
            WHERE (c.other_party = 'off' AND EXISTS (SELECT 1 FROM ledger_otherparty o WHERE o.company_id = c.id))
               OR (c.other_party = 'masked'
                   AND EXISTS (SELECT 1 FROM ledger_otherparty o WHERE o.company_id = c.id AND o.detail = 'full'))
            ORDER BY c.id""",
        [],
    )
    return [(company, PartyDetail(detail)) for company, detail in rows]


@transaction.atomic
def clear(company_id: int, limit: int = BATCH) -> int:
    """Remove what exceeds the company's choice from up to `limit` rows, and return their number; 0 when nothing is left."""
    ((chosen,),) = fetch("SELECT other_party FROM org_company WHERE id = %s FOR SHARE", [company_id])
    # ARRAY: an IN may run the piece once for each row of a nested loop, and each run locks further rows, beyond the limit.
    some = "SELECT recording_id FROM ledger_otherparty WHERE company_id = %s AND detail = ANY(%s) ORDER BY recording_id LIMIT %s FOR UPDATE"
    if chosen == PartyDetail.OFF:
        return execute(
            f"DELETE FROM ledger_otherparty WHERE recording_id = ANY(ARRAY({some}))",  # noqa: S608 (a constant piece)
            [company_id, ["masked", "full"], limit],
        )
    if chosen == PartyDetail.MASKED:
        return execute(
            f"""UPDATE ledger_otherparty SET detail = 'masked', number = '',
                       name = CASE WHEN name = '' THEN '' ELSE left(name, 1) || '…' END
                 WHERE recording_id = ANY(ARRAY({some}))""",  # noqa: S608 (a constant piece)
            [company_id, ["full"], limit],
        )
    return 0
