"""Store why a person cannot sign in as two facts, and store when and how an address was proven.

The operator disabled a person if the last command about them disabled them, or if they are disabled and have a role or are an operator; the
other disabled people lost their last role. Of the existing people, only operators who have signed in count as proven: they use a link from
the command line. All others are proven when they next follow a mailed link or come from the identity provider.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import F, Q
from django.utils import timezone


def tell_apart(apps: Any, schema_editor: Any) -> None:
    Person, AuditEntry = apps.get_model("accounts", "Person"), apps.get_model("accounts", "AuditEntry")
    for person in Person.objects.filter(is_active=False):
        told = AuditEntry.objects.filter(
            action__in=["person.disable", "person.enable"], subject_kind="person", subject_id=str(person.pk)
        ).order_by("-at", "-pk")
        last = told.values_list("action", "at").first()
        if last is not None and last[0] == "person.disable":
            Person.objects.filter(pk=person.pk).update(disabled_at=last[1])
        elif person.is_operator or person.memberships.exists():
            Person.objects.filter(pk=person.pk).update(disabled_at=timezone.now())
        else:
            Person.objects.filter(pk=person.pk).update(removed_at=timezone.now())
    Person.objects.filter(is_operator=True, last_login__isnull=False).update(proven_at=F("last_login"), proven_by="operator")
    apps.get_model("accounts", "Link").objects.filter(kind="sign_in").update(handed="operator")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_addresses"),
    ]

    operations = [
        migrations.AddField("person", "disabled_at", models.DateTimeField(null=True)),
        migrations.AddField("person", "removed_at", models.DateTimeField(null=True)),
        migrations.AddField("person", "proven_at", models.DateTimeField(null=True)),
        migrations.AddField("person", "proven_by", models.CharField(blank=True, default="", max_length=8), preserve_default=False),
        migrations.AddField("person", "reset_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "link",
            "handed",
            models.CharField(choices=[("mail", "Mail"), ("screen", "Screen"), ("operator", "Operator")], default="screen", max_length=8),
        ),
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
        migrations.RemoveField("person", "is_active"),
        migrations.AddField(
            "person",
            "is_active",
            models.GeneratedField(
                db_persist=True,
                expression=models.ExpressionWrapper(Q(disabled_at=None, removed_at=None), output_field=models.BooleanField()),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddConstraint(
            "person",
            models.CheckConstraint(
                condition=Q(proven_at=None, proven_by="") | Q(proven_at__isnull=False, proven_by__in=["mail", "provider", "operator"]),
                name="person_proof",
            ),
        ),
    ]
