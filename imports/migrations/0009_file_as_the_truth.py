"""A day file can be taken as the truth for its park days, and what each file held is written down.

Three columns at the end of small tables (instant on both servers) and a new table. Files read before have no row in
it: nobody knows which rows they held, so nothing that they brought in is ever withdrawn without another reading. It
fills as files are read; no table of facts is touched.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0008_imports_can_be_forced")]
    operations = [
        migrations.AddField(
            "importcheckpoint",
            "replace_archive",
            models.BooleanField(default=False, help_text="a file is the truth for its days: what it lacks now goes"),
        ),
        migrations.AddField(
            "importedfile",
            "replaced",
            models.IntegerField(
                blank=True,
                help_text="of the stored, in place of a row that said something else; empty: not asked for",
                null=True,
            ),
        ),
        migrations.AddField(
            "importedfile",
            "withdrawn",
            models.IntegerField(
                blank=True,
                help_text="rows of an earlier reading that the file lacks now; empty: not asked for",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="ImportedFileRows",
            fields=[
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="rows",
                        serialize=False,
                        to="imports.importedfile",
                    ),
                ),
                ("first_id", models.BigIntegerField(help_text="the smallest snapshot_id among ids")),
                ("last_id", models.BigIntegerField(help_text="the largest")),
                ("ids", models.BinaryField(help_text="snapshot ids that the last reading held")),
                (
                    "lacking_ids",
                    models.BinaryField(
                        help_text="of earlier readings, and not of the last; their rows are stored still", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "rows of a day file",
                "verbose_name_plural": "rows of day files",
                "db_table": "import_file_rows",
                "indexes": [models.Index(fields=["first_id", "last_id"], name="idx_file_rows_span")],
            },
        ),
    ]
