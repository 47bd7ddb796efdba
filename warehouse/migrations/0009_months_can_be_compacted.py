"""The table of months that were compacted, or are being."""

import django_mysql.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0008_parks_have_days_beside_their_rides")]

    operations = [
        migrations.CreateModel(
            name="MonthCompaction",
            fields=[
                ("partition_name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "step",
                    django_mysql.models.EnumField(
                        choices=[("COPYING", "Copying"), ("EXCHANGING", "Exchanging"), ("DONE", "Done")]
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("row_count", models.BigIntegerField(default=0, help_text="rows of the copy")),
                (
                    "checksum",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="of the copy's rows: what may be dropped has the same",
                        max_length=64,
                    ),
                ),
                ("bytes_before", models.BigIntegerField(default=0)),
                ("bytes_after", models.BigIntegerField(default=0)),
                ("page_compressed", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name_plural": "month compactions",
                "db_table": "month_compactions",
                "ordering": ["partition_name"],
            },
        ),
    ]
