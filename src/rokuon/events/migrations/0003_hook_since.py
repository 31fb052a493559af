from django.db import migrations, models
from django.db.models import F


def as_far_as_known(apps, schema_editor):
    # The secret was made a moment before the webhook, unless it was changed since.
    apps.get_model("events", "Hook").objects.exclude(subscription_id="").update(since=F("secret_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0002_hint_by_call"),
    ]

    operations = [
        migrations.AddField(
            model_name="hook",
            name="since",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(as_far_as_known, migrations.RunPython.noop),
    ]
