"""The sentences of a certificate of completeness (1.10 of the design: what it says, and what it never claims)."""

from rokuon.base import dates
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import number
from rokuon.completeness.certificate import Certified
from rokuon.domain.certificate import final_from_ms
from rokuon.ledger import proofs
from rokuon.ledger.sql import ms

from .certificate import Certificate, Standing


def about(made: Certificate) -> str:
    """Return what the certificate is about: whose recordings, which days, and in which zones days are meant."""
    found = made.figures
    zones = sorted({one.zone or "UTC" for one in found.targets}) or [made.zone or "UTC"]
    told = {"name": _named(found), "first": dates.day(found.first), "last": dates.day(found.last), "zones": _(", ").join(zones)}
    if found.first == found.last:
        return _("%(name)s, %(first)s (%(zones)s)") % told
    return _("%(name)s, %(first)s to %(last)s (%(zones)s)") % told


def _named(found: Certified) -> str:
    """Return whose recordings it is about. Who sees some offices gets a certificate of these, which must not look like the company's."""
    if found.only is None or found.target or found.office:
        return (found.target or found.office or found.company).name
    told = {"company": found.company.name, "offices": _(", ").join(found.only)}
    return ngettext("%(company)s, only the office %(offices)s", "%(company)s, only the offices %(offices)s", len(found.only)) % told


def verdict(made: Certificate) -> str:
    count = made.figures.sum.account.unaccounted
    match made.standing:
        case Standing.UNACCOUNTED:
            return _("Not complete: %(count)s unaccounted for") % {"count": number(count)}
        case Standing.UNKNOWN:
            return _("Not known: part of Dialpad's list was not read")
        case Standing.UNSEALED:
            return _("Nothing is unaccounted for, but it is not all sealed")
        case Standing.NOTHING:
            return _("Nothing to certify")
    return _("Complete: nothing is unaccounted for")


def sentences(made: Certificate) -> list[str]:
    """Return the statement in prose."""
    whole = made.figures.sum
    if not whole.days:
        return [_("No contact center or coaching team of it has a rule, and nothing of it was copied on these days.")]
    account = whole.account
    parts = [_listed(made)]
    for one in made.buckets:
        if one.verified:
            said = ngettext("%(count)s recording is in %(url)s, verified.", "%(count)s recordings are in %(url)s, verified.", one.verified)
            parts.append(said % {"count": number(one.verified), "url": one.url})
    parts += [said for _proof, said in proofs.weaker(dict(made.figures.weaker))]
    if account.excluded:
        said = ngettext("%(count)s is excluded by a rule or a choice.", "%(count)s are excluded by a rule or a choice.", account.excluded)
        parts.append(said % {"count": number(account.excluded)})
    closed = account.closed_failed + account.closed_gone
    if closed:
        said = ngettext(
            "%(count)s recording that is not in a bucket was closed with a note.",
            "%(count)s recordings that are not in a bucket were closed with a note.",
            closed,
        )
        parts.append(said % {"count": number(closed)})
    if account.closed_unnamed:
        said = ngettext(
            "%(count)s recorded call has nothing to fetch and was closed with a note.",
            "%(count)s recorded calls have nothing to fetch and were closed with a note.",
            account.closed_unnamed,
        )
        parts.append(said % {"count": number(account.closed_unnamed)})
    parts.append(_("Unaccounted: %(count)s.") % {"count": number(account.unaccounted)})
    return [join_sentences(*parts, *final(made)[:1])]


def _listed(made: Certificate) -> str:
    account = made.figures.sum.account
    told = {"calls": number(account.calls), "recorded": number(account.recorded), "recordings": number(account.recordings)}
    said = ngettext(
        "Dialpad listed %(calls)s call, %(recorded)s recorded, with %(recordings)s recordings.",
        "Dialpad listed %(calls)s calls, %(recorded)s of them recorded, with %(recordings)s recordings.",
        account.calls,
    )
    return said % told


def listed(made: Certificate) -> list[str]:
    """Return what was asked, and when it was answered."""
    found, whole = made.figures, made.figures.sum
    said = [
        _("Dialpad's list of all calls of these days, page by page to its end; each recording that the list names is fetched and checked.")
    ]
    if whole.first_listed is not None and whole.last_listed is not None:
        told = {"first": dates.named(whole.first_listed, made.zone), "last": dates.named(whole.last_listed, made.zone)}
        if whole.first_listed == whole.last_listed:
            said.append(_("It was last read from end to end on %(first)s.") % told)
        else:
            said.append(_("It was last read from end to end between %(first)s and %(last)s, day by day.") % told)
    if whole.unlisted:
        told = {"count": number(whole.unlisted), "all": number(whole.days)}
        said.append(_("Not read to its end: %(count)s of %(all)s days.") % told)
    elif found.targets:
        said.append(_("No day is missing."))
    for one in made.buckets:
        if one.sealed.first_read is not None and one.sealed.last_read is not None:
            told = {
                "url": one.url,
                "first": dates.named(one.sealed.first_read, made.zone),
                "last": dates.named(one.sealed.last_read, made.zone),
            }
            said.append(_("What the ledger holds of these days was read again for seals of %(url)s between %(first)s and %(last)s.") % told)
    return said


def each_counts() -> str:
    return _("A day counts for each contact center and coaching team.")


def of_what(made: Certificate) -> list[str]:
    count = len(made.figures.targets)
    said = ngettext(
        "Of %(count)s contact center or coaching team: what was listed = verified + excluded + closed + unaccounted.",
        "Of %(count)s contact centers and coaching teams: what was listed = verified + excluded + closed + unaccounted.",
        count,
    )
    told = [said % {"count": number(count)}, _("A recording that belongs to two of them counts for each: it is in both folders.")]
    if made.figures.outside is None:
        told.append(_("Recorded calls outside every rule are counted for the whole company only."))
    return told


def verified_means() -> list[str]:
    proven = _(
        "Rokuon received the whole recording, found it to be an MP3 from the first frame to the last, of the length that Dialpad lists, "
        "and the bucket answered with the size and checksum of what was sent. Rokuon replaces and deletes nothing afterwards."
    )
    return [proven, _("Recordings that rely on another proof, or that a person accepted without one, are counted above.")]


def final(made: Certificate) -> list[str]:
    """Return whether the figures can still change at Dialpad, the short answer first."""
    until, whole = made.provisional_until, made.figures.sum
    if not whole.days:
        return []
    if until is None:
        told = {"at": dates.named(whole.last_listed, made.zone) if whole.last_listed else "–"}
        return [_("Final since %(at)s: each day was listed again at least 35 days after it.") % told]
    why = _("Dialpad may add recordings to a day later: each day is listed again until 35 days after it.")
    day = dates.day(until)
    zones = {one.zone for one in made.figures.targets}
    if all(ms(made.made_at) >= final_from_ms(made.figures.last, zone) for zone in zones):
        missing = whole.days - whole.final
        said = ngettext(
            "Provisional: %(count)s of %(all)s day has to be listed once more.",
            "Provisional: %(count)s of %(all)s days have to be listed once more.",
            whole.days,
        )
        return [said % {"count": number(missing), "all": number(whole.days)}, why]
    return [_("Provisional until %(day)s.") % {"day": day}, why]


def how_to_check(made: Certificate) -> list[str]:
    """Return how to check it; the line to type (`command`) follows."""
    if made.is_sealed:
        said = [_("The bucket holds signed files that say the same of every target and day.")]
    else:
        said = [_("The signed files in the bucket do not say all of this yet; what is missing is said above.")]
    if made.figures.only is not None or made.figures.office is not None:
        said.append(_("They and the program speak of every office: compare only the lines of the targets that are named above."))
    if len(made.buckets) > 1:
        said.append(
            _(
                "Check each bucket alone. A recorded call with nothing to fetch is named in the files of each bucket with "
                "recordings of its day."
            )
        )
    return [
        *said,
        _("The program rokuon_verify.py reads every signature, hash and sum, and needs neither Rokuon nor a network (docs/verify.md)."),
        _(
            "Take it from a release of Rokuon or from `rokuon verifier`, the bucket or its listing, and the fingerprint of the key from "
            "the company, and run:"
        ),
    ]


def command(made: Certificate) -> str:
    first, last = made.figures.first, made.figures.last
    target = f" --target {made.figures.target.dialpad_id}" if made.figures.target else ""
    return f"python3 rokuon_verify.py ./bucket --from {first} --to {last}{target} --trust {made.fingerprint or 'SHA256:…'}"


def limits() -> list[str]:
    return [
        _("This speaks of what Dialpad listed at the time that is named above."),
        _("It does not prove that Dialpad listed everything, nor who spoke."),
        _("What happens to the bucket afterwards is not part of it: the program above and the newest seal show that."),
    ]
