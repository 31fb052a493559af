"""Changes to the settings tree and the backup rules, each in one transaction. Raises ConfigError with a sentence for a refused change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from rokuon.base.i18n import _
from rokuon.domain.failures import N_, ConfigError
from rokuon.domain.settings import DIALPAD_RATE

from .models import Bucket, Budget, Company, Office, Target

Node = Company | Office | Target


class CompanyKnown(ConfigError):
    """The company is already registered in this installation."""


@transaction.atomic
def create_company(name: str, base_url: str, dialpad_id: str) -> Company:
    """Create a company with its budget, not enabled and without a key yet."""
    try:
        with transaction.atomic():
            company = Company.objects.create(name=name, base_url=base_url, dialpad_id=dialpad_id)
    except IntegrityError:
        raise CompanyKnown(_("The company %(name)s is already registered here.") % {"name": name}) from None
    Budget.objects.create(company=company)
    return company


@transaction.atomic
def register_bucket(company: Company, url: str) -> Bucket:
    """Register a bucket of the company. A bucket belongs to one company: a second registration anywhere is refused."""
    require_free(company, url)
    try:
        with transaction.atomic():
            return Bucket.objects.create(company=company, url=url)
    except IntegrityError:
        # A concurrent registration was a moment faster.
        require_free(company, url)
        raise


def require_free(company: Company, url: str) -> None:
    """Raises ConfigError if the bucket is already registered, by this company or by another."""
    existing = Bucket.objects.filter(url=url).first()
    if existing is None:
        return
    if existing.company_id == company.pk:
        raise ConfigError(_("The bucket %(url)s is already registered.") % {"url": url})
    raise ConfigError(_("The bucket %(url)s belongs to another company of this installation. Choose a bucket of your own.") % {"url": url})


def names_that_chose(bucket: Bucket) -> list[str]:
    """Return the names of the levels that have chosen the bucket, also where that has no effect at the moment."""
    found = list(Company.objects.filter(bucket=bucket).values_list("name", flat=True))
    found += Office.objects.filter(bucket=bucket).order_by("name", "pk").values_list("name", flat=True)
    return found + list(Target.objects.filter(bucket=bucket).order_by("name", "pk").values_list("name", flat=True))


class SettingsMoved(ConfigError):
    """The settings changed since the form showed them. `now` is the level as it is now."""

    def __init__(self, now: Node) -> None:
        super().__init__(_("Someone else changed these settings in the meantime. Nothing was saved yet."))
        self.now = now


ABOVE_LIMIT = N_(
    "Dialpad allows a company 20 requests per second over all its integrations, and answers more with pauses. Enter at most 20. If Dialpad "
    "has confirmed a higher limit for this company, say so as well."
)


class AboveLimit(ConfigError):
    """The request budget is higher than what Dialpad allows, and nobody confirmed an exception."""

    def __init__(self) -> None:
        super().__init__(_(ABOVE_LIMIT))


def above_limit(node: Node, rate: Decimal) -> bool:
    """Whether this new request budget of a company needs a confirmed exception. One that is set already was confirmed, or stood before
    the rule."""
    return isinstance(node, Company) and rate > DIALPAD_RATE and rate != node.requests_per_second


class Restricted(ConfigError):
    """The company's access restriction does not allow customizing."""

    def __init__(self) -> None:
        super().__init__(
            _("The company restricts access: every office and center uses the company's bucket. Switch the restriction off to customize.")
        )


@transaction.atomic
def change(node: Node, wanted: Mapping[str, Any], revision: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set fields of one level, a bucket as a Bucket; return the differences, before and after. Equal values change nothing.

    With `revision`, only if nobody changed the level since: else raises SettingsMoved. Below the company, choosing a bucket is the same as
    customizing and needs the company's consent (M2, M3): raises Restricted without it.
    """
    known = type(node)._default_manager.filter(pk=node.pk)
    current = known.select_for_update(no_key=True).get()
    if revision is not None and current.revision != revision:
        raise SettingsMoved(current)
    company_id = current.pk if isinstance(current, Company) else current.company_id
    if any(isinstance(value, Bucket) and value.company_id != company_id for value in wanted.values()):
        raise ConfigError(_("This bucket is not registered for the company."))
    before = {name: getattr(current, name) for name, value in wanted.items() if getattr(current, name) != value}
    after = {name: wanted[name] for name in before}
    if after:
        # The restriction is part of the statement, so that it cannot be switched on between a check and the change.
        consent = Q() if isinstance(current, Company) else Q(company__restricted=False)
        if not known.filter(consent).update(**after, revision=current.revision + 1):
            raise Restricted
    return before, after


def choice(node: Node, bucket: Bucket | None) -> dict[str, Any]:
    """Return the fields to set at this level to choose a bucket."""
    return {"bucket": bucket} if isinstance(node, Company) else {"customized": bucket is not None, "bucket": bucket}


def set_rule(targets: Sequence[Target], backed_up: bool, now: datetime) -> list[Target]:
    """Enable or disable the backup rule of contact centers and coaching teams (M6, M7); return the changed ones, as they were
    before."""
    known = Target.objects.select_for_update(no_key=True).filter(pk__in=[target.pk for target in targets]).order_by("pk")
    changed = list(known.exclude(backed_up=backed_up))
    Target.objects.filter(pk__in=[target.pk for target in changed]).update(backed_up=backed_up, backed_up_at=now if backed_up else None)
    return changed


def learn_listing(company_id: int, kind: str, whole: bool) -> None:
    """Store whether a listing by a target of this kind is complete (`Company.listing_trust`), unless something is already stored: a
    concurrent result stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE org_company SET listing_trust = listing_trust || jsonb_build_object(%s::text, %s::bool)
                WHERE id = %s AND NOT listing_trust ? %s""",
            [kind, whole, company_id, kind],
        )


def distrust_listing(company_id: int, kind: str) -> None:
    """Store that a listing by a target of this kind lacked something, whatever was stored before."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE org_company SET listing_trust = listing_trust || jsonb_build_object(%s::text, FALSE)
                WHERE id = %s AND listing_trust -> %s::text IS DISTINCT FROM 'false'::jsonb""",
            [kind, company_id, kind],
        )
