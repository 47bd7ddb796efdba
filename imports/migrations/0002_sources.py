from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_checkpoints_and_ledger")]

    operations = [
        migrations.CreateModel(
            name="ApiPace",
            fields=[
                ("api", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("next_request_at", models.DateTimeField()),
            ],
            options={"db_table": "api_pace"},
        ),
    ]
