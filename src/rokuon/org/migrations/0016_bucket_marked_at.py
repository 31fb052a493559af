from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("org", "0015_other_party"),
    ]

    operations = [
        migrations.AddField(model_name="bucket", name="marked_at", field=models.DateTimeField(blank=True, null=True)),
    ]
