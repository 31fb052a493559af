"""Views of recordings: search the ledger, and show everything that it knows about one recording."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.actions.failures import LONGEST_NOTE
from rokuon.console.runs.read_model import run_or_404
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.domain.row_ids import row_id
from rokuon.ledger import aside, holds, proofs, search
from rokuon.ledger.models import Copy
from rokuon.org.models import Target
from rokuon.org.tree import zone_of
from rokuon.stores import checksums

from . import status_text
from .forms import PAGE, RecordingsForm
from .status_text import CopyStatus


@dataclass(frozen=True, slots=True)
class RecordingRow:
    copy: Copy
    target: Target
    standing: CopyStatus

    @property
    def zone(self) -> str:
        return zone_of(self.target)

    @property
    def length_s(self) -> float | None:
        """Length of the audio in seconds if it is known, otherwise the listed length."""
        length = self.copy.audio_ms if self.copy.audio_ms is not None else self.copy.recording.duration_ms
        return length / 1000 if length else None

    @property
    def listed_s(self) -> float | None:
        listed = self.copy.recording.duration_ms
        return listed / 1000 if listed else None

    @property
    def crc32c(self) -> str:
        """The checksum as Google shows it."""
        return checksums.to_base64(self.copy.crc32c or 0)


@page(Action.VIEW)
def recordings(request: CompanyRequest) -> HttpResponse:
    targets = list(guards.targets(request.reach).order_by("office__name", "office_id", "kind", "name", "pk"))
    if request.method == "GET" and any(value == "" for values in request.GET.lists() for value in values[1]):
        return _to(request, RecordingsForm(request.GET, targets).query())
    number = row_id(request.GET.get("run", ""))
    run = run_or_404(request.reach, number) if number is not None else None
    form = RecordingsForm(request.GET, targets, run)
    if not form.is_valid():
        return render(request, "console/recordings/recordings.html", {"form": form, "targets": targets, "rows": []}, status=422)
    try:
        found = search.find(request.company.pk, form.within, form.filters, request.GET.get(PAGE, ""))
    except ValueError:
        return _to(request, form.query())
    rows = _rows(request, found.copies, targets)
    links = {name: f"?{form.query(cursor)}" for name, cursor in (("newer", found.newer), ("older", found.older)) if cursor}
    return render(request, "console/recordings/recordings.html", {"form": form, "targets": targets, "rows": rows, "run": run, **links})


@page(Action.VIEW)
def recording(request: CompanyRequest, copy: int) -> HttpResponse:
    found = copy_or_404(request.reach, copy)
    row = _rows(request, [found], [found.target])[0]
    office, verified = found.target.office_id, found.state == Copy.State.VERIFIED
    kept = None if verified else aside.of([found.pk]).get(found.pk)
    shown = {
        "row": row,
        "listens": verified and guards.allowed(request, Action.LISTEN, office),
        "downloads": verified and guards.allowed(request, Action.DOWNLOAD, office),
        "verified": verified,
        "aside": kept,
        "accepted": found.accepted if verified else None,
        "hears_aside": kept is not None and guards.allowed(request, Action.LISTEN, office),
        "downloads_aside": kept is not None and guards.allowed(request, Action.DOWNLOAD, office),
        "may_decide": found.state in (Copy.State.FAILED, Copy.State.GONE) and guards.allowed(request, Action.BACK_UP, office),
        "longest_note": LONGEST_NOTE,
        "proof": proofs.sentence(found.proof),
        "looked_at": proofs.looked_at(found.facts),
    }
    return render(request, "console/recordings/recording.html", shown)


def copy_or_404(reach: AccessReach, copy_id: int) -> Copy:
    """Return a copy within reach, with its related rows. Raises Http404 for any other."""
    within = Copy.objects.filter(company_id=reach.company_id, target__in=guards.targets(reach))
    found = within.select_related("recording", "bucket", "target__office", "accepted").filter(pk=copy_id).first()
    if found is None:
        raise Http404
    return found


def _rows(request: CompanyRequest, copies: list[Copy], targets: list[Target]) -> list[RecordingRow]:
    by_id, open_holds = {target.pk: target for target in targets}, holds.open_holds(request.company.pk)
    return [RecordingRow(copy, by_id[copy.target_id], status_text.of(copy, open_holds)) for copy in copies]


def _to(request: HttpRequest, query: str) -> HttpResponse:
    return redirect(f"{request.path}?{query}" if query else request.path)
