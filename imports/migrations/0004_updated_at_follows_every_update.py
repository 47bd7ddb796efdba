"""The server keeps import_checkpoints.updated_at itself, so that no statement can forget it.

Django has no word for ON UPDATE: the column stays as the model knows it, and only the server's own rule is added. A
later AlterField of this column must say it again (tests/imports/test_migrations.py would be red). The table has a row
an import; both servers change it within milliseconds.
"""

from django.db import migrations, models

COLUMN = "ALTER TABLE import_checkpoints MODIFY updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"


class Migration(migrations.Migration):
    dependencies = [("imports", "0003_tasks_in_one_module")]
    operations = [
        migrations.RunSQL(f"{COLUMN} ON UPDATE CURRENT_TIMESTAMP(6)", reverse_sql=COLUMN),
        migrations.AlterField(
            "importcheckpoint",
            "queued_at",
            models.DateTimeField(
                blank=True, help_text="since when it waits its turn in the queue; empty: not queued", null=True
            ),
        ),
    ]
