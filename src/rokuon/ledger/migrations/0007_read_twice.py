from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_search")]

    operations = [
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                fields=["target", "call_started_at", "id"], condition=models.Q(("proof", "read_twice")), name="copy_read_twice"
            ),
        ),
    ]
