import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_audio")]

    operations = [
        migrations.AddField(
            model_name="copy",
            name="given_up",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], default=list, size=None),
        ),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(condition=models.Q(("given_up", []), _negated=True), fields=["target", "state"], name="copy_given_up"),
        ),
        # Last: an index cannot be built in the transaction that has just changed the rows.
        migrations.RunSQL(
            "UPDATE ledger_copy SET given_up = ARRAY[state || ' ' || reason] WHERE state IN ('failed', 'gone')", migrations.RunSQL.noop
        ),
    ]
