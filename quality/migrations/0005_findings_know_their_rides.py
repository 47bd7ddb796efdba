"""Which rides a finding is about, in a table of its own, so that findings are found by a ride's name and id.

Filled from what is stored: the subject of each finding, and the rides that its evidence names by ride_id or by
themeparks_wiki_id. Records are read a thousand at a time. Backwards the table goes.
"""

import json
import re

import django.db.models.deletion
from django.db import migrations, models

AT_A_TIME = 1_000
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
RIDE_ID = re.compile(r'"ride_id": ?(\d+)')


def fill(apps, schema_editor) -> None:
    finding, ride, about = (
        apps.get_model(*name)
        for name in (("quality", "DataQualityLog"), ("warehouse", "Ride"), ("quality", "FindingRide"))
    )
    rides = {wiki.lower(): pk for pk, wiki in ride.objects.values_list("pk", "themeparks_wiki_id") if wiki}
    last = 0
    while True:
        rows = finding.objects.filter(pk__gt=last).order_by("pk")
        some = list(rows.values_list("pk", "entity_type", "entity_id", "evidence")[:AT_A_TIME])
        if not some:
            return
        named = []
        for pk, entity_type, entity_id, evidence in some:
            text = json.dumps((evidence or {}).get("examples", []))
            found = {int(number) for number in RIDE_ID.findall(text)}
            found |= {rides[wiki.lower()] for wiki in UUID.findall(text) if wiki.lower() in rides}
            found |= {entity_id} if entity_type == "ride" and entity_id is not None else set()
            named += [about(finding_id=pk, ride_id=ride_id) for ride_id in sorted(found)]
        about.objects.bulk_create(named)
        last = some[-1][0]


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0004_findings_are_handed_over_and_taken_back_in_bulk"),
        ("warehouse", "0002_snapshots_partitioned_by_month"),
    ]
    operations = [
        migrations.CreateModel(
            name="FindingRide",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "finding",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rides",
                        to="quality.dataqualitylog",
                    ),
                ),
                (
                    "ride",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="warehouse.ride",
                    ),
                ),
            ],
            options={
                "db_table": "data_quality_rides",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("finding", "ride"), name="uniq_quality_finding_ride"),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
