from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_read_twice")]

    operations = [
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                fields=["company", "call_started_at", "id"], condition=models.Q(("state", "pending")), name="copy_by_deadline"
            ),
        ),
    ]
