"""A preview of an import is a row: what was asked for, how far a worker is with it, and what came of it.

A table of its own, which holds those of the last day.
"""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("imports", "0012_imports_are_dismissed")]
    operations = [
        migrations.CreateModel(
            name="ImportPreview",
            fields=[
                ("preview_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("asked", models.JSONField(help_text="the form, as it was sent")),
                ("request", models.JSONField(help_text="what is asked for of the source")),
                ("source", models.CharField(max_length=600)),
                ("made_by", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("WAITING", "Waiting"),
                            ("RUNNING", "Running"),
                            ("READY", "Ready"),
                            ("FAILED", "Failed"),
                            ("CANCELLED", "Cancelled"),
                            ("STARTED", "Started"),
                        ],
                        default="WAITING",
                        max_length=9,
                    ),
                ),
                ("progress", models.CharField(blank=True, default="", max_length=400)),
                ("trouble", models.CharField(blank=True, default="", max_length=400)),
                ("seen_at", models.DateTimeField(help_text="last sign of life of who looks", null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("listed", models.JSONField(default=list, help_text="the destinations of the source")),
                ("result", models.JSONField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("started", models.JSONField(default=list, help_text="checkpoint_ids of what was begun from it")),
            ],
            options={"db_table": "import_previews", "ordering": ["-preview_id"], "default_permissions": ()},
        ),
    ]
