"""What an import brought in owes a check, and stands here until one has been done.

A new, empty table: of imports that ended before nobody knows whether they were checked. `manage.py check_quality` over
the whole history finds what they have lost.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0002_one_reason_for_a_missing_time_zone"),
        ("warehouse", "0002_snapshots_partitioned_by_month"),
    ]
    operations = [
        migrations.CreateModel(
            name="OwedCheck",
            fields=[
                ("owed_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField(help_text="included")),
                ("owed_since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("cause", models.CharField(help_text="the import that brought the days in", max_length=20)),
                (
                    "park",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "verbose_name": "owed check",
                "db_table": "quality_checks_owed",
                "ordering": ["owed_id"],
                "indexes": [models.Index(fields=["cause"], name="idx_owed_cause")],
            },
        ),
    ]
