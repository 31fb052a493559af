from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("org", "0014_bucket_name")]

    operations = [
        migrations.AddField(
            "company",
            "other_party",
            models.CharField(
                choices=[("off", "off"), ("masked", "masked"), ("full", "full")], db_default="masked", default="masked", max_length=6
            ),
        ),
        migrations.AddField("company", "number_key", models.TextField(blank=True, db_default="", default="")),
        migrations.AddConstraint(
            "company", models.CheckConstraint(condition=Q(other_party__in=["off", "masked", "full"]), name="company_other_party")
        ),
    ]
