"""Which files of a destination an import still has to read, by what the ledger keeps of their last readings.

What another feed told is no reading of a file. But a park's day of the History API is a request, and where the
archive's files have all of its hours, none is needed; a day on a seam of the two is asked for
(docs/decisions/the-seam.md).

A file is known by its listing (size, and ETag or time of change), and where that differs by its content: a copy that
was touched is the same file. A file that was read for some parks is known for these alone, so that one that opens, or
moves in, is not passed over.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from imports.archive.day_file_model import READ, FileOutcome, ImportedFile
from imports.archive.destinations import parks_of
from imports.sources.source import DayFile, Feed
from quality.covered_hours import hours_of, utc_days
from quality.import_ledger import BEST_FIRST
from warehouse.days import ONE_DAY
from warehouse.models import Park
from warehouse.server.away import patient
from warehouse.zones import known_zone


@dataclass(frozen=True, slots=True)
class KnownReading:
    """What the ledger keeps of the last reading of a park's day."""

    outcome: str
    sha256: str | None
    size_bytes: int | None
    etag: str
    modified_at: datetime | None
    all_parks: bool
    read_by: str

    def is_of(self, file: DayFile) -> bool:
        """Whether it certainly was this version, by the listing alone; where it has no word for it, it may not be."""
        if file.is_final:  # it is asked for no second time: what the listing cannot tell, it is taken to be
            return self.etag == file.etag
        if file.size_bytes is None or self.size_bytes != file.size_bytes:
            return False
        if file.etag:
            return self.etag == file.etag
        return file.modified_at is not None and self.modified_at == file.modified_at

    def has_read(self, file: DayFile) -> bool:
        """Whether it took in what there is of the park in this version."""
        return self.outcome in READ and self.is_of(file)


@dataclass(slots=True)
class KnownReadings:
    """Of the files of one destination in a range of days, as the ledger was when this was made."""

    _by_day: dict[date, dict[int, KnownReading]] = field(default_factory=dict)
    _told_by_archive: dict[int, set[date]] = field(default_factory=dict)  # by park: days of its own

    @classmethod
    @patient
    def of(
        cls, destination: str, first: date, last: date, feed: Feed, *, heed_archive: bool = False
    ) -> "KnownReadings":
        """Asks the ledger. `heed_archive`: of the History API, days that the archive's files have are known."""
        found = cls()
        if heed_archive and feed in (Feed.HISTORY, Feed.DELISTED):
            found._told_by_archive = _told_by_archive(parks_of(destination), first, last)
        rows = ImportedFile.objects.filter(
            destination_wiki_id=destination, file_date__gte=first, file_date__lte=last, feed=feed
        ).values_list("file_date", "park_id", *(field.name for field in fields(KnownReading)))
        for day, park_id, *reading in rows:
            found._by_day.setdefault(day, {})[park_id] = KnownReading(*reading)
        return found

    def ask_for(self, file: DayFile, park_ids: Collection[int], *, whole: bool, changed_only: bool) -> bool:
        """Whether the file is to be read for these parks; `whole`: for every park that it speaks of.

        `changed_only`: only if it was read before and is another one now, by its listing.
        """
        if changed_only:
            return self._has_changed(file, None if whole else park_ids)
        if whole and not self._was_read_for_all(file):
            return True
        return any(self.lacks(park_id, file) for park_id in park_ids)

    def lacks(self, park_id: int, file: DayFile) -> bool:
        """Whether the park's events of this version may not have been read. A park that has no reading of a version
        which was read for all was not in it."""
        if self.told_elsewhere(park_id, file.day, file.last_day):
            return False
        reading = self._by_day.get(file.day, {}).get(park_id)
        return not self._was_read_for_all(file) if reading is None else not reading.has_read(file)

    def told_elsewhere(self, park_id: int, day: date, last: date | None = None) -> bool:
        """Whether a day of the History API, or all from it to `last`, need not be asked for, since the archive's files
        have all of their hours: they hold what is delisted now as well."""
        told = self._told_by_archive.get(park_id, ())
        return bool(told) and all(day + n * ONE_DAY in told for n in range(((last or day) - day).days + 1))

    def lacks_day(self, park_id: int, day: date) -> bool:
        """Whether no file of the day was ever read for the park."""
        reading = self._by_day.get(day, {}).get(park_id)
        return reading is None or reading.outcome not in READ

    def _was_read_for_all(self, file: DayFile) -> bool:
        return any(reading.all_parks and reading.has_read(file) for reading in self._of_day(file.day))

    def _has_changed(self, file: DayFile, park_ids: Collection[int] | None) -> bool:
        """`park_ids` None: for all. What was read for all since is known, also of a park that it does not speak of and
        that has a reading of an older version still: it was asked for alone, and no run of all looks for it here."""
        if park_ids is None and self._was_read_for_all(file):
            return False
        return any(
            reading.outcome != FileOutcome.MISSING and not reading.is_of(file)
            for park_id, reading in self._by_day.get(file.day, {}).items()
            if park_ids is None or park_id in park_ids
        )

    def holds(self, day: date, park_ids: Iterable[int], sha256: str, *, for_all: bool) -> bool:
        """Whether this content was read for all of these parks, and with `for_all` for every park that it speaks of."""
        of_day = self._by_day.get(day, {})
        same = {
            park_id: reading
            for park_id, reading in of_day.items()
            if reading.outcome in READ and reading.sha256 == sha256
        }
        was_read_for_all = any(reading.all_parks for reading in same.values())
        if for_all and not was_read_for_all:
            return False
        return all(park_id in same or (was_read_for_all and park_id not in of_day) for park_id in park_ids)

    def gives_nothing_to_tell(self, day: date, park_ids: Iterable[int], rules: str) -> bool:
        """Whether what these parks have of the day was read by these rules, and nothing was to be told of it."""
        of_day = self._by_day.get(day, {})
        return all(of_day[park_id].read_by == rules for park_id in park_ids if park_id in of_day)

    def is_listed_as_before(self, file: DayFile) -> bool:
        """Whether the listing knows it as it did when it was read for everybody who has a reading of it."""
        return all(reading.is_of(file) for reading in self._of_day(file.day))

    def _of_day(self, day: date) -> Iterator[KnownReading]:
        yield from self._by_day.get(day, {}).values()


def _told_by_archive(parks: Iterable[Park], first: date, last: date) -> dict[int, set[date]]:
    """By park: its own days in the inclusive range of which the archive's files have every hour, whichever destination
    they are of. None of a park without a zone."""
    zones = {park.pk: zone for park in parks if (zone := known_zone(park.timezone))}
    best: dict[tuple[int, date], str] = {}
    for park_id, day, outcome in ImportedFile.objects.filter(
        park__in=zones, file_date__gte=first - ONE_DAY, file_date__lte=last + ONE_DAY, feed=Feed.ARCHIVE
    ).values_list("park_id", "file_date", "outcome"):
        best[park_id, day] = min(best.get((park_id, day), outcome), outcome, key=BEST_FIRST.index)
    read = {each for each, outcome in best.items() if outcome in READ}
    told: dict[int, set[date]] = {park_id: set() for park_id in zones}
    for park_id, zone in zones.items():
        for n in range((last - first).days + 1):
            day = first + n * ONE_DAY
            if all((park_id, each) in read for each in utc_days(*hours_of(Feed.HISTORY, day, zone))):
                told[park_id].add(day)
    return told
