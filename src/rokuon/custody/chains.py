"""The chains of a bucket's seals in the database: which is open, what is known of it, and how another continues it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from rokuon.domain.recording import COMPANY_SCOPE
from rokuon.ledger.models import Run
from rokuon.ledger.sql import execute
from rokuon.org.models import Bucket

from . import names, schedule
from .look import ChainEnd, KnownSeals
from .models import Intent, Issue, SealChain, SigningKey

MOVED, RESTORED, KEY_LOST = "moved", "restored", "key_lost"
NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)
"""`names_until` before the first seal that reads all days."""
WHOLE = timedelta(days=2 * 365 - 3)
"""A Back up now without dates goes back at least so far."""


@dataclass(frozen=True, slots=True)
class Continued:
    """The seal that a new chain continues, and the public key that has to sign next. No day of it has a revision above `revisions`; what
    was stored until `names_until` is named by it or before it."""

    chain: str
    number: int
    sha256: str
    announced: str
    revisions: int
    names_until: datetime


@transaction.atomic
def open_chain(bucket_id: int, installation: str, now: datetime) -> SealChain:
    """Return the bucket's open chain; a new one if it has none, or if another installation began it: this database was restored here."""
    Bucket.objects.select_for_update(no_key=True).get(pk=bucket_id)
    chain = SealChain.objects.select_for_update(no_key=True).filter(bucket_id=bucket_id, closed_at=None).first()
    if chain is None:
        return SealChain.objects.create(bucket_id=bucket_id, name=names.new_chain(), installation=installation, started_at=now)
    if chain.installation != installation and (last := last_known(chain)):
        return follow(bucket_id, installation, last, MOVED, now)
    if chain.installation != installation:
        chain.installation = installation
        chain.save(update_fields=["installation"])
    return chain


def last_known(chain: SealChain) -> Continued | None:
    """Return the last seal of a chain that this database has entered; None if it has none."""
    last = chain.issues.select_related("key", "announces").order_by("-number").first()
    if last is None:
        return None
    announced = last.announces.public if last.announces else last.key.public
    return Continued(chain.name, last.number, last.sha256, announced, chain.revisions + last.number, last.names_until)


def named_until(chain: SealChain, last: Issue | None) -> datetime:
    """Return until when the seals of a chain, and those before it, name what was stored. `last` is its last seal."""
    return last.names_until if last else chain.names_until or NOTHING_YET


def latest_seal(bucket_id: int) -> str:
    """Return the SHA-256 of the bucket's latest seal; "" if it has none."""
    # By the order in which they were entered: a chain that begins after a clock was set back is older by its times than the one before.
    return Issue.objects.filter(chain__bucket_id=bucket_id).order_by("-pk").values_list("sha256", flat=True).first() or ""


def has_seal(bucket_id: int) -> bool:
    """Whether a seal of this database is in the bucket."""
    return Issue.objects.filter(chain__bucket_id=bucket_id).exists()


def last_of(bucket_id: int, ends: Sequence[ChainEnd], *, only_there: bool = False) -> Continued | None:
    """Return the last seal of the company in a bucket, from what is in it and, unless `only_there`, from what this database knows: the seal
    that no other continues. None if there is none."""
    found = {end.last.chain: end for end in ends}
    seals: dict[str, Continued] = {}
    before: dict[str, Mapping[str, Any] | None] = {name: end.continues for name, end in found.items()}
    for chain in SealChain.objects.filter(bucket_id=bucket_id):
        if (last := last_known(chain)) and not only_there:
            seals[chain.name], before[chain.name] = last, chain.continues
    for name, end in found.items():
        if name not in seals or seals[name].number < end.last.number:
            seals[name] = Continued(name, end.last.number, end.last.sha256, end.last.announced, 0, end.last.names_until)
    continued = {link["chain"] for link in before.values() if link}
    leaves = [seal for name, seal in seals.items() if name not in continued]
    if not leaves:
        return None
    last = max(leaves, key=lambda seal: str(found[seal.chain].last.fields.get("at", "")) if seal.chain in found else "")
    return replace(last, revisions=_revisions(last, before))


def begin_again(bucket_id: int, installation: str, ends: Sequence[ChainEnd], now: datetime) -> None:
    """After a bucket was replaced or emptied: if it lacks seals that this database knows, begin a chain that continues the last one that
    is there, so that it is proven from now on. A chain that went on would lack its beginning for ever."""
    chain = SealChain.objects.filter(bucket_id=bucket_id, closed_at=None).first()
    last = last_known(chain) if chain else None
    there = {end.last.chain: end.last.number for end in ends}
    if last is not None and there.get(last.chain, 0) < last.number:
        follow(bucket_id, installation, last_of(bucket_id, ends, only_there=True), RESTORED, now)


def note(bucket_id: int, ends: Sequence[ChainEnd], now: datetime) -> None:
    """Enter the chains in the bucket that this database does not know, so that they no longer show that it is behind, and the keys that
    signed them, so that the company's other buckets still do."""
    company_id = Bucket.objects.values_list("company_id", flat=True).get(pk=bucket_id)
    for end in ends:
        fields = {"bucket_id": bucket_id, "installation": str(end.last.fields.get("installation", "")), "continues": end.continues}
        SealChain.objects.get_or_create(name=end.last.chain, defaults={**fields, "started_at": now, "closed_at": now})
        for public in {end.last.signer, end.last.announced}:
            SigningKey.objects.get_or_create(public=public, defaults={"company_id": company_id, "private": "", "retired_at": now})


def _revisions(last: Continued, before: Mapping[str, Mapping[str, Any] | None]) -> int:
    """Each issue adds at most one revision to a day, so the numbers of all issues along the way add up to the highest possible one."""
    revisions, link, seen = last.number, before.get(last.chain), {last.chain}
    while link and link["chain"] not in seen:
        seen.add(link["chain"])
        revisions += int(link["issue"])
        link = before.get(link["chain"])
    return revisions


@transaction.atomic
def follow(bucket_id: int, installation: str, last: Continued | None, why: str, now: datetime) -> SealChain:
    """Close the bucket's open chain and begin another that continues this seal. All days that were sealed are sealed in it again, and those
    that wait stay waiting even if a seal of the old chain that is just being written is entered afterwards."""
    Bucket.objects.select_for_update(no_key=True).get(pk=bucket_id)
    SealChain.objects.filter(bucket_id=bucket_id, closed_at=None).update(closed_at=now)
    key = SigningKey.objects.filter(public=last.announced).first() if last and why != KEY_LOST else None
    chain: SealChain = SealChain.objects.create(
        bucket_id=bucket_id,
        name=names.new_chain(),
        installation=installation,
        continues={"chain": last.chain, "issue": last.number, "sha256": last.sha256, "why": why} if last else None,
        key=key,
        revisions=last.revisions if last else 0,
        names_until=last.names_until if last else None,
        started_at=now,
    )
    schedule.at_once(bucket_id, now)
    execute(
        """INSERT INTO custody_waiting (bucket_id, target_id, day, version)
           SELECT y.*, nextval('custody_change')
             FROM (SELECT n.bucket_id, s.target_id, s.day
                     FROM custody_sealedday s JOIN custody_sealchain n ON n.id = s.chain_id WHERE n.bucket_id = %s
                    UNION SELECT w.bucket_id, w.target_id, w.day FROM custody_waiting w WHERE w.bucket_id = %s
                    ORDER BY 2, 3) AS y
               ON CONFLICT (bucket_id, target_id, day) DO UPDATE SET version = excluded.version""",
        [bucket_id, bucket_id],
    )
    return chain


def stays_empty(chain: SealChain) -> bool:
    """Whether the next seal names no files. A ledger that a person let continue may be an older one: its days are sealed after a Back up
    now of the company over the whole two years, begun since then, has found what was stored meanwhile; until then those of the chain
    before it count."""
    origin: SealChain | None = chain
    while origin and origin.continues and origin.continues["why"] == MOVED:
        origin = SealChain.objects.filter(name=origin.continues["chain"]).first()
    if origin is None or not origin.continues:
        return False
    done = Run.objects.filter(purpose=Run.Purpose.BACK_UP_NOW, scope_kind=COMPANY_SCOPE.kind.value, state=Run.State.FINISHED)
    whole = done.filter(since__lte=F("created_at") - WHOLE, until__gte=origin.started_at, created_at__gte=origin.started_at)
    return not whole.filter(company__buckets=chain.bucket_id).exists()


def next_key(last: Issue) -> int:
    """Return the id of the key that signs the next seal."""
    return last.announces_id or last.key_id


def known_seals(bucket_id: int) -> KnownSeals:
    """Return what this database knows of the bucket's seals. Chains of the company's other buckets are known too: one that was copied
    here, with the recordings, does not show that the database is older."""
    company_id, claim = Bucket.objects.values_list("company_id", "company__claim").get(pk=bucket_id)
    keys = frozenset(SigningKey.objects.filter(company_id=company_id).values_list("public", flat=True))
    chains = frozenset(SealChain.objects.filter(bucket__company_id=company_id).values_list("name", flat=True))
    chain = SealChain.objects.filter(bucket_id=bucket_id, closed_at=None).first()
    if chain is None:
        return KnownSeals(str(claim), chains=chains, keys=keys)
    intended = frozenset(Intent.objects.filter(chain=chain).values_list("sha256", flat=True))
    last = chain.issues.order_by("-number").values_list("number", flat=True).first()
    return KnownSeals(str(claim), chain.name, last or 0, intended, chains, keys)
