import django_mysql.models
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DataQualityLog",
            fields=[
                ("log_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "issue_type",
                    django_mysql.models.EnumField(
                        choices=[
                            ("GAP", "Gap"),
                            ("DUPLICATE", "Duplicate"),
                            ("INVALID", "Invalid"),
                            ("MISSING_FIELD", "Missing Field"),
                        ]
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        help_text="what is wrong, as a word: unknown_status, missing_days, ...", max_length=50
                    ),
                ),
                ("entity_type", models.CharField(help_text="park, ride, destination, table", max_length=50)),
                ("entity_id", models.BigIntegerField(blank=True, help_text="park_id or ride_id", null=True)),
                ("timestamp_start", models.DateTimeField()),
                ("timestamp_end", models.DateTimeField(blank=True, null=True)),
                ("description", models.TextField()),
                (
                    "resolution_status",
                    django_mysql.models.EnumField(
                        choices=[
                            ("OPEN", "Open"),
                            ("INVESTIGATING", "Investigating"),
                            ("RESOLVED", "Resolved"),
                            ("WONTFIX", "Wontfix"),
                        ],
                        db_default="OPEN",
                        default="OPEN",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("fingerprint", django_mysql.models.FixedCharField(max_length=64, unique=True)),
                (
                    "occurrences",
                    models.PositiveBigIntegerField(
                        db_default=1, default=1, help_text="records concerned, at the last look"
                    ),
                ),
                ("last_seen_at", models.DateTimeField()),
                ("source_file", models.CharField(blank=True, max_length=255)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                ("resolution_note", models.TextField(blank=True)),
            ],
            options={
                "verbose_name": "finding",
                "db_table": "data_quality_log",
                "ordering": ["-log_id"],
                "indexes": [
                    models.Index(fields=["resolution_status", "issue_type"], name="idx_quality_status_type"),
                    models.Index(fields=["entity_type", "entity_id"], name="idx_quality_entity"),
                ],
            },
        ),
    ]
