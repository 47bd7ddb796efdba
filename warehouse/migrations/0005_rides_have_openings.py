"""How a ride stood when its record begins (ride_openings): what a source that tells of days from midnight on says, one
a ride. Nothing is written for what is there: it comes with the next reading of such a day."""

import django.db.models.deletion
import django_mysql.models
from django.db import migrations, models

import warehouse.fields


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0004_rides_have_stays")]

    operations = [
        migrations.CreateModel(
            name="RideOpening",
            fields=[
                (
                    "ride",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="opening",
                        serialize=False,
                        to="warehouse.ride",
                    ),
                ),
                ("opens_at", warehouse.fields.MillisecondDateTimeField(help_text="from when on it is said to hold")),
                ("observed_at", warehouse.fields.MillisecondDateTimeField(help_text="when it was last seen to be so")),
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
                (
                    "wait_time",
                    models.SmallIntegerField(blank=True, help_text="minutes in the standby line", null=True),
                ),
                (
                    "degraded",
                    models.BooleanField(db_default=False, default=False, help_text="the source looked back too short"),
                ),
                ("source_file", models.CharField(help_text="whose answer said so", max_length=255)),
            ],
            options={"db_table": "ride_openings"},
        ),
    ]
