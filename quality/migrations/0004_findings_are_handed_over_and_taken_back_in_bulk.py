"""Findings have an assignee, and the moves of one click share a batch, by which they are taken back together.

The columns are added without a copy of their tables (INSTANT); moves of before have no batch, and are taken back one by
one. Of the indexes, idx_quality_groups holds all that the list of groups shows, so that it is made from it alone.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0003_checks_are_owed"),
    ]
    operations = [
        migrations.CreateModel(
            name="TriageBatch",
            fields=[
                ("batch_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(help_text="user name", max_length=150)),
                (
                    "act",
                    models.CharField(
                        help_text="the status the findings were brought to, or ASSIGN, or UNDO", max_length=15
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "assignee",
                    models.CharField(
                        blank=True, default="", help_text="of ASSIGN: to whom; empty: nobody", max_length=150
                    ),
                ),
                ("findings", models.PositiveIntegerField(help_text="how many it moved")),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="quality.triagebatch",
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk",
                "db_table": "data_quality_batches",
                "ordering": ["-batch_id"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="dataqualitylog",
            name="assignee",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="user name of who sees to it; empty: nobody",
                max_length=150,
            ),
        ),
        migrations.AddField(
            model_name="dataqualitymove",
            name="assigned_from",
            field=models.CharField(max_length=150, null=True),
        ),
        migrations.AddField(
            model_name="dataqualitymove",
            name="assigned_to",
            field=models.CharField(max_length=150, null=True),
        ),
        migrations.AddField(
            model_name="dataqualitymove",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="moves",
                to="quality.triagebatch",
            ),
        ),
        migrations.AddIndex(
            model_name="dataqualitylog",
            index=models.Index(fields=["created_at"], name="idx_quality_created"),
        ),
        migrations.AddIndex(
            model_name="dataqualitylog",
            index=models.Index(
                fields=["resolution_status", "reason", "park", "created_at", "issue_type", "assignee"],
                name="idx_quality_groups",
            ),
        ),
    ]
