from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_mail_link"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="shortcuts",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
