"""The evidence bundle: one zip for an auditor, with a guide that says what each file is and what is not in it."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.db import transaction

from rokuon import __version__
from rokuon.accounts.audit import Actor
from rokuon.base import csv_text
from rokuon.custody import manifest, seal, sshsig
from rokuon.custody.excerpt import WantedDays
from rokuon.custody.models import SigningKey
from rokuon.domain import windows
from rokuon.ledger.sql import at
from rokuon.org.models import Bucket, Company, Target
from rokuon.runtime.installation import Installation
from rokuon.wiring import certificate, certificate_html, certificate_pdf, evidence_bucket
from rokuon.wiring.certificate import Certificate, Standing
from rokuon.wiring.certificate_json import as_json
from rokuon.wiring.certificate_sheet import sheet
from rokuon.wiring.evidence_bucket import BucketEvidence

from . import certificate as certificates
from . import evidence_guide, evidence_tables
from ._shared import record_of_company

EXPORT = "evidence.export"


@dataclass(slots=True)
class Evidence:
    """What was written. `complete`: nothing is unaccounted for, every bucket was read, and the verifier found nothing wrong in any."""

    standing: Standing
    buckets: list[BucketEvidence] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.standing is Standing.COMPLETE and all(one.failure is None and one.code == 0 for one in self.buckets)


def write(
    installation: Installation,
    company: Company,
    days: tuple[date, date],
    target: Target | None,
    actor: Actor,
    now: datetime,
    zone: str,
    out: IO[bytes],
) -> Evidence:
    """Write the zip of these local days, both included, of one target or the whole company. The audit log names it first. Blocks until
    each bucket is listed for these days and its custody files are read and checked; a bucket that cannot be read is named in the guide."""
    first, last = days
    made = certificate.certify(company, first, last, now=now, made_by=actor.name, zone=zone, target=target)
    _record(made, actor)
    done = Evidence(made.standing)
    with ZipFile(out, "w", ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory(dir=_spool(installation)) as spool:

        def add(name: str, data: bytes) -> None:
            archive.writestr(name, data)
            done.files.append(name)

        for name, data in _certificates(made):
            add(f"certificates/{name}", data)
        program, sha256 = evidence_bucket.program()
        add("verifier/rokuon_verify.py", program)
        add("verifier/SHA256SUMS", f"{sha256}  rokuon_verify.py\n".encode())
        keys = [
            sshsig.fingerprint(one) for one in SigningKey.objects.filter(company=company).order_by("pk").values_list("public", flat=True)
        ]
        add("keys.txt", "".join(f"{one}\n" for one in keys).encode())
        buckets = list(Bucket.objects.filter(url__in=[one.url for one in made.buckets], company=company).order_by("url"))
        targets = [target] if target is not None else list(company.targets.all())
        wanted = WantedDays({one.dialpad_id: one.folder for one in targets}, first, last, every=target is None)
        for found in evidence_bucket.collect(installation, buckets, wanted, keys, Path(spool), now):
            done.buckets.append(found)
            for path in found.files:
                add(f"buckets/{path.relative_to(spool).as_posix()}", path.read_bytes())
        since = at(windows.local_midnight_ms(first, zone))
        for name, data in evidence_tables.files(company, since, now):
            add(f"records/{name}", data)
        add("versions.json", _versions())
        done.missing = evidence_guide.missing(done.buckets)
        add("README.txt", evidence_guide.write(made, done.buckets, done.missing).encode())
    return done


def _certificates(made: Certificate) -> Iterator[tuple[str, bytes]]:
    """Yield the certificate as a whole, and, of several targets, that of each, as PDF and HTML; the days of each target are a table."""
    yield "certificate.pdf", certificate_pdf.write(sheet(made))
    yield "certificate.html", certificate_html.write(sheet(made))
    yield "certificate.json", json.dumps(as_json(made), ensure_ascii=False, indent=2, default=datetime.isoformat).encode()
    yield "days.csv", "".join(csv_text.lines(*certificates.table(made))).encode()
    targets = made.figures.targets if len(made.figures.targets) > 1 else ()
    for number, one in enumerate(targets, 1):
        alone = certificate.certify(
            made.figures.company,
            made.figures.first,
            made.figures.last,
            now=made.made_at,
            made_by=made.made_by,
            zone=made.zone,
            target=one.target,
        )
        yield f"targets/{number:03}.pdf", certificate_pdf.write(sheet(alone))


def _versions() -> bytes:
    said = {"rokuon": __version__, "manifest": manifest.FORMAT, "seal": seal.FORMAT}
    return json.dumps(said, indent=2).encode()


@transaction.atomic
def _record(made: Certificate, actor: Actor) -> None:
    found = made.figures
    after = {"since": found.first.isoformat(), "until": found.last.isoformat()}
    if found.target is not None:
        after["target"] = found.target.name
    record_of_company(actor, EXPORT, found.company, made.made_at, after)


def _spool(installation: Installation) -> Path:
    folder: Path = installation.config.spool_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder
