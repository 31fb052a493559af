import secrets

from django.db import migrations, models

import rokuon.org.models


def name_companies(apps, schema_editor):
    for company in apps.get_model("org", "Company").objects.all():
        company.public_id = secrets.token_urlsafe(9)
        company.save(update_fields=["public_id"])


class Migration(migrations.Migration):
    dependencies = [("org", "0001_initial")]

    operations = [
        # Unique only after each company has its own: a default is computed once for all existing rows.
        migrations.AddField("company", "public_id", models.CharField(default="", editable=False, max_length=12)),
        migrations.RunPython(name_companies, migrations.RunPython.noop),
        migrations.AlterField(
            "company",
            "public_id",
            models.CharField(default=rokuon.org.models.new_public_id, editable=False, max_length=12, unique=True),
        ),
        migrations.AddField("company", "revision", models.PositiveIntegerField(default=0)),
        migrations.AddField("office", "revision", models.PositiveIntegerField(default=0)),
        migrations.AddField("target", "revision", models.PositiveIntegerField(default=0)),
    ]
