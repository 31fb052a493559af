"""One issue of a bucket's custody files, for a worker's job and for a person's command."""

import logging
import uuid
from datetime import datetime

from rokuon.custody import schedule
from rokuon.custody.issue import IssueContext, Issued, issue
from rokuon.custody.seal import SigningPair
from rokuon.domain.failures import HoldOn, InternalFault, LedgerBehindBucket, RokuonError
from rokuon.ledger import holds
from rokuon.org.models import Bucket
from rokuon.runtime.installation import Installation

from .connections import Connections
from .custody_keys import signing_pair

log = logging.getLogger(__name__)


async def try_to_make(bucket_id: int, connections: Connections, installation: Installation, now: datetime) -> None:
    """Issue the bucket's custody files, as a job: any failure is entered with the time of the next try, also a fault of our own, which each
    tick would repeat from the beginning."""
    try:
        await make(bucket_id, connections, installation, now)
    except RokuonError as error:
        log.warning("custody_failed", extra={"bucket": bucket_id, "reason": error.reason, "detail": error.detail})
    except Exception:
        trace = uuid.uuid4().hex[:12]
        log.exception("custody_crashed", extra={"bucket": bucket_id, "trace": trace})
        await connections.db(schedule.failed, bucket_id, InternalFault.reason, f"trace {trace}", now)


async def make(bucket_id: int, connections: Connections, installation: Installation, now: datetime) -> Issued:
    """Issue the bucket's custody files. After a failure the next try is set, and the error is raised.

    Only a ledger that is behind holds the bucket. Any other failure concerns the seals alone: recordings may still be stored, and a bucket
    that nothing uses must not stay held because it is away.
    """
    db = connections.db

    async def key(company_id: int, key_id: int | None) -> SigningPair:
        return await db(signing_pair, installation.vault, company_id, key_id)

    try:
        store = await connections.store(bucket_id)
        return await issue(bucket_id, IssueContext(db, store, installation.identity, key, now))
    except RokuonError as error:
        await db(schedule.failed, bucket_id, error.reason, error.detail, now)
        if isinstance(error, LedgerBehindBucket):
            await db(_hold, bucket_id, error.reason, error.detail, now)
        raise


def _hold(bucket_id: int, reason: str, detail: str, now: datetime) -> None:
    company_id = Bucket.objects.values_list("company_id", flat=True).get(pk=bucket_id)
    holds.open_hold(company_id, HoldOn.BUCKET, str(bucket_id), reason, detail, now)
