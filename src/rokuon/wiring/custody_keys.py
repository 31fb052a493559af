"""The signing keys of a company: the first is made at its first seal; each is encrypted with the master key."""

from datetime import datetime

from django.db import IntegrityError, transaction

from rokuon.base.logs import hide
from rokuon.base.secrets import SecretUnreadable, Vault
from rokuon.custody import sshsig
from rokuon.custody.models import SigningKey
from rokuon.custody.seal import SigningPair
from rokuon.domain.failures import CustodyKeyLost

FIELD = "custody_key"


def known_pair(vault: Vault, company_id: int, key_id: int | None = None) -> SigningPair | None:
    """Return a key of the company by its id; for None the present one, or None if it has none yet. Makes none: without a key every valid
    seal in a bucket shows that this database is older, with a new one none does.

    Raises CustodyKeyLost if this installation cannot decrypt it.
    """
    row = SigningKey.objects.get(pk=key_id, company_id=company_id) if key_id is not None else _present(company_id)
    return _opened(vault, row) if row else None


def signing_pair(vault: Vault, company_id: int, key_id: int | None = None) -> SigningPair:
    """Return the key that signs a seal that is being made: by its id; for None the present one, and a new one if there is none. Raises
    CustodyKeyLost."""
    if key_id is not None:
        return _opened(vault, SigningKey.objects.get(pk=key_id, company_id=company_id))
    present = _present(company_id)
    if present is None:
        try:
            with transaction.atomic():
                present = _make(vault, company_id)
        except IntegrityError:
            present = _present(company_id)  # another worker made one at the same moment
    if present is None:
        raise LookupError(f"company {company_id} has no signing key")
    return _opened(vault, present)


def present_key(company_id: int) -> str:
    """Return the public half of the company's present key, "" if it has none yet."""
    row = _present(company_id)
    return row.public if row else ""


@transaction.atomic
def replace_key(vault: Vault, company_id: int, now: datetime) -> SigningPair:
    """Make a new present key. The next seal of each bucket announces it, still signed by the old one."""
    SigningKey.objects.filter(company_id=company_id, retired_at=None).update(retired_at=now)
    return _opened(vault, _make(vault, company_id))


def _make(vault: Vault, company_id: int) -> SigningKey:
    private = sshsig.new_key()
    row: SigningKey = SigningKey.objects.create(
        company_id=company_id, public=sshsig.public_of(private), private=vault.seal(private, owner=_owner(company_id), field=FIELD)
    )
    return row


def _present(company_id: int) -> SigningKey | None:
    found: SigningKey | None = SigningKey.objects.filter(company_id=company_id, retired_at=None).first()
    return found


def _opened(vault: Vault, row: SigningKey) -> SigningPair:
    try:
        private = vault.open(row.private, owner=_owner(row.company_id), field=FIELD)
    except SecretUnreadable as error:
        raise CustodyKeyLost(sshsig.fingerprint(row.public)) from error
    return SigningPair(row.pk, row.public, hide(private).reveal())


def _owner(company_id: int) -> str:
    return f"company:{company_id}"
