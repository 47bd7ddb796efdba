"""live_freshness.rides_told -> rides_reported, the word of the pages. A change of name alone, instant on both."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0004_updated_at_follows_every_update")]
    operations = [
        migrations.RenameField("parkfreshness", "rides_told", "rides_reported"),
        migrations.AlterField(
            "livecollection",
            "rejected",
            models.IntegerField(default=0, help_text="not to be believed, or of no known park"),
        ),
        migrations.AlterField(
            "parkfreshness",
            "observed_at",
            models.DateTimeField(blank=True, help_text="the newest state that was reported of it", null=True),
        ),
        migrations.AlterField(
            "parkfreshness",
            "open_until",
            models.DateTimeField(blank=True, help_text="end of the longest hours; empty: not reported", null=True),
        ),
    ]
