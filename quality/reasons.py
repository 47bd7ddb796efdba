"""The words for what can be wrong: what each means, and what an operator does about it.

The admin shows this beside every finding and docs/quality.md lists it. The words of the importer stand here too, so
that the desk explains whatever lies on it; a word that is not here is shown as it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    title: str
    meaning: str
    advice: str


REASONS = {
    # --- GAP
    "missing_days": Reason(
        "Missing days",
        "Days inside the park's history have no file in the source, or were never imported.",
        "Import the days again. Where the source never had them, give the finding up: won't fix.",
    ),
    "silent_hours": Reason(
        "Silent hours",
        "Nothing at all was observed of the park for hours in which it was heard of on the days around.",
        "Compare with the park's calendar: an outage of the source, or a day on which the park was closed?",
    ),
    "silent_ride": Reason(
        "Silent ride",
        "A ride that used to be heard of every day fell silent while the rest of its park went on.",
        "A long closure that the source does not call a refurbishment, or did the source lose it or give it a new id?",
    ),
    # --- DUPLICATE
    "duplicate_name": Reason(
        "Same name",
        "Two or more rides of one park carry the same name.",
        "If it is one attraction, see which id the source still uses. Ids are never merged: note it, then won't fix.",
    ),
    "duplicate_observations": Reason(
        "Same observations",
        "Two or more rides of one park report the same waits at the same minutes: one attraction under several ids.",
        "Count only one of them in figures of the park. Ids are never merged: note which one, then won't fix.",
    ),
    "duplicate_event": Reason(
        "Repeated events",
        "A file says the same of one ride and instant more than once. It is stored once.",
        "Nothing is lost. Many of them point to a fault of the source.",
    ),
    "conflicting_event": Reason(
        "Contradicting events",
        "Two events of one ride and instant say different things. The first one stays.",
        "Look at both values in the examples. If the second is right, the stored row must be corrected by hand.",
    ),
    "ambiguous_ride": Reason(
        "Ambiguous ride",
        "A name fits several rides that have no id yet, so a new ride was made.",
        "Give the right ride its themeparks_wiki_id, or leave both.",
    ),
    # --- INVALID
    "orphan_snapshots": Reason(
        "Snapshots without a ride",
        "Observations belong to a ride_id that is not in rides. Pages and figures that join rides leave them out.",
        "Bring the ride back under the same ride_id, from a backup if need be.",
    ),
    "orphan_queue_rows": Reason(
        "Queue rows without a snapshot",
        "Rows of queue_data belong to a snapshot that is not there.",
        "Import the days of the period again: a file brings its snapshots back.",
    ),
    "misnumbered_snapshots": Reason(
        "Wrong snapshot ids",
        "A snapshot_id is not (instant << 20 | ride_id), so its queue rows and duplicates cannot be found by it.",
        "Somebody wrote rows past the importer. Compare them with a new import of the period.",
    ),
    "guard_rows": Reason(
        "Rows in a guard partition",
        "Observations lie before the first or after the last month that has a partition, where no check reads them.",
        "Look at their dates. Real ones: manage.py maintain_partitions --drain. Stray ones: find out who wrote them.",
    ),
    "coordinates_out_of_range": Reason(
        "Impossible coordinates",
        "A latitude lies outside of -90 to 90, or a longitude outside of -180 to 180.",
        "Stored ones: correct the metadata of the ride by hand. From the source: they were not taken over.",
    ),
    "checkpoint_in_future": Reason(
        "Import in the future",
        "An import says that it processed a day that has not come yet; it would leave out the days until then.",
        "Start a new import of the days that are really there, and give this one up.",
    ),
    "frozen_wait": Reason(
        "Frozen wait",
        "A wait of more than 10 minutes did not change for 10 hours or longer while the ride was operating.",
        "The source repeated an old value. Leave these hours out of averages.",
    ),
    "unreadable_file": Reason(
        "Unreadable file",
        "A day file is damaged. Nothing of it was stored.",
        "Get a sound copy of the file and import the day again.",
    ),
    "malformed_event": Reason("No event", "A record of a file is no event at all.", "Look at the examples."),
    "malformed_id": Reason("Malformed id", "An id is no UUID. The event was left out.", "Look at the examples."),
    "malformed_time": Reason(
        "Malformed time",
        "An event's time cannot be read, has no zone or lies before 2015. The event was left out.",
        "Look at the examples.",
    ),
    "future_time": Reason(
        "Time in the future", "An event lies in the future and was left out.", "Check the clock of this machine first."
    ),
    "unknown_status": Reason(
        "Unknown status",
        "An event carries a status that is not known and was left out.",
        "A new status of the source? The importer must learn it; then import the days again.",
    ),
    "wait_out_of_range": Reason(
        "Impossible wait",
        "A wait is no whole number of minutes from 0 to 300. The observation is kept without it.",
        "A sentinel such as -999 is normal for some parks: won't fix.",
    ),
    "unknown_queue_type": Reason(
        "Unknown queue type",
        "A line of a type that is not known was left out; the observation is kept.",
        "A new type of the source? The importer must learn it; then import the days again.",
    ),
    "malformed_queue": Reason(
        "Malformed queue", "A line has a shape that cannot be read and was left out.", "Look at the examples."
    ),
    "malformed_return_time": Reason(
        "Malformed return time", "A return time cannot be read; that line was left out.", "Look at the examples."
    ),
    "invalid_price": Reason(
        "Impossible price",
        "A price is below 0, without a currency, or no amount; that line was left out.",
        "Look at the examples.",
    ),
    "malformed_entity": Reason("No entity", "An entry of the catalogue is no entity.", "Look at the examples."),
    "invalid_height": Reason(
        "Impossible height",
        "A height limit of the catalogue is no length from 1 to 250 cm, and was not taken over.",
        "Set the height of the ride by hand.",
    ),
    "malformed_tags": Reason("Malformed tags", "Tags of the catalogue cannot be read.", "Look at the examples."),
    "unknown_timezone": Reason(
        "Unknown time zone",
        "The source names a time zone that does not exist. The park keeps what it had.",
        "Set the park's time zone by hand.",
    ),
    "half_answer": Reason(
        "Half an answer",
        "Entities listed before are missing all at once: the answer was taken for half, and nothing removed.",
        "Run manage.py sync_metadata again later.",
    ),
    "malformed_answer": Reason(
        "Malformed answer", "An answer of the live API cannot be read.", "Run manage.py sync_metadata again later."
    ),
    # --- MISSING_FIELD
    "missing_metadata": Reason(
        "No metadata",
        "Rides of the park are not in entity_metadata: their kind, place and heights are unknown.",
        "Run manage.py sync_metadata. Rides that the source has taken down have none: won't fix.",
    ),
    "missing_time_zone": Reason(
        "No time zone",
        "The park has no time zone, or one that does not exist: local hours cannot be told.",
        "Run manage.py sync_metadata, or set the IANA name (Europe/Berlin) by hand.",
    ),
    "missing_destination": Reason(
        "No destination",
        "The park belongs to no destination, so its day files cannot be found.",
        "Run manage.py sync_metadata, or set destination_wiki_id by hand.",
    ),
    "missing_name": Reason("No name", "Entities of the catalogue have no name.", "Set the name of the ride by hand."),
    "missing_entity_type": Reason(
        "No entity type", "Entities of the catalogue have no entityType.", "Look at the examples."
    ),
    "half_coordinates": Reason(
        "Half a coordinate",
        "Entities of the catalogue have only one of latitude and longitude; neither was taken over.",
        "Set both by hand.",
    ),
    "missing_timezone": Reason(
        "No time zone given", "The source names no time zone for a park.", "Set the park's time zone by hand."
    ),
    "missing_entity_id": Reason("No entity id", "Events without entityId were left out.", "Look at the examples."),
    "missing_event_time": Reason("No event time", "Events without eventTime were left out.", "Look at the examples."),
    "missing_status": Reason(
        "No status", "Events without a status were left out.", "Normal for entities that have none: won't fix."
    ),
    "missing_park": Reason(
        "No park", "Events name no park, and their entity is not known; they were left out.", "Look at the examples."
    ),
}


def title_of(reason: str) -> str:
    return REASONS[reason].title if reason in REASONS else reason.replace("_", " ").capitalize()
