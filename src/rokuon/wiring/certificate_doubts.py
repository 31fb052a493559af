"""What a certificate of completeness cannot state, in whole sentences: said before its figures."""

from rokuon.base import dates
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import number
from rokuon.completeness import outside
from rokuon.custody import overview
from rokuon.notify.text.causes import in_brief

from .certificate import Certificate, CertifiedBucket
from .certificate_text import each_counts


def doubts(made: Certificate) -> list[str]:
    """Return them, the gravest first; empty if there are none."""
    found = made.figures
    return [
        *_not_listed(made),
        *_not_read(found.unread),
        *_without_bucket(made.without_bucket),
        *_not_named(made),
        *(said for one in made.buckets for said in _of_bucket(made, one)),
        *_without_rule(len(found.without_rule)),
        *([outside.said(found.outside)] if found.outside is not None and found.outside.known.days < found.outside.days else []),
    ]


def _not_listed(made: Certificate) -> list[str]:
    whole = made.figures.sum
    if not whole.unlisted:
        return []
    said = ngettext(
        "Dialpad's list was not read from end to end for %(count)s of %(all)s day: what was recorded then is not known.",
        "Dialpad's list was not read from end to end for %(count)s of %(all)s days: what was recorded then is not known.",
        whole.days,
    )
    counts = {"all": number(whole.days), "count": number(whole.unlisted)}
    return [join_sentences(said % counts, *_each_counts(made))]


def _each_counts(made: Certificate) -> list[str]:
    return [each_counts()] if len(made.figures.targets) > 1 else []


def _not_read(count: int) -> list[str]:
    said = ngettext(
        "%(count)s entry of Dialpad's list could not be read, and nobody has closed it: it may hide a recording.",
        "%(count)s entries of Dialpad's list could not be read, and nobody has closed them: they may hide recordings.",
        count,
    )
    return [said % {"count": number(count)}] if count else []


def _without_bucket(count: int) -> list[str]:
    said = ngettext(
        "%(count)s contact center or coaching team has no bucket: no seal names its days.",
        "%(count)s contact centers and coaching teams have no bucket: no seal names their days.",
        count,
    )
    return [said % {"count": number(count)}] if count else []


def _not_named(made: Certificate) -> list[str]:
    said = ngettext(
        "No seal names %(count)s of %(all)s day of this certificate yet.",
        "No seal names %(count)s of %(all)s days of this certificate yet.",
        made.figures.sum.days,
    )
    told = said % {"count": number(made.not_named), "all": number(made.figures.sum.days)}
    return [join_sentences(told, *_each_counts(made))] if made.not_named else []


def _of_bucket(made: Certificate, one: CertifiedBucket) -> list[str]:
    about = {"url": one.url}
    said = []
    if one.checked_at is None:
        said.append(_("%(url)s was never verified: nothing proves that it is the company's bucket.") % about)
    if one.hold:
        said.append(_("%(url)s is on hold: %(why)s [%(reason)s].") % {**about, "why": in_brief(one.hold), "reason": one.hold})
    if wrong := overview.in_words(one.sealed.seal, made.made_at, lambda when: dates.named(when, made.zone) if when else "–"):
        said.append(_("Seals of %(url)s: %(wrong)s.") % {**about, "wrong": wrong})
    if one.sealed.waiting:
        changed = ngettext(
            "%(count)s day of this certificate has changed since its last seal in %(url)s, or has none yet: the next seal names it.",
            "%(count)s days of this certificate have changed since their last seal in %(url)s, or have none yet: the next seal names them.",
            one.sealed.waiting,
        )
        said.append(join_sentences(changed % {**about, "count": number(one.sealed.waiting)}, *_each_counts(made)))
    if one.differs:
        counts = {"sealed": number(one.sealed.verified), "ledger": number(one.verified)}
        said.append(
            _("The seals of %(url)s name %(sealed)s verified recordings of these days, the ledger %(ledger)s.") % {**about, **counts}
        )
    return said


def _without_rule(count: int) -> list[str]:
    said = ngettext(
        "%(count)s contact center or coaching team has no rule any more: what was recorded there since is not copied.",
        "%(count)s contact centers and coaching teams have no rule any more: what was recorded there since is not copied.",
        count,
    )
    return [said % {"count": number(count)}] if count else []
