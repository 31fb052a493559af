from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0014_unreadable_closed"),
    ]

    operations = [
        migrations.AddField("hold", "released", models.PositiveIntegerField(null=True)),
    ]
