"""Texts on the proof of a copy: why the audio counts as complete, and what was checked."""

import json
from collections.abc import Sequence
from typing import Any

from rokuon.base.i18n import _, ngettext
from rokuon.base.measures import number
from rokuon.domain.audio import AudioFacts
from rokuon.domain.failures import N_

_SENTENCES = {
    "length": N_(
        "MP3 from the first frame to the last, as many bytes as Dialpad announced and as long as it lists; the bucket's own checksum "
        "equals it."
    ),
    "read_twice": N_(
        "MP3 from the first frame to the last, read from Dialpad twice with the same result; the bucket's own checksum equals it."
    ),
    "read_apart": N_(
        "MP3 from the first frame to the last. Dialpad lists no length for it: it was read twice, some time apart, with the same result, "
        "and is not longer than its call; the bucket's own checksum equals it."
    ),
    "accepted": N_("None: a person accepted the file as it is. The bucket's own checksum equals what was read from Dialpad."),
}
_PLACES = {"front": N_("in front of the first frame"), "between": N_("between frames"), "behind": N_("behind the last frame")}
_NAMES = {
    "zeros": N_("zero bytes"),
    "line_ends": N_("line ends"),
    "short_frame": N_("frame that ends early"),
    "id3v1": N_("ID3v1 tag"),
    "id3v1_extended": N_("ID3v1 tag, extended"),
    "id3v2": N_("ID3v2 tag"),
    "ape": N_("APE tag"),
    "lyrics3": N_("Lyrics3 tag"),
    "unknown": N_("unknown bytes, fewer than a frame"),
}
_CUT = "_cut"


def kept(facts: AudioFacts | None) -> str:
    """Return the facts of a proof that a copy keeps, as JSON without zeros; "" for none."""
    if facts is None:
        return ""
    skipped = [[one.what, one.where, one.times, one.size] for one in facts.skipped]
    told = {"frames": facts.frames, "checked": facts.checked, "joins": facts.joins, "short_by": facts.short_by, "skipped": skipped}
    return json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))


def sentence(proof: str) -> str:
    return _(_SENTENCES[proof]) if proof in _SENTENCES else ""


def looked_at(facts: dict[str, Any] | None) -> list[str]:
    """Return the facts of the proof as sentences; none if no facts were kept."""
    if not facts:
        return []
    frames = facts["frames"]
    said = [
        ngettext(
            "%(count)s frame: its header and its place. The sound inside was not decoded.",
            "%(count)s frames: their headers, each directly behind the one before. The sound inside was not decoded.",
            frames,
        )
        % {"count": number(frames)}
    ]
    if checked := facts.get("checked", 0):
        said.append(
            ngettext("%(count)s frame carries a checksum, which fits.", "%(count)s frames carry a checksum, which fits.", checked)
            % {"count": number(checked)}
        )
    if joins := facts.get("joins", 0):
        places = ngettext("%(count)s place where files are joined.", "%(count)s places where files are joined.", joins)
        said.append(places % {"count": number(joins)})
    if short_by := facts.get("short_by", 0):
        short = ngettext("The last frame is %(count)s byte short.", "The last frame is %(count)s bytes short.", short_by)
        said.append(short % {"count": number(short_by)})
    return said + [_skipped(*one) for one in facts.get("skipped", ())]


def _skipped(what: str, where: str, times: int, size: int) -> str:
    name = _(_NAMES.get(what.removesuffix(_CUT), _NAMES["unknown"]))
    told = {"what": name, "where": _(_PLACES.get(where, where)), "bytes": number(size), "times": number(times)}
    if what.endswith(_CUT):
        return _("Skipped %(where)s: %(what)s, incomplete (%(bytes)s bytes).") % told
    if times > 1:
        return _("Skipped %(where)s: %(what)s, %(times)s times (%(bytes)s bytes).") % told
    return _("Skipped %(where)s: %(what)s (%(bytes)s bytes).") % told


def weaker(counts: dict[str, int]) -> Sequence[tuple[str, str]]:
    """Return, by proof, a sentence with the number of recordings that rely on it."""
    return [(proof, _weaker(proof, count) % {"count": number(count)}) for proof, count in counts.items()]


def _weaker(proof: str, count: int) -> str:
    if proof == "read_apart":
        return ngettext(
            "%(count)s recording was proven by two equal reads some time apart, because Dialpad lists no length.",
            "%(count)s recordings were proven by two equal reads some time apart, because Dialpad lists no length.",
            count,
        )
    if proof == "accepted":
        return ngettext(
            "%(count)s recording is in the bucket without a proof: a person accepted it.",
            "%(count)s recordings are in the bucket without a proof: a person accepted them.",
            count,
        )
    return ngettext(
        "%(count)s recording was proven by reading it twice, because Dialpad announced no length.",
        "%(count)s recordings were proven by reading them twice, because Dialpad announced no length.",
        count,
    )
