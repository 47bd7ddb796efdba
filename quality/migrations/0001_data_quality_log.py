"""The log of every doubt, one row a fingerprint, and the history of its moves."""

import django.db.models.deletion
import django_mysql.models
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("warehouse", "0001_parks_rides_queues_and_metrics"),
    ]

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
                ("entity_type", models.CharField(help_text="park, ride, destination, import, table", max_length=50)),
                ("entity_id", models.BigIntegerField(blank=True, help_text="park_id or ride_id", null=True)),
                (
                    "entity_key",
                    models.CharField(help_text="the subject's stable name, its themeparks_wiki_id", max_length=100),
                ),
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
                            ("WONTFIX", "Won't fix"),
                        ],
                        db_default="OPEN",
                        default="OPEN",
                    ),
                ),
                ("created_at", models.DateTimeField(help_text="first seen")),
                ("fingerprint", django_mysql.models.FixedCharField(max_length=64, unique=True)),
                (
                    "occurrences",
                    models.PositiveBigIntegerField(
                        db_default=1, default=1, help_text="records concerned, each file counted once"
                    ),
                ),
                ("last_seen_at", models.DateTimeField()),
                ("source_file", models.CharField(blank=True, max_length=255)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                (
                    "resolution_note",
                    models.TextField(blank=True, help_text="why it was decided so; the whole story: its moves"),
                ),
                (
                    "park",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "db_table": "data_quality_log",
                "ordering": ["-log_id"],
                "permissions": [("triage_dataqualitylog", "Can triage findings")],
                "indexes": [
                    models.Index(fields=["resolution_status", "issue_type"], name="idx_quality_status_type"),
                    models.Index(fields=["entity_type", "entity_id"], name="idx_quality_entity"),
                    models.Index(fields=["reason", "entity_key", "timestamp_start"], name="idx_quality_reason_entity"),
                    models.Index(fields=["timestamp_start"], name="idx_quality_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DataQualityMove",
            fields=[
                ("move_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("moved_at", models.DateTimeField()),
                ("moved_by", models.CharField(blank=True, help_text="user name; empty: the system", max_length=150)),
                (
                    "from_status",
                    django_mysql.models.EnumField(
                        choices=[
                            ("OPEN", "Open"),
                            ("INVESTIGATING", "Investigating"),
                            ("RESOLVED", "Resolved"),
                            ("WONTFIX", "Won't fix"),
                        ]
                    ),
                ),
                (
                    "to_status",
                    django_mysql.models.EnumField(
                        choices=[
                            ("OPEN", "Open"),
                            ("INVESTIGATING", "Investigating"),
                            ("RESOLVED", "Resolved"),
                            ("WONTFIX", "Won't fix"),
                        ]
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="moves", to="quality.dataqualitylog"
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="quality.dataqualitymove",
                    ),
                ),
            ],
            options={
                "verbose_name": "move of a finding",
                "verbose_name_plural": "moves of findings",
                "db_table": "data_quality_moves",
                "ordering": ["move_id"],
            },
        ),
    ]
