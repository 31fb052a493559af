from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("org", "0007_one_queue_of_slots"),
    ]

    operations = [
        migrations.AddField(
            model_name="bucket", name="identity", field=models.CharField(blank=True, default="", max_length=64), preserve_default=False
        ),
    ]
