from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("org", "0011_unknown_time_zones")]

    operations = [
        migrations.AddField(model_name="bucket", name="longest_name", field=models.PositiveSmallIntegerField(db_default=255, default=255))
    ]
