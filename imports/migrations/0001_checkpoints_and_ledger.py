import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django_mysql.models
from django.db import migrations, models

import imports.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("warehouse", "0002_snapshots_partitioned_by_month"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportCheckpoint",
            fields=[
                ("checkpoint_id", models.AutoField(primary_key=True, serialize=False)),
                ("import_id", models.CharField(default=imports.models.new_import_id, max_length=20, unique=True)),
                ("last_processed_date", models.DateField(blank=True, null=True)),
                ("last_processed_file", models.CharField(blank=True, max_length=255, null=True)),
                ("records_imported", models.BigIntegerField(default=0, help_text="snapshots stored")),
                (
                    "errors_encountered",
                    models.BigIntegerField(default=0, help_text="events rejected and files unreadable"),
                ),
                (
                    "status",
                    django_mysql.models.EnumField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("IN_PROGRESS", "In Progress"),
                            ("COMPLETED", "Completed"),
                            ("FAILED", "Failed"),
                            ("PAUSED", "Paused"),
                        ],
                        db_default="PENDING",
                        default="PENDING",
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("source", models.CharField(max_length=500)),
                (
                    "whole_destination",
                    models.BooleanField(default=False, help_text="parks that first appear on the way join in"),
                ),
                (
                    "missing_only",
                    models.BooleanField(default=False, help_text="days that are imported already are passed over"),
                ),
                (
                    "replace_live",
                    models.BooleanField(default=False, help_text="LIVE rows of a day go when its ARCHIVE rows come"),
                ),
                (
                    "files_total",
                    models.IntegerField(default=0, help_text="days of the range, with those that have no file"),
                ),
                ("files_processed", models.IntegerField(default=0)),
                (
                    "generation",
                    models.IntegerField(default=0, help_text="raised by every claim; a worker of an older one is out"),
                ),
                ("worker", models.CharField(blank=True, max_length=255)),
                (
                    "heartbeat_at",
                    models.DateTimeField(blank=True, help_text="last sign of life of the worker", null=True),
                ),
                (
                    "queued_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="in the workers' hands, and since when it waits its turn; empty: not theirs",
                        null=True,
                    ),
                ),
                (
                    "attempts",
                    models.SmallIntegerField(default=0, help_text="claims since the last file that was finished"),
                ),
                ("last_error", models.TextField(blank=True)),
                (
                    "park",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="imports", to="warehouse.park"
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "db_table": "import_checkpoints",
                "ordering": ["-checkpoint_id"],
                "permissions": [("operate_imports", "Can start, pause, resume, retry and give up imports")],
            },
        ),
        migrations.CreateModel(
            name="ImportedFile",
            fields=[
                ("file_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("file_date", models.DateField()),
                ("source_file", models.CharField(max_length=255)),
                (
                    "outcome",
                    django_mysql.models.EnumField(
                        choices=[("IMPORTED", "Imported"), ("MISSING", "Missing"), ("UNREADABLE", "Unreadable")]
                    ),
                ),
                ("sha256", django_mysql.models.FixedCharField(blank=True, max_length=64, null=True)),
                ("size_bytes", models.BigIntegerField(blank=True, null=True)),
                ("etag", models.CharField(blank=True, help_text="of an S3 object", max_length=100)),
                ("events_read", models.IntegerField(default=0)),
                ("stored", models.IntegerField(default=0)),
                ("already_known", models.IntegerField(default=0)),
                ("duplicates", models.IntegerField(default=0)),
                ("rejected", models.IntegerField(default=0)),
                (
                    "live_replaced",
                    models.IntegerField(
                        blank=True,
                        help_text="LIVE snapshots that gave way; empty: the day was not imported to replace them",
                        null=True,
                    ),
                ),
                ("imported_at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="imports.importcheckpoint",
                    ),
                ),
                (
                    "park",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "verbose_name": "day file",
                "db_table": "import_files",
                "ordering": ["-file_date", "park_id"],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("worker_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(help_text="host/pid/...: as in the imports it holds", max_length=255, unique=True),
                ),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("doing", models.CharField(blank=True, help_text="the task in hand; empty: idle", max_length=255)),
            ],
            options={
                "db_table": "workers",
                "ordering": ["-seen_at"],
            },
        ),
        migrations.AddIndex(
            model_name="importcheckpoint",
            index=models.Index(fields=["status", "park"], name="idx_checkpoint_status_park"),
        ),
        migrations.AddIndex(
            model_name="importedfile",
            index=models.Index(fields=["file_date"], name="idx_import_files_date"),
        ),
        migrations.AddIndex(
            model_name="importedfile",
            index=models.Index(fields=["checkpoint", "imported_at"], name="idx_import_files_pace"),
        ),
        migrations.AddConstraint(
            model_name="importedfile",
            constraint=models.UniqueConstraint(fields=("park", "file_date"), name="unique_park_file_date"),
        ),
        migrations.AddConstraint(
            model_name="importedfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events_read",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("stored"), "+", models.F("already_known")
                                ),
                                "+",
                                models.F("duplicates"),
                            ),
                            "+",
                            models.F("rejected"),
                        ),
                    )
                ),
                name="import_files_counts_add_up",
            ),
        ),
    ]
