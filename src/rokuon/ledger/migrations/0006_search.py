from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_desk")]

    operations = [
        # An index entry holds at most 2,700 bytes; place() cuts new ones.
        migrations.RunSQL("UPDATE ledger_copy SET agent = left(agent, 200) WHERE length(agent) > 200", migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="copy", name="copy_by_start"),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(fields=["target", "call_started_at", "id"], name="copy_by_start"),
        ),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(fields=["target", "state", "call_started_at", "id"], include=("agent",), name="copy_by_state"),
        ),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(fields=["target", "agent", "call_started_at", "id"], name="copy_by_agent"),
        ),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                fields=["target", "reason", "state", "call_started_at", "id"],
                include=("agent",),
                condition=models.Q(("reason", ""), _negated=True),
                name="copy_by_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["company", "call_id"], name="recording_by_call"),
        ),
    ]
