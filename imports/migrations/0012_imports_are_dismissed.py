"""An import can be dismissed: when, by whom, why. It is no state of its own; the five of the data model stay.

Three columns at the end of a small table: instant on both servers, and taken back by dropping them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0011_history_has_its_own_pace")]
    operations = [
        migrations.AddField(
            "importcheckpoint",
            "dismissed_at",
            models.DateTimeField(
                blank=True, help_text="since when nobody needs to look at it any more; empty: not dismissed", null=True
            ),
        ),
        migrations.AddField(
            "importcheckpoint", "dismissed_by", models.CharField(blank=True, db_default="", default="", max_length=150)
        ),
        migrations.AddField(
            "importcheckpoint", "dismissed_why", models.CharField(blank=True, db_default="", default="", max_length=200)
        ),
    ]
