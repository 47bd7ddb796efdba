import django.db.models.deletion
import django.db.models.functions.json
import django_mysql.models
from django.db import migrations, models

import warehouse.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Park",
            fields=[
                ("park_id", models.AutoField(primary_key=True, serialize=False)),
                ("park_name", models.CharField(max_length=255)),
                ("timezone", models.CharField(blank=True, help_text="IANA name, e.g. America/New_York", max_length=64)),
                ("themeparks_wiki_id", django_mysql.models.FixedCharField(max_length=36, unique=True)),
                (
                    "destination_wiki_id",
                    django_mysql.models.FixedCharField(blank=True, db_index=True, max_length=36, null=True),
                ),
                (
                    "hand_set",
                    models.JSONField(
                        blank=True,
                        db_default=django.db.models.functions.json.JSONArray(),
                        default=list,
                        editable=False,
                        help_text="fields an operator has set",
                    ),
                ),
            ],
            options={
                "db_table": "parks",
                "ordering": ["park_name", "park_id"],
            },
        ),
        migrations.CreateModel(
            name="QueueData",
            fields=[
                ("queue_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("snapshot_id", models.BigIntegerField()),
                (
                    "queue_type",
                    django_mysql.models.EnumField(
                        choices=[
                            ("STANDBY", "Standby"),
                            ("SINGLE_RIDER", "Single Rider"),
                            ("RETURN_TIME", "Return Time"),
                            ("PAID_RETURN_TIME", "Paid Return Time"),
                            ("BOARDING_GROUP", "Boarding Group"),
                            ("PAID_STANDBY", "Paid Standby"),
                        ]
                    ),
                ),
                ("wait_time_minutes", models.SmallIntegerField(blank=True, null=True)),
                ("return_time_start", warehouse.fields.MillisecondDateTimeField(blank=True, null=True)),
                ("return_time_end", warehouse.fields.MillisecondDateTimeField(blank=True, null=True)),
                (
                    "price_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="in major units: 21.00 USD, 1000.00 JPY",
                        max_digits=10,
                        null=True,
                    ),
                ),
                (
                    "price_currency",
                    django_mysql.models.FixedCharField(blank=True, help_text="ISO 4217", max_length=3, null=True),
                ),
                ("boarding_group_status", models.CharField(blank=True, max_length=50, null=True)),
                ("boarding_group_current", models.CharField(blank=True, max_length=50, null=True)),
                (
                    "return_time_state",
                    django_mysql.models.EnumField(
                        blank=True,
                        choices=[("AVAILABLE", "Available"), ("TEMP_FULL", "Temp Full"), ("FINISHED", "Finished")],
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "queue data",
                "db_table": "queue_data",
                "constraints": [
                    models.UniqueConstraint(fields=("snapshot_id", "queue_type"), name="idx_queue_snapshot")
                ],
            },
        ),
        migrations.CreateModel(
            name="Ride",
            fields=[
                ("ride_id", models.AutoField(primary_key=True, serialize=False)),
                ("ride_name", models.CharField(max_length=255)),
                ("themeparks_wiki_id", models.CharField(blank=True, max_length=36, null=True, unique=True)),
                (
                    "tier",
                    models.PositiveSmallIntegerField(
                        blank=True, choices=[(1, "1 flagship"), (2, "2"), (3, "3")], null=True
                    ),
                ),
                (
                    "park",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rides", to="warehouse.park"
                    ),
                ),
                (
                    "hand_set",
                    models.JSONField(
                        blank=True,
                        db_default=django.db.models.functions.json.JSONArray(),
                        default=list,
                        editable=False,
                        help_text="fields an operator has set",
                    ),
                ),
            ],
            options={
                "db_table": "rides",
                "ordering": ["ride_name", "ride_id"],
            },
        ),
        migrations.CreateModel(
            name="EntityMetadata",
            fields=[
                ("metadata_id", models.AutoField(primary_key=True, serialize=False)),
                ("themeparks_wiki_id", django_mysql.models.FixedCharField(max_length=36)),
                ("latitude", models.DecimalField(blank=True, decimal_places=7, max_digits=10, null=True)),
                ("longitude", models.DecimalField(blank=True, decimal_places=7, max_digits=10, null=True)),
                (
                    "indoor_outdoor",
                    django_mysql.models.EnumField(
                        blank=True,
                        choices=[("INDOOR", "Indoor"), ("OUTDOOR", "Outdoor"), ("HYBRID", "Hybrid")],
                        null=True,
                    ),
                ),
                ("height_min_cm", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("height_max_cm", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("entity_type", models.CharField(blank=True, max_length=50)),
                ("tags", models.JSONField(blank=True, default=list)),
                (
                    "last_updated",
                    models.DateTimeField(help_text="when a value last changed, not when it was last looked at"),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "listed",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="no: the entity has vanished from the catalogue; what is known stays",
                    ),
                ),
                (
                    "hand_set",
                    models.JSONField(
                        blank=True,
                        db_default=django.db.models.functions.json.JSONArray(),
                        default=list,
                        editable=False,
                        help_text="fields an operator has set",
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="metadata",
                        to="warehouse.ride",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entity metadata",
                "db_table": "entity_metadata",
            },
        ),
        migrations.CreateModel(
            name="MetadataChange",
            fields=[
                ("change_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "park",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="warehouse.park",
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="warehouse.ride",
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                (
                    "changed_by",
                    models.CharField(blank=True, help_text="the operator; empty: the metadata sync", max_length=150),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        blank=True, help_text="of entity_metadata, after the change", null=True
                    ),
                ),
                ("before", models.JSONField(help_text="field: value")),
                ("after", models.JSONField(help_text="field: value")),
            ],
            options={
                "db_table": "metadata_changes",
                "ordering": ["-change_id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("park__isnull", True), ("ride__isnull", False)),
                            models.Q(("park__isnull", False), ("ride__isnull", True)),
                            _connector="OR",
                        ),
                        name="metadata_changes_of_park_or_ride",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageMetrics",
            fields=[
                ("metric_id", models.AutoField(primary_key=True, serialize=False)),
                ("table_name", models.CharField(max_length=64)),
                ("measurement_date", models.DateField()),
                ("row_count", models.BigIntegerField()),
                ("data_size_mb", models.DecimalField(decimal_places=2, max_digits=12)),
                ("index_size_mb", models.DecimalField(decimal_places=2, max_digits=12)),
                ("growth_rate_mb_per_day", models.DecimalField(blank=True, decimal_places=4, max_digits=10, null=True)),
                (
                    "file_size_mb",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="on disk; empty where it cannot be read",
                        max_digits=12,
                        null=True,
                    ),
                ),
                (
                    "backfill_rows",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="rows of days long past that came since the measurement before",
                    ),
                ),
                ("measured_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "storage metrics",
                "db_table": "storage_metrics",
                "ordering": ["-measurement_date", "table_name"],
                "constraints": [
                    models.UniqueConstraint(fields=("table_name", "measurement_date"), name="unique_table_date")
                ],
            },
        ),
        migrations.CreateModel(
            name="PartitionMetrics",
            fields=[
                ("partition_metric_id", models.AutoField(primary_key=True, serialize=False)),
                ("table_name", models.CharField(max_length=64)),
                ("partition_name", models.CharField(max_length=64)),
                ("row_count", models.BigIntegerField()),
                (
                    "rows_estimate",
                    models.BigIntegerField(default=0, help_text="what the server's statistics said"),
                ),
                ("data_bytes", models.BigIntegerField(default=0)),
                ("index_bytes", models.BigIntegerField(default=0)),
                ("file_bytes", models.BigIntegerField(blank=True, null=True)),
                ("measured_at", models.DateTimeField()),
                (
                    "counted_at",
                    models.DateTimeField(blank=True, help_text="empty: row_count is an estimate", null=True),
                ),
            ],
            options={
                "verbose_name_plural": "partition metrics",
                "db_table": "partition_metrics",
                "permissions": [("maintain_partitions", "Can make month partitions")],
                "constraints": [
                    models.UniqueConstraint(fields=("table_name", "partition_name"), name="unique_table_partition")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="ride",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__isnull", True), ("tier__range", (1, 3)), _connector="OR"),
                name="rides_tier_1_to_3",
            ),
        ),
        migrations.AddIndex(
            model_name="entitymetadata",
            index=models.Index(fields=["ride"], name="idx_metadata_ride"),
        ),
        migrations.AddConstraint(
            model_name="entitymetadata",
            constraint=models.UniqueConstraint(fields=("themeparks_wiki_id",), name="idx_themeparks_id"),
        ),
    ]
