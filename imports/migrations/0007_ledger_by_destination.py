"""The ledger keeps whose file spoke for a park's day: a park may move to another destination, or stand in two.

Rows of before are taken along: the destination is where their file lay, else the park's own. What was called IMPORTED
and held no event of the park is NO_EVENTS. `all_parks` stays off, since runs of before left parks out; the first
import of what is missing reads those files once more.

import_files has a row a park and day, some 100,000: each change takes seconds. Going back keeps, of two rows of one
park and day, the one that was imported.
"""

import django_mysql.models
from django.db import migrations, models

BEFORE = [("IMPORTED", "Imported"), ("MISSING", "Missing"), ("UNREADABLE", "Unreadable")]

#: by the file's place; a file is named with the UUID of its destination, or (made by hand) without
FILL = """
    UPDATE {table} t JOIN parks p ON p.park_id = t.park_id
    SET t.destination_wiki_id = IF(
        t.{file} REGEXP '^[0-9A-Fa-f]{{8}}(-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}/',
        LOWER(LEFT(t.{file}, 36)),
        COALESCE(p.destination_wiki_id, '')
    )"""
KEEP_THE_CLOCK = ", t.updated_at = t.updated_at"  # the server keeps it, and this is no update of the import

KEEP_ONE = """
    DELETE worse FROM import_files worse JOIN import_files better
    ON better.park_id = worse.park_id AND better.file_date = worse.file_date
    AND (FIELD(better.outcome, 'IMPORTED', 'UNREADABLE', 'MISSING', 'NO_EVENTS'), better.file_id)
      < (FIELD(worse.outcome, 'IMPORTED', 'UNREADABLE', 'MISSING', 'NO_EVENTS'), worse.file_id)"""


class Migration(migrations.Migration):
    dependencies = [("imports", "0006_imports_are_cancelled")]
    operations = [
        migrations.AddField(
            "importcheckpoint",
            "destination_wiki_id",
            django_mysql.models.FixedCharField(default="", help_text="whose files are read", max_length=36),
            preserve_default=False,
        ),
        migrations.AddField(
            "importcheckpoint",
            "changed_only",
            models.BooleanField(
                default=False, help_text="only days whose file was read already, and is another one now"
            ),
        ),
        migrations.AlterField(
            "importcheckpoint",
            "missing_only",
            models.BooleanField(
                default=False, help_text="days whose file was read already, and is the same as then, are passed over"
            ),
        ),
        migrations.AddField(
            "importedfile",
            "destination_wiki_id",
            django_mysql.models.FixedCharField(default="", help_text="whose file it was", max_length=36),
            preserve_default=False,
        ),
        migrations.AddField(
            "importedfile",
            "modified_at",
            models.DateTimeField(blank=True, help_text="of a file in a folder, as it was listed", null=True),
        ),
        migrations.AddField(
            "importedfile",
            "all_parks",
            models.BooleanField(default=False, help_text="it was read for every park that it speaks of"),
        ),
        migrations.AlterField(
            "importedfile",
            "outcome",
            django_mysql.models.EnumField(choices=[*BEFORE, ("NO_EVENTS", "No Events")]),
        ),
        migrations.RunSQL(
            FILL.format(table="import_checkpoints", file="last_processed_file") + KEEP_THE_CLOCK,
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RunSQL(FILL.format(table="import_files", file="source_file"), reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(
            "UPDATE import_files SET outcome = 'NO_EVENTS' WHERE outcome = 'IMPORTED' AND events_read = 0",
            reverse_sql="UPDATE import_files SET outcome = 'IMPORTED' WHERE outcome = 'NO_EVENTS'",
        ),
        migrations.AddConstraint(
            "importedfile",
            models.UniqueConstraint(
                fields=("park", "file_date", "destination_wiki_id"), name="unique_park_file_date_destination"
            ),
        ),
        migrations.RemoveConstraint("importedfile", "unique_park_file_date"),
        migrations.AddIndex(
            "importedfile",
            models.Index(fields=["destination_wiki_id", "file_date"], name="idx_import_files_destination"),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, reverse_sql=KEEP_ONE),
    ]
