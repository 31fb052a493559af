import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_hook_refused"),
    ]

    operations = [
        migrations.AddField(
            model_name="hint",
            name="other_legs",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
        ),
    ]
