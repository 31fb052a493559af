"""Changes to the settings tree and the backup rules, each in one transaction. Raises ConfigError with a sentence for what cannot be."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import IntegrityError, transaction

from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _

from .models import Bucket, Budget, Company, MediaCharge, Office, Target


class CompanyKnown(ConfigError):
    """The company is registered in this installation already."""


@transaction.atomic
def create_company(name: str, base_url: str, dialpad_id: str) -> Company:
    """A company with its budget, not enabled and without a key yet."""
    try:
        with transaction.atomic():
            company = Company.objects.create(name=name, base_url=base_url, dialpad_id=dialpad_id)
    except IntegrityError:
        raise CompanyKnown(_("The company %(name)s is already registered here.") % {"name": name}) from None
    Budget.objects.create(company=company)
    return company


@transaction.atomic
def register_bucket(company: Company, url: str) -> Bucket:
    """A bucket of the company. One bucket belongs to one company: a second registration anywhere is refused."""
    require_free(company, url)
    return Bucket.objects.create(company=company, url=url)


def require_free(company: Company, url: str) -> None:
    """Raises ConfigError where the bucket is registered, by this company or by another."""
    existing = Bucket.objects.filter(url=url).first()
    if existing is None:
        return
    if existing.company_id == company.pk:
        raise ConfigError(_("The bucket %(url)s is already registered.") % {"url": url})
    raise ConfigError(_("The bucket %(url)s belongs to another company of this installation. Choose a bucket of your own.") % {"url": url})


def set_enabled(company: Company, enabled: bool) -> None:
    Company.objects.filter(pk=company.pk).update(enabled=enabled)


def set_restricted(company: Company, restricted: bool) -> None:
    Company.objects.filter(pk=company.pk).update(restricted=restricted)


def set_voicemail(company: Company, voicemail: bool) -> None:
    Company.objects.filter(pk=company.pk).update(voicemail=voicemail)


def set_budget(company: Company, requests_per_second: Decimal) -> None:
    Company.objects.filter(pk=company.pk).update(requests_per_second=requests_per_second)


def set_media_charge(company: Company, charge: MediaCharge) -> None:
    Company.objects.filter(pk=company.pk).update(media_charge=charge)


def choose_bucket(node: Company | Office | Target, bucket: Bucket | None) -> None:
    """Select one of the company's buckets for the company, an office or a target; None takes the choice back.

    Below the company, choosing is the same as customizing: it needs the company's consent (access restriction off, M2 and M3).
    """
    company_id = node.pk if isinstance(node, Company) else node.company_id
    if bucket is not None and bucket.company_id != company_id:
        raise ConfigError(_("This bucket is not registered for the company."))
    if isinstance(node, Company):
        Company.objects.filter(pk=node.pk).update(bucket=bucket)
        return
    # The restriction is part of the statement, so that it cannot be switched on between a check and the change.
    changed = type(node)._default_manager.filter(pk=node.pk, company__restricted=False).update(customized=bucket is not None, bucket=bucket)
    if not changed:
        raise ConfigError(
            _("The company restricts access: every office and center uses the company's bucket. Switch the restriction off to customize.")
        )


def set_rule(targets: Sequence[Target], backed_up: bool) -> int:
    """Enable or disable the backup rule of contact centers and coaching teams (M6, M7); how many changed."""
    return Target.objects.filter(pk__in=[target.pk for target in targets]).exclude(backed_up=backed_up).update(backed_up=backed_up)
