"""Store recipients' addresses in their normal form. Invalid and duplicate addresses are removed, with an audit log entry."""

from typing import Any

import idna
from django.db import migrations, models
from django.utils import timezone

from rokuon.runtime.mail_addresses import normal


def keep_one_form(apps: Any, schema_editor: Any) -> None:
    Recipient = apps.get_model("notify", "Recipient")
    there: set[tuple[int, int | None, str]] = set()
    kept: list[tuple[Any, str]] = []
    for one in Recipient.objects.order_by("pk"):
        address = _as_mail_was_sent(one.email)
        if address is None or (one.company_id, one.office_id, address) in there:
            _remove(apps, one)
            continue
        there.add((one.company_id, one.office_id, address))
        kept.append((one, address))
    for one, address in kept:
        if one.email != address:
            Recipient.objects.filter(pk=one.pk).update(email=address)
    # Constraint checks deferred to the end of the transaction would block adding the new constraints.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _as_mail_was_sent(email: str) -> str | None:
    local, _at, domain = email.rpartition("@")
    try:
        return normal(f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}")
    except ValueError:
        return None


def _remove(apps: Any, recipient: Any) -> None:
    apps.get_model("accounts", "AuditEntry").objects.create(
        at=timezone.now(),
        company_id=recipient.company_id,
        office_id=recipient.office_id,
        actor="upgrade",
        action="notice.remove",
        subject_kind="recipient",
        subject_id=str(recipient.pk),
        subject=recipient.email,
        before={"language": recipient.language},
        after={},
    )
    recipient.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_addresses"),
        ("notify", "0002_unlisted"),
    ]

    operations = [
        migrations.RunPython(keep_one_form, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="recipient", name="recipient_of_company_once"),
        migrations.RemoveConstraint(model_name="recipient", name="recipient_of_office_once"),
        migrations.AddConstraint(
            model_name="recipient",
            constraint=models.UniqueConstraint(
                condition=models.Q(("office", None)), fields=("company", "email"), name="recipient_of_company_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="recipient",
            constraint=models.UniqueConstraint(fields=("office", "email"), name="recipient_of_office_once"),
        ),
        migrations.AddConstraint(
            model_name="recipient",
            constraint=models.CheckConstraint(
                condition=models.Q(("email__regex", "^[^A-Z@[:space:]]+@[a-z0-9.-]+$")), name="recipient_address"
            ),
        ),
    ]
