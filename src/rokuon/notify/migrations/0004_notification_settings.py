"""`Rhythm` becomes `NotificationSettings`: the table keeps its rows and its name, so nothing changes in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0003_addresses"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel(old_name="Rhythm", new_name="NotificationSettings"),
                migrations.AlterModelTable(name="notificationsettings", table="notify_rhythm"),
                migrations.AlterField(
                    model_name="notificationsettings",
                    name="company",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notification_settings",
                        serialize=False,
                        to="org.company",
                    ),
                ),
            ],
        ),
    ]
