"""Identify accounts by the normal form of their address, compared exactly.

If two accounts now have the same address, the one that was signed in to keeps it, else the older one. The other account, and any account
whose address cannot be used to sign in, is kept for the audit log under an address that receives no mail, and is disabled; an admin must
give its roles again to the right person. Identity provider accounts that were connected by look-alike letters are disconnected. All of this
is in the audit log.
"""

from typing import Any

import idna
from django.db import migrations, models
from django.utils import timezone

from rokuon.runtime.mail_addresses import needs_utf8, normal


def keep_one_form(apps: Any, schema_editor: Any) -> None:
    Person = apps.get_model("accounts", "Person")
    wanted: dict[str, list[Any]] = {}
    nobody: list[Any] = []
    for person in Person.objects.order_by("pk"):
        address = _as_mail_was_sent(person.email)
        if address is None:
            nobody.append(person)
        else:
            wanted.setdefault(address, []).append(person)
    kept = {address: min(those, key=lambda one: (one.last_login is None, one.pk)) for address, those in wanted.items()}
    for address, those in wanted.items():
        nobody += [one for one in those if one.pk != kept[address].pk]
    for person in nobody:
        _retire(apps, person)
    for address, person in kept.items():
        if person.email != address:
            Person.objects.filter(pk=person.pk).update(email=address)
            _record(apps, person, "person.address", {"email": person.email}, {"email": address})
    _part_look_alikes(apps)
    # Constraint checks deferred to the end of the transaction would block adding the new constraint.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _as_mail_was_sent(email: str) -> str | None:
    """Return the normal form of the address to which mails were sent; None if the address cannot be used to sign in."""
    local, _at, domain = email.rpartition("@")
    try:
        address = normal(f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}")
    except ValueError:
        return None
    return None if needs_utf8(address) else address


def _retire(apps: Any, person: Any) -> None:
    address = f"person-{person.pk}@unusable.invalid"
    apps.get_model("accounts", "Person").objects.filter(pk=person.pk).update(email=address, is_active=False)
    for table in ("Session", "Link"):
        apps.get_model("accounts", table).objects.filter(person_id=person.pk).delete()
    apps.get_model("socialaccount", "SocialAccount").objects.filter(user_id=person.pk).delete()
    _record(apps, person, "person.address", {"email": person.email}, {"email": address})
    _record(apps, person, "person.disable", {}, {})


def _part_look_alikes(apps: Any) -> None:
    """Disconnect accounts whose non-ASCII address at the provider is not the person's. An ASCII address was changed at the provider."""
    for join in apps.get_model("socialaccount", "SocialAccount").objects.select_related("user"):
        email = str(join.extra_data.get("id_token", {}).get("email", ""))
        if not email.isascii() and _exactly(email) != join.user.email:
            apps.get_model("accounts", "Session").objects.filter(person_id=join.user_id).delete()
            _record(apps, join.user, "account.oidc_undo", {"address": email}, {})
            join.delete()


def _exactly(email: str) -> str | None:
    try:
        return normal(email)
    except ValueError:
        return None


def _record(apps: Any, person: Any, action: str, before: dict[str, str], after: dict[str, str]) -> None:
    """Record in the audit log of each company in which the person has a role, else in the installation's."""
    companies = apps.get_model("accounts", "Membership").objects.filter(person_id=person.pk).values_list("company_id", flat=True)
    for company_id in sorted(set(companies)) or [None]:
        apps.get_model("accounts", "AuditEntry").objects.create(
            at=timezone.now(),
            company_id=company_id,
            actor="upgrade",
            action=action,
            subject_kind="person",
            subject_id=str(person.pk),
            subject=person.email,
            before=before,
            after=after,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sign_in_log"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        migrations.RunPython(keep_one_form, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="person", name="person_once"),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(condition=models.Q(("email__regex", r"^[!-?\[-~]+@[a-z0-9.-]+$")), name="person_address"),
        ),
    ]
