"""Check that local buckets do not overlap: a bucket inside another would be listed, verified and replaced together with the outer one, and
would belong to the outer one's owner."""

from pathlib import Path

from django.db import connection

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError
from rokuon.org.models import Bucket, Company
from rokuon.stores.folder_kind import overlap
from rokuon.stores.kind import StoreSettings
from rokuon.stores.registry import kind_of

REGISTERING = 0x726F6B756275
"""The advisory lock held while a local bucket is registered: no constraint can compare the rows of two overlapping buckets."""


def one_after_the_other(url: str) -> None:
    """Lock the registration of folders until the transaction ends, so that `require_apart` afterwards sees every earlier registration."""
    if _folder(url) is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTERING])


def require_apart(company: Company, url: str) -> None:
    """Raises ConfigError if the folder is inside a registered bucket of any company, or contains one. `url` is canonical."""
    path = _folder(url)
    if path is None:
        return
    for other in Bucket.objects.exclude(url=url).order_by("pk"):
        there = _folder(other.url)
        if there is None or not overlap(path, there):
            continue
        if other.company_id != company.pk:
            raise ConfigError(
                _("The folder %(url)s overlaps with a bucket of another company of this installation. Choose a folder of your own.")
                % {"url": url}
            )
        raise ConfigError(
            _("The folder %(url)s and the bucket %(other)s lie one inside the other. Choose a folder beside it, such as %(beside)s.")
            % {"url": url, "other": other.url, "beside": there.with_name(f"{there.name}-2").as_uri()}
        )


def inside_another(bucket: Bucket) -> Bucket | None:
    """Return a bucket of the same company that overlaps with this one; an earlier version allowed this."""
    path = _folder(bucket.url)
    if path is None:
        return None
    others = Bucket.objects.filter(company_id=bucket.company_id).exclude(pk=bucket.pk).order_by("pk")
    return next((one for one in others if (there := _folder(one.url)) is not None and overlap(path, there)), None)


def _folder(url: str) -> Path | None:
    """The folder that the bucket is, wherever it lies: one that is no longer allowed still overlaps."""
    return kind_of(url).folder(url, StoreSettings([Path("/")]))
