from django.db import migrations, models

KINDS = [
    ("failed", "Failed"),
    ("gone", "Gone"),
    ("hold", "Hold"),
    ("unnamed", "Unnamed"),
    ("silence", "Silence"),
    ("expiring", "Expiring"),
    ("unlisted", "Unlisted"),
    ("unreadable", "Unreadable"),
    ("not_listed", "Not Listed"),
    ("no_event", "No Event"),
    ("unsealed", "Unsealed"),
    ("no_worker", "No Worker"),
]


class Migration(migrations.Migration):
    dependencies = [("notify", "0004_notification_settings")]

    operations = [
        migrations.RemoveConstraint(model_name="notice", name="notice_kind"),
        migrations.AlterField(model_name="notice", name="kind", field=models.CharField(choices=KINDS, max_length=10)),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(condition=models.Q(("kind__in", [kind for kind, _ in KINDS])), name="notice_kind"),
        ),
    ]
