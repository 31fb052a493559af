from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("org", "0002_public_id_revision"),
    ]

    operations = [
        migrations.AddField(
            model_name="company",
            name="key_ending",
            field=models.CharField(blank=True, max_length=4),
        ),
        migrations.AddField(
            model_name="company",
            name="key_entered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="company",
            name="key_entered_by",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="company",
            name="key_report",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
