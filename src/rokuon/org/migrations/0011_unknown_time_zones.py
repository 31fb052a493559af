from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("org", "0010_budget_by_itself")]

    operations = [
        migrations.AddField(
            model_name=name, name="unknown_timezone", field=models.TextField(blank=True, default=""), preserve_default=False
        )
        for name in ("office", "target")
    ]
