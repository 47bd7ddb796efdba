"""The fact table, partitioned by month from its first day.

Written as SQL because Django can say neither PARTITION BY nor a primary key of two columns. RANGE COLUMNS
(recorded_at), not RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at)): both servers open every partition for a
range of dates under the latter (docs/decisions/partition-key.md, tests/warehouse/partitioning/test_partition_key.py).

The list of months has no clock in it, so that every warehouse starts alike; later months are added by
warehouse.partitioning.partitions. The two boundary partitions, at the ends, stay empty in normal life.

It neither makes over a fact table that is there already nor drops one that holds rows: it refuses and names the way.
"""

import django.db.models.deletion
import django_mysql.models
from django.core.management.base import CommandError
from django.db import migrations, models

import warehouse.fields

MONTHS = [(year, month) for year in (2025, 2026) for month in range(1, 13)]


def _partitions() -> str:
    lines = ["PARTITION p_before_2025 VALUES LESS THAN ('2025-01-01')"]
    for year, month in MONTHS:
        next_year, next_month = (year, month + 1) if month < 12 else (year + 1, 1)
        lines.append(f"PARTITION p{year}{month:02} VALUES LESS THAN ('{next_year}-{next_month:02}-01')")
    lines.append("PARTITION p_future VALUES LESS THAN (MAXVALUE)")
    return ",\n    ".join(lines)


CREATE = f"""
CREATE TABLE ride_status_snapshots (
    snapshot_id BIGINT NOT NULL,
    ride_id INT NOT NULL,
    recorded_at DATETIME(3) NOT NULL,
    status ENUM('OPERATING', 'DOWN', 'CLOSED', 'REFURBISHMENT') NOT NULL,
    wait_time SMALLINT NULL,
    computed_is_open TINYINT(1) NOT NULL,
    data_source ENUM('LIVE', 'ARCHIVE') NOT NULL DEFAULT 'LIVE',
    PRIMARY KEY (snapshot_id, recorded_at),
    INDEX idx_ride_recorded (ride_id, recorded_at),
    INDEX idx_snapshots_date_ride (recorded_at, ride_id)
) ENGINE = InnoDB
PARTITION BY RANGE COLUMNS (recorded_at) (
    {_partitions()}
)
"""

STATE = [
    migrations.CreateModel(
        name="RideStatusSnapshot",
        fields=[
            ("snapshot_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("recorded_at", warehouse.fields.MillisecondDateTimeField()),
            (
                "status",
                django_mysql.models.EnumField(
                    choices=[
                        ("OPERATING", "Operating"),
                        ("DOWN", "Down"),
                        ("CLOSED", "Closed"),
                        ("REFURBISHMENT", "Refurbishment"),
                    ]
                ),
            ),
            ("wait_time", models.SmallIntegerField(blank=True, help_text="minutes in the standby line", null=True)),
            ("computed_is_open", models.BooleanField()),
            (
                "data_source",
                django_mysql.models.EnumField(
                    choices=[("LIVE", "Live"), ("ARCHIVE", "Archive")], db_default="LIVE", default="LIVE"
                ),
            ),
            (
                "ride",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="warehouse.ride",
                ),
            ),
        ],
        options={
            "db_table": "ride_status_snapshots",
            "indexes": [
                models.Index(fields=["ride", "recorded_at"], name="idx_ride_recorded"),
                models.Index(fields=["recorded_at", "ride"], name="idx_snapshots_date_ride"),
            ],
        },
    ),
]


def refuse_to_make_over(apps, schema_editor):
    if "ride_status_snapshots" in schema_editor.connection.introspection.table_names():
        raise CommandError(
            "There is a table ride_status_snapshots already. A migration would stop its readers and writers for as "
            "long as it copies. Run manage.py migrate --fake warehouse 0002, then manage.py partition_snapshots "
            "apply, which copies it while it is in use"
        )


def refuse_to_drop_rows(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM ride_status_snapshots)")
        if cursor.fetchone()[0]:
            raise CommandError(
                "ride_status_snapshots holds rows, and nothing here deletes history. Whoever means it says TRUNCATE "
                "TABLE ride_status_snapshots first"
            )


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0001_parks_rides_queues_and_metrics")]

    operations = [
        migrations.RunPython(refuse_to_make_over, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE, reverse_sql="DROP TABLE ride_status_snapshots")],
            state_operations=STATE,
        ),
        migrations.RunPython(migrations.RunPython.noop, refuse_to_drop_rows),
    ]
