from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0003_hook_since")]

    operations = [
        migrations.AddField("hook", "refused", models.PositiveIntegerField(default=0)),
        migrations.AddField("hook", "refused_since", models.DateTimeField(null=True)),
        migrations.AddField("hook", "flood_at", models.DateTimeField(null=True)),
    ]
