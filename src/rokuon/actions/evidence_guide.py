"""The reading guide of the evidence bundle: what each file is, how to check it, and what is not in it."""

from collections.abc import Sequence

from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.wiring import certificate_text
from rokuon.wiring.certificate import Certificate
from rokuon.wiring.evidence_bucket import LISTING, OUTPUT, BucketEvidence


def write(made: Certificate, buckets: Sequence[BucketEvidence], missing: Sequence[str]) -> str:
    """Return the text, in the language of `base.i18n`."""
    told = {"at": dates.named(made.made_at, made.zone), "installation": made.installation, "who": made.made_by}
    parts = [
        [_("Evidence of completeness"), certificate_text.about(made)],
        [_("Written at %(at)s by the installation %(installation)s, asked for by %(who)s.") % told, certificate_text.verdict(made)],
        [_("What is in it"), *(f"- {name}: {words}" for name, words in _contents())],
        [_("Buckets"), *(_bucket(one) for one in buckets)],
        [
            _("How to check it"),
            _("Ask the company for the fingerprint of the key by another way than this file, and compare it with keys.txt."),
            _(
                "Make a listing of the bucket, or download it, and run the verifier with it: what lies in this file was listed and checked "
                "by Rokuon itself."
            ),
            certificate_text.command(made),
            _("records/mails.csv names the seals that weekly mails have named: the verifier takes each as --head NUMBER:SHA256."),
        ],
        [_("What is not in it"), *(f"- {one}" for one in missing)],
        [_("Limits"), *certificate_text.limits()],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _contents() -> list[tuple[str, str]]:
    return [
        ("certificates/", _("certificates as PDF, HTML and JSON; days.csv has a line for each target and day")),
        (f"buckets/*/{LISTING}", _("the recordings of these days in the bucket, as listed when this file was written")),
        ("buckets/*/.rokuon-custody/", _("every seal, the public keys, and the manifests that name days of these targets")),
        (f"buckets/*/{OUTPUT}", _("what the verifier said of both when this file was written")),
        ("verifier/", _("the verifier and its SHA-256: compare it with that of a release")),
        ("keys.txt", _("fingerprints of the company's keys, the oldest first")),
        ("records/audit-log.csv", _("what people did from the first day until now: closings, settings, rules, roles, downloads")),
        ("records/roles.csv", _("who has which role now")),
        ("records/settings.csv, buckets.csv", _("rules, buckets and time zones as they are now")),
        (
            "records/holds.csv, notices.csv, mails.csv",
            _("when work was held, what people were notified of, and which mails were sent to whom"),
        ),
        ("records/drills.csv", _("restore drills, with their seeds")),
        (
            "records/inventories.csv, inventory-findings.csv",
            _("comparisons of whole buckets since the first day, and what they found, with how each finding was closed"),
        ),
        ("versions.json", _("version of Rokuon, and of the formats")),
    ]


def _bucket(one: BucketEvidence) -> str:
    name = one.folder.name
    if one.failure is not None:
        return _("- %(name)s: %(url)s could not be read") % {"name": name, "url": one.url}
    if one.code is None:
        return _("- %(name)s: %(url)s has no seal") % {"name": name, "url": one.url}
    told = {"name": name, "url": one.url, "code": one.code, "seals": one.seals}
    return _("- %(name)s: %(url)s, number of seals: %(seals)d, exit code of the verifier: %(code)d") % told


def missing(buckets: Sequence[BucketEvidence]) -> list[str]:
    """Return what the bundle lacks: of these buckets, and in this version."""
    said = []
    for one in buckets:
        if one.failure is not None:
            told = {"url": one.url, "advice": _(one.failure.advice), "reason": one.failure.reason}
            said.append(_("anything from %(url)s: %(advice)s [%(reason)s]") % told)
        elif one.code is None:
            said.append(_("seals of %(url)s: it has none yet") % {"url": one.url})
    return [
        *said,
        _("the recordings themselves: they hold people's voices"),
        _("a report on the retention and protection settings of each bucket: ask the store"),
        _("receipts of erasures and open cases: this version erases nothing"),
        _("a hash chain over the audit log: the database refuses to change or delete its entries, but nothing outside shows that"),
        _("roles, rules and settings as they were on each day: the audit log has their changes"),
    ]
