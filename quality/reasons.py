"""The one table of what can be wrong: of each reason its kind, its words, what it means, and what to do about it.

Whoever finds something names its reason, and takes kind and sentence from here: the importer, the live collector, the
metadata sync and the detectors. The admin explains findings by it, and docs/quality.md lists it word for word. A
reason that is not here (a record of another version) is shown as it is.
"""

import re
from dataclasses import dataclass

from quality.models import IssueType

_ONE_OR_SEVERAL = re.compile(r"\(([^()|]*)\|([^()|]*)\)")


@dataclass(frozen=True, slots=True)
class Reason:
    """One fault.

    kind      GAP, DUPLICATE, INVALID or MISSING_FIELD; part of a finding's identity
    title     its name on pages and in reports
    sentence  of one finding: a template of `count` and of what was measured; (event carries|events carry) is of one
              and of several
    meaning   what such a record or row is, and what became of it
    advice    what an operator does about it
    grouped   the sentence of findings of several subjects that are reported as one (quality.grouping)
    """

    kind: IssueType
    title: str
    sentence: str
    meaning: str
    advice: str
    grouped: str = ""

    def say(self, count: int, **measured: object) -> str:
        """The sentence, without a full stop. KeyError: the template names something that is not in `measured`."""
        return _say(self.sentence, count, measured)

    def say_grouped(self, count: int, **measured: object) -> str:
        """The sentence of `count` subjects with this fault, without a full stop."""
        return _say(self.grouped, count, measured)


def _say(template: str, count: int, measured: dict[str, object]) -> str:
    return _ONE_OR_SEVERAL.sub(r"\1" if count == 1 else r"\2", template).format(count=count, **measured)


_GAPS = {
    "missing_days": Reason(
        IssueType.GAP,
        "Missing days",
        "{lack} {days}",
        "Days inside the park's history have no file in the source, or were never imported.",
        "Import the days again. Where the source never had them, give the finding up: won't fix.",
    ),
    "seam_hole": Reason(
        IssueType.GAP,
        "Hours between two feeds",
        "nothing was asked for {hours:g} h, {when}, between {before} and {after}",
        "The archive's days are taken to be UTC's, the History API's are the park's own. Where the days of one end and "
        "those of the other begin, hours lie that belong to neither, and no row of the park stands in them.",
        "Import the day on the other side of the seam too, from either of the two: the finding names both, and is "
        "resolved by itself then. Where neither has the hours: won't fix.",
        "Nothing was asked for {hours} h in all at {count} changes between the archive and the History API in "
        "{month:%Y-%m}",
    ),
    "silent_hours": Reason(
        IssueType.GAP,
        "Silent hours",
        "nothing observed for {count} hours, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC; "
        "on the days around there are {usual:,} or more observations in these hours",
        "Nothing at all was observed of the park for hours in which it was heard of on the days around.",
        "Compare with the park's calendar. An outage of the source: import the days again, which resolves it once "
        "something lies in these hours. A day on which the park was closed: won't fix.",
        "Nothing observed {count} times in {month:%Y-%m}, {hours} hours in all",
    ),
    "silent_ride": Reason(
        IssueType.GAP,
        "Silent ride",
        "nothing heard on {count} days, {first} to {last}, on which the park was open; its last word was {last_status}",
        "A ride that used to be heard of every day fell silent while the rest of its park went on.",
        "A long closure that the source does not call a refurbishment: won't fix. Did the source lose the ride, or "
        "give it a new id? Look for it among the park's rides, import the days again, and tell the source.",
        "{count} rides fell silent {when} while the rest of the park went on",
    ),
    "sparse_archive_day": Reason(
        IssueType.GAP,
        "Archive holds less than live",
        "the file holds {archive}, the live collector {live}; the {count:,} LIVE (row stays|rows stay) beside the "
        "archive's",
        "A day that was to replace the live rows (--replace-live) holds far less than they do: fewer than half of the "
        "observations or rides, or nothing of two hours or more. Both are kept.",
        "A file that was cut short: import the day again when it has been published anew. A file that is right: import "
        "it with --replace-live --force.",
    ),
    "out_of_reach": Reason(
        IssueType.GAP,
        "Out of the key's reach",
        "{days} cannot be had with this key",
        "Days that were asked for lie before the first one that the key of the History API reaches. Nothing was asked "
        "of them, and nothing that is stored was touched.",
        "A key of a higher plan reaches further back; the archive's day files may hold them. Else won't fix.",
    ),
}
_DUPLICATES = {
    "duplicate_name": Reason(
        IssueType.DUPLICATE,
        "Same name",
        "{count} rides are called {name}",
        "Two or more rides of one park carry the same name.",
        "If it is one attraction, see which id the source still uses. Ids are never merged: note it, then won't fix.",
        "{count} names are carried by two or more rides each",
    ),
    "duplicate_observations": Reason(
        IssueType.DUPLICATE,
        "Same observations",
        "{names} report the same waits at the same times",
        "Two or more rides of one park report the same waits at the same minutes: one attraction under several ids.",
        "Count only one of them in figures of the park. Ids are never merged: note which one, then won't fix.",
        "{count} groups of rides report the same waits at the same times",
    ),
    "duplicate_event": Reason(
        IssueType.DUPLICATE,
        "Repeated events",
        "{count:,} (event says|events say) again what the file already said",
        "A file says the same of one ride and instant more than once. It is stored once.",
        "Nothing is lost: won't fix. Many of them point to a fault of the source: tell it.",
    ),
    "conflicting_event": Reason(
        IssueType.DUPLICATE,
        "Contradicting events",
        "{count:,} (event contradicts|events contradict) another one of the same ride and instant",
        "Two events of one ride and instant say different things. The first one stays.",
        "Look at both values in the examples. If a row of an earlier reading stays and the file is right, import its "
        "day with --replace. Of two events of one file the first stays: won't fix.",
    ),
    "heard_in_two_destinations": Reason(
        IssueType.DUPLICATE,
        "In two destinations",
        "on {day} the files of {count} destinations hold events of it: {destinations}; all of them were imported",
        "A park is in the files of two destinations on one day. Its events were imported from both.",
        "On the day on which a park was moved: won't fix. Where it goes on, see whether both tell of the same rides, "
        "import only the one that does from then on, and resolve.",
    ),
    "ambiguous_ride": Reason(
        IssueType.DUPLICATE,
        "Ambiguous ride",
        "{name!r} ({entity_id}) could be "
        "(a ride that has no id yet, but so could another entity|any of {count} rides that have no id yet); "
        "it became a new ride",
        "A name fits several rides that have no id yet, or several entities one of them, so a new ride was made.",
        "Give the right ride its themeparks_wiki_id by hand, then resolve; or leave both: won't fix.",
    ),
    "id_adopted": Reason(
        IssueType.DUPLICATE,
        "Taken for a ride without an id",
        "{name!r} ({entity_id}) was taken for {ride}, which had no id until then",
        "An entity is called like the one ride of its park that had no id yet, and was taken for it.",
        "If they are two: undo it on this page, and the entity gets a ride of its own with its rows. Else resolve.",
    ),
}
_INVALID = {
    "orphan_snapshots": Reason(
        IssueType.INVALID,
        "Snapshots without a ride",
        "{count:,} (snapshot belongs|snapshots belong) to ride_id {ride_id}, which is not in rides",
        "Observations belong to a ride_id that is not in rides. Pages and figures that join rides leave them out.",
        "Bring the ride back under the same ride_id, from a backup if need be: the next check resolves it.",
    ),
    "orphan_queue_rows": Reason(
        IssueType.INVALID,
        "Queue rows without a snapshot",
        "{count:,} (queue row|queue rows) of {month:%Y-%m} "
        "(belongs to a snapshot that is|belong to snapshots that are) not there",
        "Rows of queue_data belong to a snapshot that is not there.",
        "Import the days of the period again: a file brings its snapshots back, and the next check resolves it.",
    ),
    "misnumbered_snapshots": Reason(
        IssueType.INVALID,
        "Wrong snapshot ids",
        "{count:,} (snapshot|snapshots) of {month:%Y-%m} (has|have) an id that is not (its|their) ride and instant",
        "A snapshot_id is not (instant << 20 | ride_id), so its queue rows and duplicates cannot be found by it.",
        "Somebody wrote rows past the importer: find out who. Compare them with a new import of the period, take the "
        "wrong ones out, and the next check resolves it.",
    ),
    "guard_rows": Reason(
        IssueType.INVALID,
        "Rows in a boundary partition",
        "{at_least}{count:,} (snapshot lies|snapshots lie) outside of all months that have a partition, in {partition}",
        "Observations lie before the first or after the last month that has a partition, or between two of them, where "
        "no check reads them.",
        "Look at their dates. Real ones: manage.py maintain_partitions --drain. Stray ones: find out who wrote them, "
        "and take them out. The next check resolves it.",
    ),
    "coordinates_out_of_range": Reason(
        IssueType.INVALID,
        "Impossible coordinates",
        "lies at {latitude}, {longitude}, which is nowhere on earth",
        "A latitude lies outside of -90 to 90, or a longitude outside of -180 to 180. The source also says 0/0, and "
        "what is no number.",
        "Stored ones: correct the metadata of the ride by hand. From the source: they were not taken over; tell the "
        "source, then won't fix.",
        "{count:,} (entity has|entities have) coordinates that are nowhere on earth",
    ),
    "checkpoint_in_future": Reason(
        IssueType.INVALID,
        "Import in the future",
        "{import_id} of {park} says that it processed {day}, which has not come yet",
        "An import says that it processed a day that has not come yet; it would leave out the days until then.",
        "Start a new import of the days that are really there, and cancel this one.",
        "{count} imports say that they processed days that have not come yet",
    ),
    "frozen_wait": Reason(
        IssueType.INVALID,
        "Frozen wait",
        "the wait stood at {minutes} minutes for {hours} hours while operating, from {start:%Y-%m-%d %H:%M} UTC{times}",
        "A wait of more than 10 minutes did not change for 10 hours or longer while the ride was operating.",
        "The source repeated an old value, and nothing mends that: leave these hours out of averages, then won't fix.",
        "The waits of {count} rides stood still for 10 hours or longer in {month:%Y-%m}",
    ),
    "ride_moved": Reason(
        IssueType.INVALID,
        "Ride moved",
        "moved from {before} to {after} ({days}); what was observed before (that|each move) stays with the old park",
        "Events, or the catalogue, name another park for a ride than before. Its rows are the new park's from then on.",
        "Nothing is lost: resolve. If it did not move, set its park by hand: no event or sync moves it any more.",
    ),
    "alternating_park": Reason(
        IssueType.INVALID,
        "Two parks by turns",
        "{count:,} (entity is|entities are) in two parks by turns on one day",
        "Events of one day, or events and the catalogue, name two parks by turns for one entity. The day was left with "
        "the park that it was in before.",
        "Set the park of the ride by hand where it is clear, and import the day again. Where it is not: won't fix, "
        "and tell the source.",
    ),
    "alternating_name": Reason(
        IssueType.INVALID,
        "Two names by turns",
        "{count:,} (entity has|entities have) two names by turns on one day",
        "Under one id events of one day have two names by turns: perhaps two rides share it. All is stored under it.",
        "Look at the names in the examples. One ride that was renamed: resolve. Two rides under one id: their rows "
        "cannot be told apart, so leave it out of figures, then won't fix and tell the source.",
    ),
    "flickering_status": Reason(
        IssueType.INVALID,
        "Flickering status",
        "the status of {count:,} (entity|entities) changes from second to second",
        "The status of one id changed ten times or more within two seconds each: two systems write it.",
        "Downtime of these hours means nothing: leave it out of figures, then won't fix. Where it goes on for days, "
        "tell the source which id it is.",
    ),
    "listed_twice": Reason(
        IssueType.INVALID,
        "Listed under two destinations",
        "{count:,} (park is|parks are) listed under another destination as well",
        "The catalogue lists a park under two destinations. It stays with the one it is in.",
        "Set destination_wiki_id by hand where the other one is right. Else won't fix.",
    ),
    "open_at_night": Reason(
        IssueType.INVALID,
        "Open all night",
        "its rides said OPERATING without a wait {words} times in {count} (night|nights) of {month:%Y-%m}, {hours} "
        "hours in all, while none showed a wait or a change",
        "The rides of a park said OPERATING without a wait again and again through the night, while none of them "
        "showed a wait or a change: the source does not say that the park closes. Figures of the park's days leave "
        "these hours out.",
        "Nothing is to be done here: won't fix. A park that is open at night shows waits; if this one was, tell the "
        "source.",
    ),
    "unreadable_file": Reason(
        IssueType.INVALID,
        "Unreadable file",
        "{file} cannot be read: {why}. Nothing of it was stored; mend it and import the day again",
        "A day file is damaged. Nothing of it was stored.",
        "Get a sound copy of the file and import the day again.",
    ),
    "sudden_growth": Reason(
        IssueType.INVALID,
        "Sudden growth",
        "{file} brings {what}, more than any destination has; nothing of it was stored",
        "A day file brings more than 50 parks or 2,000 rides that are not known: more than any destination has. "
        "Nothing of it was stored, and the import stopped there.",
        "Look at the file. If they are real, import its days again with --force; if not, get a sound copy of it.",
    ),
    "stray_files": Reason(
        IssueType.INVALID,
        "Files beside the layout",
        "{count:,} (file is|files are) no day (file|files): {what}",
        "Files of a destination lie beside the archive's layout (another name, dated before 2015 or after tomorrow, no "
        "regular file, a second one of a day). Nothing of them is imported, and their days may be called missing.",
        "Those that are day files: give them their place, <uuid>/YYYY/MM/DD.json.gz, and import their days. Dated "
        "after tomorrow: check the clock of this machine first. What belongs there: won't fix.",
    ),
    "captures_left_out": Reason(
        IssueType.INVALID,
        "Captures left out",
        "of the captures, this is not read: {what}",
        "Files among captures of live answers, or lines of them, are not read: a file of another kind, a line that was "
        "cut short when its collector was stopped, a damaged gzip stream, a time of capture that cannot be.",
        "What lies before the damage was read. A file that is no capture: take it out of the folder, or won't fix. A "
        "file that a collector still writes has its last line with the next import.",
    ),
    "capture_without_answer": Reason(
        IssueType.INVALID,
        "Capture without an answer",
        "{count:,} (capture holds|captures hold) no answer",
        "Captures of live answers hold none: their HTTP status is not 200, or the line is something else.",
        "Nothing can be had of them: won't fix. Look at the values where there are many.",
    ),
    "rows_lacking": Reason(
        IssueType.INVALID,
        "Rows that the file no longer has",
        "{count:,} (row|rows) of an earlier reading of the file (is|are) not in it any more, and (stays|stay)",
        "A day file was published again, and lacks rows that an earlier reading of it brought in. They stay.",
        "If the file is right, import its day with --replace: these rows go, and changed ones are replaced.",
    ),
    "rows_unproven": Reason(
        IssueType.INVALID,
        "Rows of an unknown origin",
        "{count:,} (row|rows) of the day (is|are) not in the file, and nothing proves that (it|they) came from it: "
        "nothing was withdrawn",
        "A day file that was first read by a version which did not write down what a file held lacks rows of its day "
        "that are stored. They may have come from it, or from the file of a day beside it.",
        "Import the days beside it again. What is in no file then is for you to judge by the examples: won't fix "
        "keeps it.",
    ),
    "file_replaced": Reason(
        IssueType.INVALID,
        "File taken as the truth",
        "{replaced:,} replaced and {withdrawn:,} withdrawn of the stored rows, as the file has them now",
        "An import with --replace changed what an earlier reading of the file had stored.",
        "Nothing, if it was meant so: resolve it. The examples say what was stored before.",
    ),
    "differs_from_source": Reason(
        IssueType.INVALID,
        "Differs from the source",
        "on {day} {count:,} of {compared:,} rides (differs|differ) from the source's own figures: {worst}",
        "Rides of a day have more or fewer observations than the History API counts changes, or other operating or "
        "down minutes, or other waits, or are known to one of both alone.",
        "Import the day again from the History API with --changed --replace, and compare again. Events that were "
        "refused have findings of their own. If it stays so: won't fix, and tell the source.",
    ),
    "malformed_event": Reason(
        IssueType.INVALID,
        "No event",
        "{count:,} (record is|records are) no event at all (not an object)",
        "A record of a file is no event at all.",
        "Look at the examples: a file that was written by something else, or cut? Get a sound copy and import its day "
        "again. So in every copy: won't fix, and tell the source.",
    ),
    "malformed_id": Reason(
        IssueType.INVALID,
        "Malformed id",
        "{count:,} (event carries|events carry) an id that is no UUID",
        "An id is no UUID. The event was left out.",
        "Look at the examples: nothing can be stored without an id. A damaged file: get a sound copy and import its "
        "day again. So in every copy: won't fix, and tell the source.",
    ),
    "malformed_time": Reason(
        IssueType.INVALID,
        "Malformed time",
        "{count:,} (event has|events have) a time that cannot be read, has no zone or is before 2015",
        "An event's time cannot be read, has no zone or lies before 2015. The event was left out.",
        "Look at the examples: nothing can be stored without a time. A damaged file: get a sound copy and import its "
        "day again. So in every copy: won't fix, and tell the source.",
    ),
    "future_time": Reason(
        IssueType.INVALID,
        "Time in the future",
        "{count:,} (event lies|events lie) in the future",
        "An event lies in the future and was left out.",
        "Check the clock of this machine first; if it was wrong, import the day again. If it is right, the source's "
        "is wrong: won't fix, and tell the source.",
    ),
    "unknown_status": Reason(
        IssueType.INVALID,
        "Unknown status",
        "{count:,} (event carries|events carry) a status that is not known",
        "An event carries a status that is not known and was left out.",
        "A new status of the source? The importer must learn it; then import the days again. Nonsense: won't fix.",
    ),
    "wait_out_of_range": Reason(
        IssueType.INVALID,
        "Impossible wait",
        "{count:,} (wait is|waits are) below 0, above the limit, or no whole number of minutes",
        "A wait is no whole number of minutes from 0 to WAIT_TIME_MAX_MINUTES (300; 32,767 beside the standby line). "
        "The observation is kept without it, and its value is counted here.",
        "A sentinel such as -999 is normal for some parks: won't fix. Real waits above the limit: raise "
        "WAIT_TIME_MAX_MINUTES and import the days again.",
    ),
    "unknown_queue_type": Reason(
        IssueType.INVALID,
        "Unknown queue type",
        "{count:,} (queue entry is|queue entries are) of a type that is not known",
        "A queue of a type that is not known was left out; the observation is kept.",
        "A new type of the source? The importer must learn it; then import the days again. Nonsense: won't fix.",
    ),
    "malformed_queue": Reason(
        IssueType.INVALID,
        "Malformed queue",
        "{count:,} (queue entry has|queue entries have) a shape that cannot be read",
        "A queue has a shape that cannot be read and was left out.",
        "Look at the examples. A new shape of the source: the importer must learn it; then import the days again. "
        "Nonsense: won't fix.",
    ),
    "malformed_return_time": Reason(
        IssueType.INVALID,
        "Malformed return time",
        "{count:,} (return time|return times) cannot be read",
        "A return time cannot be read; that queue was left out.",
        "Look at the examples. A new way to write times: the importer must learn it; then import the days again. "
        "Nonsense: won't fix.",
    ),
    "invalid_price": Reason(
        IssueType.INVALID,
        "Impossible price",
        "{count:,} (price is|prices are) below 0, without a currency, or not an amount",
        "A price is below 0, without a currency, or no amount; that queue was left out.",
        "Look at the examples. A currency or a form that is new: the importer must learn it; then import the days "
        "again. Nonsense: won't fix.",
    ),
    "refused_row": Reason(
        IssueType.INVALID,
        "Refused by the server",
        "{count:,} (event was|events were) refused by the database server",
        "The database server refused the row of an event that every check had passed. The event was left out.",
        "See what the server says in the examples: a constraint of the table, or a rule that the importer lacks? Then "
        "import the days again.",
    ),
    "malformed_entity": Reason(
        IssueType.INVALID,
        "No entity",
        "{count:,} (entry is|entries are) no entity (not an object, or an id that is no UUID)",
        "An entry of the catalogue is no entity.",
        "Look at the examples. If it comes again with the next manage.py sync_metadata, tell the source, then won't "
        "fix.",
    ),
    "invalid_height": Reason(
        IssueType.INVALID,
        "Impossible height",
        "{count:,} (height limit is|height limits are) no length from 1 to 250 cm",
        "A height limit of the catalogue is no length from 1 to 250 cm, and was not taken over.",
        "Set the height of the ride by hand, then resolve. A ride that needs none: won't fix.",
    ),
    "malformed_tags": Reason(
        IssueType.INVALID,
        "Malformed tags",
        "{count:,} (entity has|entities have) tags that cannot be read",
        "Tags of the catalogue cannot be read.",
        "Look at the examples, and set the tags by hand where they matter. If it comes again with the next manage.py "
        "sync_metadata: won't fix.",
    ),
    "impossible_hours": Reason(
        IssueType.INVALID,
        "Impossible hours",
        "{count:,} (entry tells|entries tell) hours that cannot be",
        "An entry of a park's schedule has a day or a time that cannot be read or is lacking, opens on another day, or "
        "closes before it opens or more than 24 hours later. It was left out; the other entries stand. A day of which "
        "no entry stands keeps the hours it had.",
        "Look at the examples. Hours that are known otherwise: set them by hand, under Park hours, then resolve. Else "
        "won't fix.",
    ),
    "unknown_hours_type": Reason(
        IssueType.INVALID,
        "Unknown kind of hours",
        "{count:,} (entry is|entries are) of a kind that is not known",
        "An entry of a park's schedule is of a kind that is not known, and was left out.",
        "A new kind of the source? The sync must learn it; then read the schedules again. Nonsense: won't fix.",
    ),
    "unknown_timezone": Reason(
        IssueType.INVALID,
        "Unknown time zone",
        "{count:,} (park answer names|park answers name) a time zone that does not exist",
        "The source names a time zone that does not exist. The park keeps what it had.",
        "Set the park's time zone by hand, then resolve.",
    ),
    "half_answer": Reason(
        IssueType.INVALID,
        "Half an answer",
        "{count:,} (entity|entities) listed before (is|are) missing at once: taken for half an answer",
        "Entities listed before are missing all at once: the answer was taken for half, and nothing removed.",
        "Run manage.py sync_metadata again later, then resolve. If they are really gone, it says so again and again: "
        "tell the source, then won't fix.",
    ),
    "malformed_answer": Reason(
        IssueType.INVALID,
        "Malformed answer",
        "{count:,} (answer|answers) cannot be read",
        "An answer of the live API cannot be read.",
        "Run manage.py sync_metadata again later, then resolve. If it comes back, see what the examples hold: a "
        "proxy's page is none of the source's.",
    ),
}
_MISSING_FIELDS = {
    "partial_state": Reason(
        IssueType.MISSING_FIELD,
        "Partial states",
        "{count:,} of {events:,} events of operating rides ({rides}) in {month:%Y-%m}, {share:.0%}, are silent about "
        "{queue}, of which the same rides speak before and within the hour again",
        "Archive events of a ride lack a queue that the events around them have: they seem to say only what changed, "
        "and that a queue is lacking means nothing.",
        "Figures of the standby line carry the wait over such events. Of other queues, take the last that was told. "
        "Nothing else is to be done: won't fix.",
    ),
    "degraded_answer": Reason(
        IssueType.MISSING_FIELD,
        "Looked back too short",
        "of {count:,} (entity|entities) the answer looked back too short for how (it|they) stood when the day began",
        "An answer of the History API did not look back far enough for how entities stood when its day began: rows of "
        "the day before a field's first change may lack that field.",
        "Import the day again with --changed. The finding is resolved when the answer is whole.",
    ),
    "missing_metadata": Reason(
        IssueType.MISSING_FIELD,
        "No metadata",
        "{count} of {total} rides (has|have) no metadata",
        "Of rides of the park entity_metadata holds nothing from the catalogue: place and heights are unknown.",
        "Run manage.py sync_metadata. Rides that the source has taken down have none: won't fix.",
    ),
    "missing_time_zone": Reason(
        IssueType.MISSING_FIELD,
        "No time zone",
        "{park} has {problem}",
        "The park has no time zone, or one that does not exist: local hours cannot be told.",
        "Run manage.py sync_metadata, or set the IANA name (Europe/Berlin) by hand.",
        "{count} parks have no time zone that exists",
    ),
    "missing_destination": Reason(
        IssueType.MISSING_FIELD,
        "No destination",
        "{park} belongs to no destination",
        "The park belongs to no destination, so its day files cannot be found.",
        "Run manage.py sync_metadata, or set destination_wiki_id by hand.",
        "{count} parks belong to no destination",
    ),
    "missing_name": Reason(
        IssueType.MISSING_FIELD,
        "No name",
        "{count:,} (entity has|entities have) no name",
        "Entities of the catalogue have no name.",
        "Set the name of the ride by hand, then resolve.",
    ),
    "missing_entity_type": Reason(
        IssueType.MISSING_FIELD,
        "No entity type",
        "{count:,} (entity has|entities have) no entityType",
        "Entities of the catalogue have no entityType.",
        "Set the kind of the ride by hand, in its metadata, then resolve. What is no ride: won't fix.",
    ),
    "half_coordinates": Reason(
        IssueType.MISSING_FIELD,
        "Half a coordinate",
        "{count:,} (entity has|entities have) only one of latitude and longitude",
        "Entities of the catalogue have only one of latitude and longitude; neither was taken over.",
        "Set both by hand, in the metadata of the ride, then resolve.",
    ),
    "missing_entity_id": Reason(
        IssueType.MISSING_FIELD,
        "No entity id",
        "{count:,} (event has|events have) no entityId",
        "Events without entityId were left out.",
        "Look at the examples: nothing can be stored without it. A damaged file: get a sound copy and import its day "
        "again. So in every copy: won't fix, and tell the source.",
    ),
    "missing_event_time": Reason(
        IssueType.MISSING_FIELD,
        "No event time",
        "{count:,} (event has|events have) no eventTime",
        "Events without eventTime were left out.",
        "Look at the examples: nothing can be stored without it. A damaged file: get a sound copy and import its day "
        "again. So in every copy: won't fix, and tell the source.",
    ),
    "missing_status": Reason(
        IssueType.MISSING_FIELD,
        "No status",
        "{count:,} (event has|events have) no status",
        "Events without a status were left out.",
        "Normal for entities that have none: won't fix. A ride that used to have one: tell the source.",
    ),
    "missing_park": Reason(
        IssueType.MISSING_FIELD,
        "No park",
        "{count:,} (event names|events name) no park, and (its|their) entity is not known",
        "Events name no park, and their entity is not known; they were left out.",
        "Run manage.py sync_metadata, so that the entity is known, and import the day again. What the catalogue does "
        "not have either: won't fix.",
    ),
}
REASONS: dict[str, Reason] = _GAPS | _DUPLICATES | _INVALID | _MISSING_FIELDS


def title_of(reason: str) -> str:
    """The title on pages and in reports; of a reason that is not in the table its own word: Rotten egg."""
    return REASONS[reason].title if reason in REASONS else reason.replace("_", " ").capitalize()
