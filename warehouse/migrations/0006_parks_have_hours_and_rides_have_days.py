"""When parks were open (park_hours), what each ride did on each day (ride_days), and which of these sums are older than
the rows (stale_days, park_months). All begin empty: sums of what is stored already are made by manage.py rebuild_days,
and questions are answered from the rows until then."""

import django.db.models.deletion
import django_mysql.models
from django.db import migrations, models

import warehouse.fields


class Migration(migrations.Migration):
    dependencies = [
        ("warehouse", "0005_rides_have_openings"),
    ]

    operations = [
        migrations.CreateModel(
            name="ParkMonth",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "month", "park_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("month", models.DateField(help_text="its first day")),
                ("token", models.BigIntegerField()),
                (
                    "park",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "db_table": "park_months",
            },
        ),
        migrations.CreateModel(
            name="StaleDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "park_id", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(help_text="the park's own")),
                ("token", models.BigIntegerField(help_text="another one with each mark")),
                (
                    "park",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "db_table": "stale_days",
            },
        ),
        migrations.CreateModel(
            name="ParkHours",
            fields=[
                ("hours_id", models.AutoField(primary_key=True, serialize=False)),
                ("day", models.DateField(help_text="the park's own")),
                (
                    "type",
                    django_mysql.models.EnumField(
                        choices=[
                            ("OPERATING", "Operating"),
                            ("EXTRA_HOURS", "Extra Hours"),
                            ("TICKETED_EVENT", "Ticketed Event"),
                            ("INFO", "Info"),
                            ("CLOSED", "Closed"),
                        ]
                    ),
                ),
                (
                    "opens_at",
                    warehouse.fields.MillisecondDateTimeField(
                        blank=True, help_text="empty: closed that day", null=True
                    ),
                ),
                ("closes_at", warehouse.fields.MillisecondDateTimeField(blank=True, null=True)),
                (
                    "source",
                    django_mysql.models.EnumField(
                        choices=[("SCHEDULE", "Schedule"), ("INFERRED", "Inferred"), ("OPERATOR", "Operator")]
                    ),
                ),
                ("description", models.CharField(blank=True, db_default="", default="", max_length=255)),
                (
                    "read_at",
                    warehouse.fields.MillisecondDateTimeField(help_text="when it was last said or worked out so"),
                ),
                (
                    "park",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hours",
                        to="warehouse.park",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "park hours",
                "db_table": "park_hours",
                "ordering": ["park", "day", "opens_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("park", "day", "type", "opens_at"), name="unique_park_day_type_opens"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RideDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "park_id", "day", "ride_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(help_text="the park's own")),
                (
                    "told_by",
                    django_mysql.models.EnumField(choices=[("ARCHIVE", "Archive"), ("LIVE", "Live"), ("BOTH", "Both")]),
                ),
                ("rules_version", models.PositiveSmallIntegerField()),
                ("observations", models.PositiveIntegerField(db_default=0, default=0)),
                ("operating_minutes", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("down_minutes", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("closed_minutes", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("refurbishment_minutes", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("unknown_minutes", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "hours_minutes",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, help_text="in which the park was open; the five beside it add up to it"
                    ),
                ),
                ("hours_operating", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("hours_down", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("hours_closed", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("hours_refurbishment", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("hours_unknown", models.PositiveSmallIntegerField(db_default=0, default=0)),
                (
                    "standby_minutes",
                    models.PositiveSmallIntegerField(db_default=0, default=0, help_text="in which a wait was shown"),
                ),
                ("standby_sum", models.PositiveIntegerField(db_default=0, default=0, help_text="wait x minutes")),
                ("standby_min", models.SmallIntegerField(blank=True, null=True)),
                ("standby_p50", models.SmallIntegerField(blank=True, null=True)),
                ("standby_p90", models.SmallIntegerField(blank=True, null=True)),
                ("standby_max", models.SmallIntegerField(blank=True, null=True)),
                (
                    "single_minutes",
                    models.PositiveSmallIntegerField(db_default=0, default=0, help_text="of the single rider line"),
                ),
                ("single_sum", models.PositiveIntegerField(db_default=0, default=0)),
                ("single_min", models.SmallIntegerField(blank=True, null=True)),
                ("single_p50", models.SmallIntegerField(blank=True, null=True)),
                ("single_p90", models.SmallIntegerField(blank=True, null=True)),
                ("single_max", models.SmallIntegerField(blank=True, null=True)),
                (
                    "first_operating_at",
                    models.DateTimeField(blank=True, help_text="first change to OPERATING of the day", null=True),
                ),
                (
                    "last_closed_at",
                    models.DateTimeField(blank=True, help_text="end of the last run that began that day", null=True),
                ),
                (
                    "return_minutes",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, help_text="in which return times were given out"
                    ),
                ),
                ("price_min", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("price_max", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("price_currency", django_mysql.models.FixedCharField(blank=True, max_length=3, null=True)),
                (
                    "hours",
                    models.BinaryField(
                        help_text="waits by hour of the clock there (warehouse.history.clock_hours)",
                        max_length=80,
                        null=True,
                    ),
                ),
                (
                    "carried",
                    models.PositiveIntegerField(help_text="a check sum of how the ride stood when the day ended"),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "park",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="warehouse.park",
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="warehouse.ride",
                    ),
                ),
            ],
            options={
                "db_table": "ride_days",
                "indexes": [models.Index(fields=["ride", "day"], name="idx_ride_days_ride")],
            },
        ),
    ]
