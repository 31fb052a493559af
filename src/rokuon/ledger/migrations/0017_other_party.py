from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("ledger", "0016_orders"), ("org", "0015_other_party")]

    operations = [
        migrations.CreateModel(
            name="OtherParty",
            fields=[
                (
                    "recording",
                    models.OneToOneField(
                        on_delete=models.deletion.CASCADE,
                        primary_key=True,
                        related_name="other_party",
                        serialize=False,
                        to="ledger.recording",
                    ),
                ),
                ("company", models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name="+", to="org.company")),
                ("detail", models.CharField(max_length=6)),
                ("direction", models.CharField(blank=True, max_length=8)),
                ("number_hash", models.CharField(blank=True, max_length=32)),
                ("ending", models.CharField(blank=True, max_length=4)),
                ("number", models.CharField(blank=True, max_length=16)),
                ("name", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["company", "number_hash"], condition=~Q(number_hash=""), name="other_party_by_number"),
                    models.Index(fields=["company", "detail"], name="other_party_by_detail"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=Q(detail__in=["masked", "full"]), name="other_party_detail"),
                    models.CheckConstraint(condition=Q(detail="full") | Q(number=""), name="masked_party_has_no_number"),
                ],
            },
        ),
    ]
