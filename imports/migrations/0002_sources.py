"""What asking the live API leaves behind: its pace, a row for every collection, and how fresh each park is."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0001_checkpoints_and_ledger"),
        ("warehouse", "0002_snapshots_partitioned_by_month"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiPace",
            fields=[
                ("api", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("next_request_at", models.DateTimeField()),
            ],
            options={"db_table": "api_pace"},
        ),
        migrations.CreateModel(
            name="LiveCollection",
            fields=[
                ("collection_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("destinations", models.IntegerField(default=0, help_text="that answered")),
                ("failed", models.IntegerField(default=0, help_text="destinations of which nothing was stored")),
                (
                    "not_reached",
                    models.IntegerField(default=0, help_text="destinations left for the next run, for want of time"),
                ),
                (
                    "next_destination",
                    models.CharField(blank=True, help_text="where the next run begins", max_length=36),
                ),
                (
                    "rows_read",
                    models.IntegerField(default=0, help_text="without the rows of the parks themselves"),
                ),
                ("stored", models.IntegerField(default=0)),
                (
                    "already_known",
                    models.IntegerField(default=0, help_text="states unchanged since an earlier collection"),
                ),
                ("duplicates", models.IntegerField(default=0)),
                ("rejected", models.IntegerField(default=0, help_text="doubtful, or of no known park")),
                ("findings", models.IntegerField(default=0, help_text="new ones")),
                ("failures", models.JSONField(blank=True, default=list, help_text="destination and error")),
            ],
            options={
                "db_table": "live_collections",
                "ordering": ["-collection_id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(rows_read=F("stored") + F("already_known") + F("duplicates") + F("rejected")),
                        name="live_collections_counts_add_up",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ParkFreshness",
            fields=[
                (
                    "park",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="freshness",
                        serialize=False,
                        to="warehouse.park",
                    ),
                ),
                ("collected_at", models.DateTimeField(help_text="last successful collection")),
                (
                    "observed_at",
                    models.DateTimeField(blank=True, help_text="the newest state it has told of", null=True),
                ),
                ("rides_told", models.IntegerField(default=0, help_text="rows of the last answer")),
                (
                    "is_open",
                    models.BooleanField(
                        default=False, help_text="an attraction was operating, within its hours if it has any"
                    ),
                ),
                (
                    "open_until",
                    models.DateTimeField(blank=True, help_text="end of the longest hours; empty: not told", null=True),
                ),
            ],
            options={
                "verbose_name": "park freshness",
                "verbose_name_plural": "park freshness",
                "db_table": "live_freshness",
                "ordering": ["observed_at"],
            },
        ),
    ]
