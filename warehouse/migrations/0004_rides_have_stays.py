"""In which park a ride was when (ride_stays, ride_sightings), numbers for rides without holes (ride_numbering), and
what the clock of names needs.

No stay is written for what is there: a ride without one has always been in its park. Rows of the fact table are not
touched. A park that is called by its slug still, as imports name it, has a name of small letters and digits alone.
"""

import django.db.models.deletion
import django_mysql.models
from django.db import migrations, models

import warehouse.fields

FIRST_NUMBER = """
INSERT INTO ride_numbering (numbering_id, last_ride_id) SELECT 1, COALESCE(MAX(ride_id), 0) FROM rides
"""
SLUGS = """
UPDATE parks SET park_slug = park_name
WHERE park_name COLLATE utf8mb4_bin REGEXP '^[a-z0-9_-]+$' AND park_name <> themeparks_wiki_id
"""


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0003_absent_waits_told_from_null")]

    operations = [
        migrations.CreateModel(
            name="RideNumbering",
            fields=[
                ("numbering_id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("last_ride_id", models.IntegerField(help_text="the highest that was ever given: never given again")),
            ],
            options={"db_table": "ride_numbering"},
        ),
        migrations.RunSQL(FIRST_NUMBER, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="entitymetadata",
            name="catalogue_name",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, help_text="as last read there", max_length=255
            ),
        ),
        migrations.AddField(
            model_name="entitymetadata",
            name="catalogue_park",
            field=django_mysql.models.FixedCharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="its UUID, as last read there",
                max_length=36,
            ),
        ),
        migrations.AddField(
            model_name="park",
            name="park_slug",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, help_text="as events last said", max_length=255
            ),
        ),
        migrations.RunSQL(SLUGS, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="ride",
            name="named_at",
            field=warehouse.fields.MillisecondDateTimeField(
                blank=True,
                editable=False,
                help_text="when its name was heard that it has now; empty: not known",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="metadatachange",
            name="changed_by",
            field=models.CharField(
                blank=True, help_text="the operator, or (events); empty: the metadata sync", max_length=150
            ),
        ),
        migrations.CreateModel(
            name="RideSighting",
            fields=[
                ("sighting_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("first_at", warehouse.fields.MillisecondDateTimeField()),
                ("last_at", warehouse.fields.MillisecondDateTimeField()),
                (
                    "park",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sightings", to="warehouse.park"
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sightings",
                        to="warehouse.ride",
                    ),
                ),
            ],
            options={
                "db_table": "ride_sightings",
                "constraints": [models.UniqueConstraint(fields=("ride", "day", "park"), name="unique_ride_day_park")],
            },
        ),
        migrations.CreateModel(
            name="RideStay",
            fields=[
                ("stay_id", models.AutoField(primary_key=True, serialize=False)),
                ("begins_at", warehouse.fields.MillisecondDateTimeField(blank=True, null=True)),
                ("ends_at", warehouse.fields.MillisecondDateTimeField(blank=True, null=True)),
                (
                    "park",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="stays", to="warehouse.park"
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="stays", to="warehouse.ride"
                    ),
                ),
            ],
            options={
                "db_table": "ride_stays",
                "constraints": [models.UniqueConstraint(fields=("ride", "begins_at"), name="unique_ride_begins_at")],
            },
        ),
    ]
