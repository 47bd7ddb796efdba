"""Imports can be forced, and the ledger counts the LIVE rows that stayed because a day of the archive held far less.

Columns at the end of small tables: instant on both servers, and taken back by dropping them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0007_ledger_by_destination")]
    operations = [
        migrations.AddField(
            "importcheckpoint",
            "force",
            models.BooleanField(
                default=False, help_text="what is held back as out of all proportion is done all the same"
            ),
        ),
        migrations.AddField(
            "importedfile",
            "live_kept",
            models.IntegerField(
                blank=True,
                help_text="LIVE snapshots that stayed, since the file holds far less; empty: none",
                null=True,
            ),
        ),
    ]
