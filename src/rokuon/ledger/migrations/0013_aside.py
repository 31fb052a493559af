import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0012_call_closing"),
    ]

    operations = [
        migrations.CreateModel(
            name="Aside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField()),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("crc32c", models.BigIntegerField()),
                ("content_type", models.TextField()),
                ("looks", models.TextField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("accepted_by", models.TextField(blank=True, db_default="")),
                ("accepted_at", models.DateTimeField(null=True)),
                ("copy", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="asides", to="ledger.copy")),
            ],
        ),
        migrations.AddField(
            model_name="copy",
            name="accepted",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="ledger.aside"),
        ),
        migrations.AddConstraint(
            model_name="aside",
            constraint=models.UniqueConstraint(fields=("copy", "sha256"), name="aside_once"),
        ),
    ]
