"""Everything can be paused: who, when, why, and what was stopped by it. A new table; taken back by dropping it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0013_previews_of_imports")]
    operations = [
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("pause_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("is_active", models.BooleanField(default=True, null=True, unique=True)),
                ("begun_at", models.DateTimeField()),
                ("begun_by", models.CharField(max_length=150)),
                ("why", models.CharField(blank=True, max_length=200)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, max_length=150)),
                ("imports", models.JSONField(default=list, help_text="that it stopped: id, and how each stood")),
                (
                    "jobs",
                    models.JSONField(default=list, help_text="recurring jobs that it switched off: id, name, repeats"),
                ),
                ("left", models.JSONField(default=list, help_text="what its end did not restore, and why")),
            ],
            options={
                "verbose_name": "pause of everything",
                "verbose_name_plural": "pauses of everything",
                "db_table": "pauses",
                "ordering": ["-pause_id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(is_active=True) | models.Q(is_active=None), name="pauses_active_or_null"
                    )
                ],
            },
        ),
    ]
