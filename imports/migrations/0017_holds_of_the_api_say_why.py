"""What the API said when it asked to be left alone, and until when: two columns of a table that has two rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0016_who_has_a_message")]

    operations = [
        migrations.AddField(
            model_name="apipace",
            name="held_until",
            field=models.DateTimeField(
                help_text="so long the API asked to be left alone; empty: it did not", null=True
            ),
        ),
        migrations.AddField(
            model_name="apipace",
            name="held_why",
            field=models.CharField(db_default="", help_text="in which words", max_length=300),
        ),
    ]
