"""The History API as a source: a file is the answer about one park and one day of its own, which is one request.

Answers that are final are kept on disk and asked for once (imports.sources.kept_answers); with a folder and without
the API those that were kept are the source. Days are those from the first that the key reaches and the record has to
the final day; what lies before the reach of the key is told, and is neither missing nor out of order.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from imports.api.history import (
    ApiBusy,
    BudgetSpent,
    HistoryApi,
    HistoryError,
    KeyRefused,
    MalformedAnswer,
    ParkCoverage,
    Plan,
)
from imports.api.history import OutOfReach as KeyOutOfReach
from imports.api.http import ApiError
from imports.events.dayfile import UnreadableFile
from imports.events.decoded import Decoded
from imports.events.history_answer import HistoryAnswer
from imports.events.load_format import text_of
from imports.sources.kept_answers import SUFFIX, KeptAnswers
from imports.sources.source import (
    ArchiveError,
    DayFile,
    Feed,
    FileUnreadable,
    Listing,
    NotNow,
    OutOfReach,
    ParkFiles,
)
from warehouse.ids import uuid_of

SCHEME = "themeparks-history:"
MALFORMED_MAX = 3  # answers in a row that are none: it is not one day, it is not the API that answers


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Park:
    park_id: str
    name: str


class HistorySource:
    """See the module. `api` None: what was kept is all there is. `clock` gives aware instants."""

    feed = Feed.HISTORY
    data_source = "ARCHIVE"  # it is the record, whichever feed brought it
    parallel_reads = 1  # 600 requests an hour are one in 6 s

    def __init__(self, kept: KeptAnswers, api: HistoryApi | None, clock: Callable[[], datetime] = _now):
        self.kept = kept
        self.url = SCHEME if api is not None else f"{SCHEME}{kept.root}"
        self._api = api
        self._clock = clock
        self._earliest: date | None = None  # the first day of the key's reach, since a question was refused
        self._plan: Plan | None = None
        self._malformed = 0  # answers in a row

    # --- listing --------------------------------------------------------------------------------------------------
    def list_destinations(self) -> list[str]:
        """See Source."""
        if self._api is None:
            found = self.kept.destinations()
            if not found:
                raise ArchiveError(f"{self.kept.root}: no answers were kept there")
            return found
        return sorted(self._catalogue())

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """See Source: the files of all its parks, by day."""
        files = [file for park in self.list_parks(destination, (), first, last, anew=False) for file in park.files]
        return Listing(sorted(files, key=lambda file: (file.day, file.key)))

    def list_parks(
        self, destination: str, parks: Collection[str], first: date | None, last: date | None, *, anew: bool
    ) -> list[ParkFiles]:
        """See SourceByPark. Of each park that was not listed within a day one request of the budget is made."""
        known = {park.park_id: park for park in self._parks_of(destination)}
        if unknown := [park for park in parks if park not in known]:
            raise ArchiveError(
                f"{self.url} knows no park {', '.join(unknown)} of destination {destination}; it has "
                + (", ".join(f"{park.park_id} ({park.name})" for park in known.values()) or "none")
            )
        asked = [known[park] for park in parks] or list(known.values())
        if self._api is None:
            return [self._kept_files(destination, park, first, last) for park in asked]
        return [self._files(destination, park, first, last, anew=anew) for park in asked]

    def list_again(self, destination: str, park: str, first: date, last: date, *, anew: bool) -> list[DayFile]:
        """See SourceByPark."""
        if self._api is None:
            days = [day for day in self.kept.days_of(destination).get(park, []) if first <= day <= last]
        else:
            days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [self._file(destination, park, day, anew=anew) for day in days]

    @property
    def allowance(self) -> Plan | None:
        """What may be asked with the key; None: nothing is asked. NotNow; ArchiveError."""
        if self._api is None:
            return None
        if self._plan is None:
            with _as_source_errors():
                self._plan = self._api.me()
        return self._plan

    def _catalogue(self) -> dict[str, list[_Park]]:
        """The parks of each destination, both by UUID."""
        answer = self.kept.listed("destinations", self._clock() if self._api else None)
        if answer is None and self._api is not None:
            with _as_source_errors():
                answer = self._api.destinations()
            self.kept.keep_listed("destinations", answer, self._clock())
        return {
            destination: [
                _Park(park_id, text_of(park.get("name")))
                for park in entry.get("parks") or []
                if isinstance(park, dict) and (park_id := uuid_of(park.get("id")))
            ]
            for entry in answer or []
            if isinstance(entry, dict) and (destination := uuid_of(entry.get("id")))
        }

    def _parks_of(self, destination: str) -> list[_Park]:
        parks = self._catalogue().get(destination, [])
        if self._api is not None:
            return parks
        names = {park.park_id: park.name for park in parks}
        return [_Park(park, names.get(park, "")) for park in self.kept.days_of(destination)]

    def _files(self, destination: str, park: _Park, first: date | None, last: date | None, *, anew: bool) -> ParkFiles:
        coverage, timezone = self._coverage(park.park_id)
        plan = self.allowance
        if coverage.archive_from is None or coverage.final_day is None:
            return ParkFiles(park.park_id, park.name, "", [])
        wanted = max(coverage.archive_from, first or coverage.archive_from)
        floor = max(plan.earliest if plan and plan.earliest else date.min, self._earliest or date.min)
        begin, end = max(wanted, floor), min(coverage.final_day, last or coverage.final_day)
        days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
        kept_before = [] if begin == wanted else self._kept_before(destination, park.park_id, wanted, begin)
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

    def _kept_files(self, destination: str, park: _Park, first: date | None, last: date | None) -> ParkFiles:
        days = [
            day
            for day in self.kept.days_of(destination).get(park.park_id, [])
            if (first is None or first <= day) and (last is None or day <= last)
        ]
        files = [self._file(destination, park.park_id, day, anew=False) for day in days]
        return ParkFiles(park.park_id, park.name, self._zone_of(files), files)

    def _zone_of(self, files: list[DayFile]) -> str:
        """What a kept answer says of its park's time zone."""
        raw = self.kept.get(files[-1].key) if files else None
        try:
            return text_of(HistoryAnswer(raw).envelope.get("timezone")) if raw is not None else ""
        except UnreadableFile:
            return ""

    def _file(self, destination: str, park: str, day: date, *, anew: bool) -> DayFile:
        key = key_of(destination, park, day)
        asks = self._api is not None and (anew or not self.kept.has(key))
        return DayFile(key, day, park=park, is_final=not anew, is_asked_for=asks)

    def _coverage(self, park: str) -> tuple[ParkCoverage, str]:
        """Of a park, with its time zone. Kept for a day: it changes once a night."""
        name = f"coverage/{park}"
        answer = self.kept.listed(name, self._clock())
        with _as_source_errors():
            assert self._api is not None
            if answer is None:
                answer = self._api.coverage(park)
                self.kept.keep_listed(name, answer, self._clock())
            try:
                return ParkCoverage.of(answer), text_of(answer.get("timezone"))
            except ValueError as error:
                raise MalformedAnswer(f"{self.url}: the coverage of {park}: {error}") from error

    # --- reading --------------------------------------------------------------------------------------------------
    def read(self, file: DayFile) -> bytes:
        """See Source. An answer that is degraded is given, and not kept."""
        raw = self.kept.get(file.key) if not file.is_asked_for else None
        if raw is not None:
            return raw
        if self._api is None:
            raise FileUnreadable("the kept answer is damaged; ask the API for it: --source themeparks-history:")
        if self._earliest is not None and file.day < self._earliest:
            raise OutOfReach(f"{file.key}: before {self._earliest}, where the reach of the key begins", self._earliest)
        try:
            with _as_source_errors():
                answer = self._api.park_day(file.park, file.day)
        except OutOfReach as error:
            self._earliest = error.earliest
            raise
        except FileUnreadable as error:
            self._malformed += 1
            if self._malformed >= MALFORMED_MAX:
                raise ArchiveError(f"{error}; {MALFORMED_MAX} answers in a row were none") from error
            raise
        self._malformed = 0
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


class _as_source_errors:
    """What the API says, as what a source says."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BudgetSpent | ApiBusy):
            raise NotNow(str(error), error.until) from error
        if isinstance(error, KeyOutOfReach):
            raise OutOfReach(str(error), error.earliest) from error
        if isinstance(error, MalformedAnswer):
            raise FileUnreadable(str(error)) from error
        if isinstance(error, KeyRefused | HistoryError | ApiError):
            raise ArchiveError(str(error)) from error
