"""The tables by which the nodes of a Galera cluster take turns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0009_months_can_be_compacted")]

    operations = [
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("turn", models.CharField(max_length=40, primary_key=True, serialize=False)),
                (
                    "number",
                    models.BigIntegerField(
                        help_text="raised by each: an UPDATE that changes nothing is not replicated"
                    ),
                ),
            ],
            options={"db_table": "turns"},
        ),
        migrations.CreateModel(
            name="HeldLock",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("holder", models.CharField(help_text="an id of this one holding", max_length=64)),
                (
                    "seen_at",
                    models.DateTimeField(help_text="the holder's last sign of life, by the clock of its node"),
                ),
            ],
            options={"db_table": "held_locks"},
        ),
    ]
