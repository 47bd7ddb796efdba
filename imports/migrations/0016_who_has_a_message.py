"""What a process of a cluster does, and when and by whom it was ended; who has which message of the queue in hand.

The table of workers has some rows a worker and day.
"""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0015_ledger_knows_by_which_rules")]

    operations = [
        migrations.CreateModel(
            name="FetchedMessage",
            fields=[
                ("message_id", models.BigIntegerField(help_text="of django_q_ormq", primary_key=True, serialize=False)),
                ("holder", models.CharField(blank=True, help_text="process token; empty: given back", max_length=255)),
                ("fetched_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "taken_at",
                    models.DateTimeField(
                        help_text="when a worker began with it; empty: it lies in its cluster", null=True
                    ),
                ),
                (
                    "done_at",
                    models.DateTimeField(
                        help_text="when its task ended; what came of it is not written down yet", null=True
                    ),
                ),
                (
                    "deaths",
                    models.PositiveSmallIntegerField(
                        db_default=0, default=0, help_text="of processes that had it in hand"
                    ),
                ),
                ("last_death", models.CharField(blank=True, db_default="", default="", max_length=255)),
            ],
            options={
                "db_table": "fetched_messages",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="worker",
            name="ended_at",
            field=models.DateTimeField(blank=True, help_text="empty: not that anybody knew", null=True),
        ),
        migrations.AddField(
            model_name="worker",
            name="ended_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="by whom it was ended, and why; empty: by itself",
                max_length=255,
            ),
        ),
        migrations.AddField(
            model_name="worker",
            name="role",
            field=models.CharField(
                choices=[
                    ("worker", "Worker"),
                    ("scheduler", "Scheduler"),
                    ("pusher", "Pusher"),
                    ("monitor", "Monitor"),
                    ("main process", "Main"),
                ],
                db_default="worker",
                default="worker",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="worker",
            name="seen_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), help_text="its last round"
            ),
        ),
    ]
