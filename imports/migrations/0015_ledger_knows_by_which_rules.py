"""The ledger keeps by which rules a file was read, where there was nothing to tell of it: such a file is known again
without being looked into (docs/decisions/read-before.md).

The column is added without touching a row (MariaDB 10.3, MySQL 8.0). What was read before is read once more when it is
imported anew.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0014_everything_is_paused")]

    operations = [
        migrations.AddField(
            model_name="importedfile",
            name="read_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="by which rules it was read, where there was nothing to tell; empty: there was, or it is "
                "not known",
                max_length=16,
            ),
        ),
    ]
