"""Rows of tables of recordings: a copy with its target, its state in words, and its other party as far as the company shows it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain.other_party import PartyDetail
from rokuon.ledger import holds, other_parties
from rokuon.ledger.models import Copy, OtherParty
from rokuon.org.models import Target
from rokuon.org.tree import zone_of
from rokuon.stores import checksums

from . import status_text
from .status_text import CopyStatus


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """`downloads` is whether this person may download the recording, and it is in the bucket."""

    copy: Copy
    target: Target
    standing: CopyStatus
    other: OtherParty | None = None
    downloads: bool = False

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

    @property
    def number(self) -> str:
        """The number of the other party, masked or in full; "" if none is kept."""
        if self.other is None or not self.other.ending:
            return ""
        return self.other.number or f"…{self.other.ending}"

    @property
    def direction(self) -> str:
        """The direction of the call in words; "" if it is not known."""
        words = {"inbound": _("inbound"), "outbound": _("outbound")}
        return words.get(self.other.direction, "") if self.other is not None else ""


def rows_of(request: CompanyRequest, copies: list[Copy], targets: list[Target]) -> list[RecordingRow]:
    """Return the rows of these copies, which belong to the targets."""
    by_id, open_holds = {target.pk: target for target in targets}, holds.open_holds(request.company.pk)
    others = other_parties.of([copy.recording_id for copy in copies], PartyDetail(request.company.other_party))
    return [
        RecordingRow(
            copy,
            target := by_id[copy.target_id],
            status_text.of(copy, open_holds),
            others.get(copy.recording_id),
            copy.state == Copy.State.VERIFIED and guards.allowed(request, Action.DOWNLOAD, target.office_id),
        )
        for copy in copies
    ]
