"""What operators were told of (desk_alerts), and what is on its way to them (desk_deliveries)."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("alert_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=190, unique=True)),
                ("said", models.TextField(help_text="as it was said last")),
                ("url", models.CharField(blank=True, max_length=500)),
                ("since", models.DateTimeField(help_text="when it came up")),
                ("seen_at", models.DateTimeField(help_text="when it was there last")),
                (
                    "told",
                    models.BooleanField(default=False, help_text="operators know of it, and not yet that it is over"),
                ),
                ("told_at", models.DateTimeField(help_text="when its begin or its end was told last", null=True)),
            ],
            options={
                "db_table": "desk_alerts",
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("delivery_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel", models.CharField(choices=[("mail", "Mail"), ("webhook", "Webhook")], max_length=10)),
                (
                    "name",
                    models.CharField(
                        help_text="which message it is: one that is made twice is sent once", max_length=64
                    ),
                ),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("payload", models.JSONField(help_text="what the webhook gets")),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "claimed_at",
                    models.DateTimeField(
                        help_text="when a worker began to deliver it; empty: nobody is at it", null=True
                    ),
                ),
                ("delivered_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0, help_text="that failed")),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="of the last attempt; names the host and no more", max_length=200
                    ),
                ),
            ],
            options={
                "db_table": "desk_deliveries",
                "indexes": [models.Index(fields=["delivered_at", "channel"], name="idx_deliveries_due")],
                "constraints": [models.UniqueConstraint(fields=("channel", "name"), name="unique_delivery")],
            },
        ),
    ]
