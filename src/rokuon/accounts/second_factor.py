"""The second factor: a code of an authenticator app, besides the password."""

from collections.abc import Iterable

from allauth.mfa.models import Authenticator

from .models import Person


def has(person: Person) -> bool:
    return bool(Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.TOTP).exists())


def who_has(person_ids: Iterable[int]) -> set[int]:
    """Those of the people who have one."""
    return set(Authenticator.objects.filter(user_id__in=list(person_ids), type=Authenticator.Type.TOTP).values_list("user_id", flat=True))
