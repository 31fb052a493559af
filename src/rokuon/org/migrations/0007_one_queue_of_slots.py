from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("org", "0006_access_window"),
    ]

    operations = [
        migrations.RemoveField(model_name="budget", name="next_live_at"),
    ]
