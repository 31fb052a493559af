from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_hint_other_legs")]

    operations = [
        migrations.AlterField(model_name="hint", name="started_at", field=models.DateTimeField(null=True)),
    ]
