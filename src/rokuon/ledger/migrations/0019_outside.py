from django.db import migrations, models


def _line(owner: tuple[str, models.Field]) -> list[tuple[str, models.Field]]:
    return [
        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
        ("day", models.DateField()),
        ("kind", models.CharField(max_length=16)),
        ("line_id", models.TextField(blank=True)),
        ("name", models.TextField(blank=True)),
        ("calls", models.PositiveIntegerField()),
        ("recordings", models.PositiveIntegerField()),
        owner,
    ]


def _owner(model: str) -> models.Field:
    return models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name="+", to=model)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0018_day"), ("org", "0015_other_party")]

    operations = [
        migrations.CreateModel(
            name="OutsideDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("fingerprint", models.TextField()),
                ("listed_at", models.DateTimeField()),
                ("published_at", models.DateTimeField()),
                ("company", _owner("org.company")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["company", "day"], name="outside_day_once")]},
        ),
        migrations.CreateModel(
            name="OutsideCount",
            fields=_line(("company", _owner("org.company"))),
            options={
                "constraints": [models.UniqueConstraint(fields=["company", "day", "kind", "line_id"], name="outside_count_once")],
            },
        ),
        migrations.CreateModel(
            name="OutsideSoFar",
            fields=_line(("window", _owner("ledger.window"))),
            options={
                "constraints": [models.UniqueConstraint(fields=["window", "day", "kind", "line_id"], name="outside_so_far_once")],
            },
        ),
    ]
