"""The parks of the History API, and what it says of them: what all sources have in common that read its answers.

Answers that are final are kept on disk and asked for once (imports.sources.kept_answers); with a folder and without
the API those that were kept are the source. What lies before the reach of the key is told, and is neither missing nor
out of order.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from imports.api.history import (
    ApiBusy,
    BudgetSpent,
    HistoryApi,
    HistoryError,
    KeyRefused,
    MalformedAnswer,
    NoAnswer,
    ParkCoverage,
    Plan,
)
from imports.api.history import OutOfReach as KeyOutOfReach
from imports.api.http import ApiError
from imports.events.dayfile import UnreadableFile
from imports.events.history_answer import HistoryAnswer
from imports.events.load_format import text_of
from imports.sources.kept_answers import KeptAnswers
from imports.sources.source import ArchiveError, FileUnreadable, Listing, NotNow, OutOfReach, ParkFiles
from warehouse.ids import uuid_of

MALFORMED_MAX = 3  # answers in a row that are none: it is not one day, it is not the API that answers

T = TypeVar("T")


def now_in_utc() -> datetime:
    """The clock that sources go by."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class KnownPark:
    """A park of the catalogue: its UUID, and its name as far as it is known."""

    park_id: str
    name: str


class HistoryParks(ABC):
    """See the module. `api` None: what was kept is all there is. `clock` gives aware instants."""

    scheme: str
    data_source = "ARCHIVE"  # it is the record, whichever feed brought it
    decodes = None  # an answer is read by what its file is of
    parallel_reads = 1  # 600 requests an hour are one in 6 s

    def __init__(self, kept: KeptAnswers, api: HistoryApi | None, clock: Callable[[], datetime] = now_in_utc):
        self.kept = kept
        self.url = self.scheme if api is not None else f"{self.scheme}{kept.root}"
        self._api = api
        self._clock = clock
        self._earliest: date | None = None  # the first day of the key's reach, since a question was refused
        self._plan: Plan | None = None
        self._malformed = 0  # answers in a row

    @abstractmethod
    def _files(
        self, destination: str, park: KnownPark, first: date | None, last: date | None, *, anew: bool
    ) -> ParkFiles:
        """What the API has of a park in the inclusive range."""

    @abstractmethod
    def _kept_files(self, destination: str, park: KnownPark, first: date | None, last: date | None) -> ParkFiles:
        """What was kept of it."""

    @abstractmethod
    def _kept_parks(self, destination: str) -> Collection[str]:
        """The parks (UUIDs) of which something was kept."""

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

    @property
    def allowance(self) -> Plan | None:
        """What may be asked with the key; None: nothing is asked. NotNow; ArchiveError."""
        if self._api is None:
            return None
        if self._plan is None:
            with _as_source_errors():
                self._plan = self._api.me()
        return self._plan

    def _floor(self) -> date:
        """The first day that the key reaches, as far as is known. NotNow; ArchiveError."""
        plan = self.allowance
        return max(plan.earliest if plan and plan.earliest else date.min, self._earliest or date.min)

    def _catalogue(self) -> dict[str, list[KnownPark]]:
        """The parks of each destination, both by UUID."""
        answer = self.kept.listed("destinations", self._clock() if self._api else None)
        if answer is None and self._api is not None:
            with _as_source_errors():
                answer = self._api.destinations()
            self.kept.keep_listed("destinations", answer, self._clock())
        return {
            destination: [
                KnownPark(park_id, text_of(park.get("name")))
                for park in entry.get("parks") or []
                if isinstance(park, dict) and (park_id := uuid_of(park.get("id")))
            ]
            for entry in answer or []
            if isinstance(entry, dict) and (destination := uuid_of(entry.get("id")))
        }

    def _parks_of(self, destination: str) -> list[KnownPark]:
        parks = self._catalogue().get(destination, [])
        if self._api is not None:
            return parks
        names = {park.park_id: park.name for park in parks}
        return [KnownPark(park, names.get(park, "")) for park in self._kept_parks(destination)]

    def _zone_of(self, key: str | None) -> str:
        """What a kept answer says of its park's time zone."""
        raw = self.kept.get(key) if key else None
        try:
            return text_of(HistoryAnswer(raw).envelope.get("timezone")) if raw is not None else ""
        except UnreadableFile:
            return ""

    def _coverage(self, park: str, *, any_age: bool = False) -> tuple[ParkCoverage, str]:
        """Of a park, with its time zone. Kept for a day: it changes once a night. `any_age`: what was kept will do."""
        name = f"coverage/{park}"
        answer = self.kept.listed(name, None if any_age else self._clock())
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
    def _ask(self, question: Callable[[HistoryApi], T]) -> T:
        """What the API answers, or what a source says: OutOfReach, which is remembered, FileUnreadable, NotNow,
        ArchiveError."""
        assert self._api is not None
        try:
            with _as_source_errors():
                answer = question(self._api)
        except OutOfReach as error:
            self._earliest = error.earliest
            raise
        except FileUnreadable as error:
            self._malformed += 1
            if self._malformed >= MALFORMED_MAX:
                raise ArchiveError(f"{error}; {MALFORMED_MAX} answers in a row were none") from error
            raise
        self._malformed = 0
        return answer


class _as_source_errors:
    """What the API says, as what a source says."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BudgetSpent | ApiBusy):
            raise NotNow(str(error), error.until, of_one=isinstance(error, NoAnswer)) from error
        if isinstance(error, KeyOutOfReach):
            raise OutOfReach(str(error), error.earliest) from error
        if isinstance(error, MalformedAnswer):
            raise FileUnreadable(str(error)) from error
        if isinstance(error, KeyRefused | HistoryError | ApiError):
            raise ArchiveError(str(error)) from error
