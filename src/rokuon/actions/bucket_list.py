"""Keep a company's list of buckets in order: remove a bucket that nothing uses, name a bucket. Nothing in the store changes."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record
from rokuon.base.i18n import _, ngettext
from rokuon.base.plain_text import bare
from rokuon.custody import chains
from rokuon.domain.failures import ConfigError, HoldOn
from rokuon.ledger import holds, inventory
from rokuon.org import services
from rokuon.org.models import Bucket

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class BucketUse:
    """What uses a bucket: `levels`, by name, that have chosen it, `copies` that are stored there or are to be, and whether it is
    `sealed`."""

    levels: tuple[str, ...]
    copies: int
    sealed: bool = False

    def __bool__(self) -> bool:
        return bool(self.levels or self.copies or self.sealed)

    def sentences(self) -> list[str]:
        """Say what uses the bucket and what can be done instead."""
        said = []
        if self.levels:
            said.append(_("It is chosen by %(levels)s: choose another bucket there first.") % {"levels": _(", ").join(self.levels)})
        if self.copies:
            said.append(
                ngettext(
                    "The ledger knows %(count)s recording in it. It stays registered, so that the recording can be found and played; give "
                    "it a name that says that it is no longer used.",
                    "The ledger knows %(count)s recordings in it. It stays registered, so that they can be found and played; give it a "
                    "name that says that it is no longer used.",
                    self.copies,
                )
                % {"count": f"{self.copies:,}"}
            )
        elif self.sealed:
            said.append(
                _(
                    "It has seals, which would count as those of a newer database if it were registered again. It stays registered; give "
                    "it a name that says that it is no longer used."
                )
            )
        return said


class BucketInUse(ConfigError):
    """Something uses the bucket. The message says what."""


def use_of(bucket: Bucket) -> BucketUse:
    return BucketUse(tuple(services.names_that_chose(bucket)), inventory.entered(bucket.pk), chains.has_seal(bucket.pk))


@transaction.atomic
def remove_bucket(bucket: Bucket, actor: Actor, now: datetime) -> None:
    """Take an unused bucket off the list, with its credential and any hold on it. Raises BucketInUse."""
    locked = Bucket.objects.select_for_update().select_related("company").get(pk=bucket.pk)
    used = use_of(locked)
    if used:
        raise BucketInUse(" ".join([_("The bucket %(url)s is in use.") % {"url": locked.url}, *used.sentences()]))
    holds.lift(locked.company_id, HoldOn.BUCKET, str(locked.pk), now)
    subject = ("bucket", locked.pk, locked.url)
    record(actor, "bucket.remove", locked.company, now, subject, before={"url": locked.url, "name": locked.name})
    locked.delete()


@transaction.atomic
def rename_bucket(bucket: Bucket, name: str, actor: Actor, now: datetime) -> bool:
    """Give the bucket a name for people, "" for none; return whether it differs. Raises ConfigError for a name that is too long."""
    name = " ".join(bare(name).replace("\0", "").split())
    if len(name) > LONGEST_NAME:
        raise ConfigError(_("The name is too long: at most %(longest)d characters.") % {"longest": LONGEST_NAME})
    locked = Bucket.objects.select_for_update(no_key=True).select_related("company").get(pk=bucket.pk)
    if locked.name == name:
        return False
    Bucket.objects.filter(pk=locked.pk).update(name=name)
    record(actor, "bucket.rename", locked.company, now, ("bucket", locked.pk, locked.url), {"name": name}, {"name": locked.name})
    return True
