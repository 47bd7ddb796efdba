"""The permission to operate imports says cancel, as the buttons do. A sentence in one row, both ways."""

from django.db import migrations

NOW = "Can start, pause, resume, retry and cancel imports"
BEFORE = "Can start, pause, resume, retry and give up imports"


def _say(name: str):
    def say(apps, schema_editor):
        permissions = apps.get_model("auth", "Permission").objects
        permissions.filter(codename="operate_imports", content_type__app_label="imports").update(name=name)

    return say


class Migration(migrations.Migration):
    dependencies = [("imports", "0005_rides_reported"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.AlterModelOptions(
            name="importcheckpoint",
            options={
                "ordering": ["-checkpoint_id"],
                "permissions": [("operate_imports", NOW)],
                "verbose_name": "import",
            },
        ),
        migrations.RunPython(_say(NOW), _say(BEFORE)),
    ]
