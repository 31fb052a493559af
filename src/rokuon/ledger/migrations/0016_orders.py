"""Indexes for the orders by length and by size. They are built while copies are written, in some seconds for a million; an attempt that
was interrupted leaves an invalid index, which the next one replaces."""

from django.db import migrations, models
from django.db.models.functions import Coalesce


def _index(name: str, column: str) -> migrations.SeparateDatabaseAndState:
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop),
            migrations.RunSQL(
                f"CREATE INDEX CONCURRENTLY {name} ON ledger_copy (target_id, (COALESCE({column}, 0)), id)",
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            ),
        ],
        state_operations=[migrations.AddIndex("copy", models.Index("target", Coalesce(column, 0), "id", name=name))],
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ledger", "0015_hold_released")]

    operations = [_index("copy_by_size", "size"), _index("copy_by_length", "audio_ms")]
