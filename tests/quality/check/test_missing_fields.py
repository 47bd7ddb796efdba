"""What the catalogue should say of rides and parks."""

from uuid import uuid4

from quality.check.run import check
from quality.models import DataQualityLog, IssueType
from tests.quality.check.clean_year import NOW
from warehouse.models import EntityMetadata, Park, Ride


def found():
    return check(None, None, None, NOW).findings


def test_rides_without_metadata_are_one_finding_of_their_park(year):
    EntityMetadata.objects.filter(ride__ride_name__in=["Comet", "Sky Tower"]).delete()
    (finding,) = found()
    assert (finding.kind, finding.reason) == (IssueType.MISSING_FIELD, "missing_metadata")
    assert finding.description == "Lakeside: 2 of 13 rides have no metadata"
    assert {example["name"] for example in finding.examples} == {"Comet", "Sky Tower"}
    comet = Ride.objects.get(ride_name="Comet")  # an import brings its kind, and nothing else
    ids = {"ride": comet, "themeparks_wiki_id": comet.themeparks_wiki_id}
    EntityMetadata.objects.create(**ids, entity_type="ATTRACTION", listed=False, last_updated=NOW)
    assert [again.fingerprint for again in found()] == [finding.fingerprint]
    assert DataQualityLog.objects.get().occurrences == 2


def test_parks_without_a_time_zone_that_exists_are_found(year):
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="")
    Park.objects.filter(pk=year.bergwelt.pk).update(timezone="Europe/Bergwelt")
    assert [(f.reason, f.description) for f in found()] == [
        ("missing_time_zone", "Lakeside has no time zone"),
        ("missing_time_zone", "Bergwelt has the time zone 'Europe/Bergwelt', which does not exist"),
    ]


def test_a_park_without_a_destination_is_found_and_resolved_when_it_has_one(year):
    Park.objects.filter(pk=year.lakeside.pk).update(destination_wiki_id=None)
    (finding,) = found()
    assert (finding.reason, finding.description) == ("missing_destination", "Lakeside belongs to no destination")
    Park.objects.filter(pk=year.lakeside.pk).update(destination_wiki_id=str(uuid4()))
    assert found() == []
    assert DataQualityLog.objects.get().resolution_status == "RESOLVED"


def test_a_check_of_one_park_resolves_no_record_of_it_that_a_group_is_about_to_supersede(year):
    def add(*numbers: int) -> list[Park]:
        return [Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}", timezone="UTC") for n in numbers]

    (park, *_) = add(1, 2, 3)
    check(None, None, None, NOW)
    add(4, 5, 6)
    assert check([park.pk], None, None, NOW).resolved == []
    assert [why for _, why in check(None, None, None, NOW).resolved] == (
        ["Merged into: 6 parks belong to no destination"] * 3
    )


def test_a_fault_of_many_parks_is_reported_once(year):
    Park.objects.bulk_create(
        Park(park_name=f"Park {n}", themeparks_wiki_id=str(uuid4()), timezone="UTC") for n in range(20)
    )
    Ride.objects.create(park=Park.objects.get(park_name="Park 7"), ride_name="Lone ride")
    assert [(f.reason, f.entity_type, f.count) for f in found()] == [
        ("missing_metadata", "park", 1),
        ("missing_destination", "table", 20),
    ]
