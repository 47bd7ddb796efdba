"""The budget of the History API has a row of its own in api_pace: what is left of it, until when, and whose it is.

Three columns at the end of a table of one or two rows: instant on both servers. Rows from before have nothing in them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0010_ledger_by_feed")]
    operations = [
        migrations.AddField(
            "apipace",
            "remaining",
            models.IntegerField(null=True, help_text="of a budget, as the API said last; empty: not said"),
        ),
        migrations.AddField(
            "apipace",
            "resets_at",
            models.DateTimeField(null=True, help_text="when the budget is whole again; empty: not said"),
        ),
        migrations.AddField(
            "apipace",
            "asked_by",
            models.CharField(
                max_length=16,
                db_default="",
                help_text="whose budget it is: a fingerprint of the key; empty: asked without one",
            ),
        ),
    ]
