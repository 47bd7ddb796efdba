"""The History API as a source: a file is the answer about one park and one day of its own, which is one request.

Days are those from the first that the key reaches and the record has to the final day. What it has in common with
other sources of the API stands in imports.sources.history_parks.
"""

from collections.abc import Collection
from datetime import date, timedelta

from imports.events.decoded import Decoded
from imports.events.history_answer import HistoryAnswer
from imports.sources.history_parks import HistoryParks, KnownPark
from imports.sources.kept_answers import SUFFIX
from imports.sources.source import DayFile, Feed, FileUnreadable, OutOfReach, ParkFiles
from warehouse.days import ONE_DAY

SCHEME = "themeparks-history:"


class HistorySource(HistoryParks):
    """See the module."""

    scheme = SCHEME
    feed = Feed.HISTORY

    def list_again(self, destination: str, park: str, first: date, last: date, *, anew: bool) -> list[DayFile]:
        """See SourceByPark."""
        if self._api is None:
            days = [day for day in self.kept.days_of(destination).get(park, []) if first <= day <= last]
        else:
            days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [self._file(destination, park, day, anew=anew) for day in days]

    def _kept_parks(self, destination: str) -> Collection[str]:
        return self.kept.days_of(destination)

    def _files(
        self, destination: str, park: KnownPark, first: date | None, last: date | None, *, anew: bool
    ) -> ParkFiles:
        coverage, timezone = self._coverage(park.park_id)
        if coverage.archive_from is None or coverage.final_day is None:
            return ParkFiles(park.park_id, park.name, "", [])
        wanted = max(coverage.archive_from, first or coverage.archive_from)
        begin, end = max(wanted, self._floor()), min(coverage.final_day, last or coverage.final_day)
        days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
        # what the key reaches no more is not asked for anew
        kept_before = [] if anew else self._kept_before(destination, park.park_id, wanted, min(begin, end + ONE_DAY))
        return ParkFiles(
            park.park_id,
            park.name,
            timezone,
            [self._file(destination, park.park_id, day, anew=anew) for day in [*kept_before, *days]],
            asked_from=wanted,
            out_of_reach_before=begin if begin > wanted and wanted <= end else None,
            final_day=coverage.final_day,
        )

    def _kept_before(self, destination: str, park: str, first: date, end: date) -> list[date]:
        """Days that the key reaches no more and that were asked for while it did."""
        days = [first + timedelta(days=n) for n in range((end - first).days)]
        return [day for day in days if self.kept.has(key_of(destination, park, day))]

    def _kept_files(self, destination: str, park: KnownPark, first: date | None, last: date | None) -> ParkFiles:
        days = [
            day
            for day in self.kept.days_of(destination).get(park.park_id, [])
            if (first is None or first <= day) and (last is None or day <= last)
        ]
        files = [self._file(destination, park.park_id, day, anew=False) for day in days]
        return ParkFiles(park.park_id, park.name, self._zone_of(files[-1].key if files else None), files)

    def _file(self, destination: str, park: str, day: date, *, anew: bool) -> DayFile:
        key = key_of(destination, park, day)
        asks = self._api is not None and (anew or not self.kept.has(key))
        return DayFile(key, day, park=park, is_final=not anew, is_asked_for=asks)

    def read(self, file: DayFile) -> bytes:
        """See Source. An answer that is degraded is given, and not kept."""
        raw = self.kept.get(file.key) if not file.is_asked_for else None
        if raw is not None:
            return raw
        if self._api is None:
            raise FileUnreadable("the kept answer is damaged; ask the API for it: --source themeparks-history:")
        if self._earliest is not None and file.day < self._earliest:
            raise OutOfReach(f"{file.key}: before {self._earliest}, where the reach of the key begins", self._earliest)
        answer = self._ask(lambda api: api.park_day(file.park, file.day))
        if not answer.degraded:
            self.kept.put(file.key, answer.raw)
        return answer.raw

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """See Source."""
        answer = HistoryAnswer(raw)
        openings = list(answer.openings())
        return Decoded(
            answer.events(file.park),
            entity_types=answer.entity_types(),
            openings=openings,
            opens_at=answer.opens_at,
        )


def key_of(destination: str, park: str, day: date) -> str:
    """Where the answer about a park's day lies: `<destination>/2026/09/26/<park>.json.gz`."""
    return f"{destination}/{day:%Y/%m/%d}/{park}{SUFFIX}"
