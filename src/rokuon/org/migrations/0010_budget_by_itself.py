from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("org", "0009_ignored_range")]

    operations = [
        migrations.AddField("budget", "asked_until", models.DateTimeField(null=True)),
        migrations.AddField("budget", "throttled_at", models.DateTimeField(null=True)),
        migrations.AddField("budget", "lowered_to", models.FloatField(null=True)),
        migrations.AddField("budget", "lowered_at", models.DateTimeField(null=True)),
    ]
