"""An archive whose owner means harm: each file that breaks a bound is told, and the rest of the import goes on."""

import gzip
import json
import resource
from datetime import timedelta

import pytest
import stamina
from django.core.management import call_command

from imports.archive.day_file_model import FileOutcome
from imports.models import ImportCheckpoint, ImportedFile
from quality.models import DataQualityLog
from tests.imports.building import DAY, DESTINATION, event, packed, write_day
from tests.imports.fault_server import Answer, Fault, fault_server
from tests.waiting import HANG_SECONDS
from warehouse.models import RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024
LONG = "x" * (3 * MB)
FIELDS = ("entityId", "name", "eventTime", "parkId", "parkSlug", "timezone")
ATTACKS = {
    "more than 10,000 streams of gzip": gzip.compress(b"", mtime=0) * 1_000_000,
    "500,001 events, and more than 500,000": gzip.compress(b'{"events":[' + b"{}," * 500_000 + b"{}]}", 1),
    "values, and more than 4,000,000": b'{"events":[{"name":[' + b"[]," * 5_000_000 + b"[]]}]}",
    "inflates to more than 200 times its size": gzip.compress(b" " * (20 * MB)),
}
COUNTED = {
    "levels": gzip.compress(b'{"events":[{"name":' + b"[" * 3_000 + b"]" * 3_000 + b"}]}"),
    "texts": json.dumps({"events": [dict.fromkeys(FIELDS, LONG)]}).encode(),
    "digits": b'{"events":[{"entityId":' + b"9" * MB + b"}]}",
}


def peak_megabytes() -> float:
    """Of this process and of the largest that it started: files are decoded in one of its own."""
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def test_each_file_that_breaks_a_bound_is_told_and_the_rest_is_imported(tmp_path):
    days = iter(DAY + timedelta(days=n) for n in range(30))
    write_day(tmp_path, [event()], next(days))
    told = {}
    for says, raw in (ATTACKS | COUNTED).items():
        day = next(days)
        write_day(tmp_path, raw, day)
        told[day] = says
    sparse = write_day(tmp_path, [], day := next(days))
    with open(sparse, "wb") as file:
        file.truncate(1 << 40)
    told[day] = "1,099,511,627,776 bytes; more than"
    after = next(days)
    write_day(tmp_path, [event(day=after)], after)
    peak = peak_megabytes()
    call_command("import_archive", source=str(tmp_path), all=True, verbosity=0)
    assert peak_megabytes() - peak < 400
    assert ImportCheckpoint.objects.get().status == "COMPLETED"
    assert RideStatusSnapshot.objects.count() == 2
    outcomes = dict(ImportedFile.objects.values_list("file_date", "outcome"))
    assert outcomes.pop(DAY) == outcomes.pop(after) == FileOutcome.IMPORTED
    unreadable = {day for day, outcome in outcomes.items() if outcome == FileOutcome.UNREADABLE}
    assert unreadable == {day for day, says in told.items() if says not in COUNTED}
    findings = list(DataQualityLog.objects.filter(reason="unreadable_file"))
    for day in unreadable:
        (finding,) = [each for each in findings if each.source_file.endswith(f"{day:%Y/%m/%d}.json.gz")]
        assert told[day] in json.dumps(finding.evidence) + finding.description
    assert all(len(json.dumps(each.evidence)) < 20_000 for each in DataQualityLog.objects.all())


def test_a_bucket_sends_one_body_without_end_and_the_rest_is_imported(settings):
    days = [DAY + timedelta(days=n) for n in range(3)]
    keys = [f"{DESTINATION}/{day:%Y/%m/%d}.json.gz" for day in days]
    files = {key: packed([event(day=day)]) for key, day in zip(keys, days, strict=True)}

    def answers(path: str, headers: dict) -> Answer:
        if "delimiter" in path:
            return listing(f"<CommonPrefixes><Prefix>{DESTINATION}/</Prefix></CommonPrefixes>")
        if "list-type=2" in path:
            return listing(*(f"<Contents><Key>{k}</Key><Size>{len(raw)}</Size></Contents>" for k, raw in files.items()))
        return Answer(files[path.removeprefix("/bucket/")])

    with fault_server(answers) as server, stamina.set_testing(True, attempts=2, cap=True):
        settings.ARCHIVE_S3_ENDPOINT_URL = server.url
        settings.ARCHIVE_S3_STALL_TIMEOUT_SECONDS = settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = float(HANG_SECONDS)
        server.faults = [Fault("endless", keys[1])]
        call_command("import_archive", source="s3://bucket", all=True, verbosity=0)
    assert RideStatusSnapshot.objects.count() == 2
    assert dict(ImportedFile.objects.values_list("file_date", "outcome"))[days[1]] == FileOutcome.UNREADABLE
    finding = DataQualityLog.objects.get(reason="unreadable_file")
    assert "were listed" in json.dumps(finding.evidence) + finding.description


def listing(*parts: str) -> Answer:
    return Answer(f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(parts)}</ListBucketResult>".encode())
