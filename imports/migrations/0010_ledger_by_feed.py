"""The ledger keeps which record a file is of: a park's day may be told by the archive and by the History API.

All that was read until now is of the archive. An import may wait for its source (`not_before`). Two columns at the end
of small tables (instant on both servers); the index of import_files, some 100,000 rows, is made anew in seconds. Going
back keeps, of two rows of one park and day, the archive's; the other's rows stay in the tables of facts.
"""

import django_mysql.models
from django.db import migrations, models

FORGET_OTHERS = "DELETE r FROM import_file_rows r JOIN import_files f USING (file_id) WHERE f.feed <> 'ARCHIVE'"
KEEP_THE_ARCHIVE = "DELETE FROM import_files WHERE feed <> 'ARCHIVE'"


class Migration(migrations.Migration):
    dependencies = [("imports", "0009_file_as_the_truth")]
    operations = [
        migrations.AddField(
            "importcheckpoint",
            "not_before",
            models.DateTimeField(
                blank=True, help_text="the source gives nothing until then; empty: it may go on at once", null=True
            ),
        ),
        migrations.AddField(
            "importedfile",
            "feed",
            django_mysql.models.EnumField(
                choices=[
                    ("ARCHIVE", "ARCHIVE"),
                    ("HISTORY", "HISTORY"),
                    ("DELISTED", "DELISTED"),
                    ("CAPTURES", "CAPTURES"),
                ],
                db_default="ARCHIVE",
                default="ARCHIVE",
                help_text="which record it is of: HISTORY is the park's own day, DELISTED a month, by its first day",
            ),
        ),
        migrations.AddConstraint(
            "importedfile",
            models.UniqueConstraint(
                fields=("park", "file_date", "destination_wiki_id", "feed"), name="unique_park_day_destination_feed"
            ),
        ),
        migrations.RemoveConstraint("importedfile", "unique_park_file_date_destination"),
        migrations.RunSQL(migrations.RunSQL.noop, reverse_sql=KEEP_THE_ARCHIVE),
        migrations.RunSQL(migrations.RunSQL.noop, reverse_sql=FORGET_OTHERS),
    ]
