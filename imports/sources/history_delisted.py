"""What parks no longer list, of the History API: a file is a month of a park, made of an answer for each such entity.

Answers about a park leave out what it no longer lists; by its own id it can still be asked for, 31 days a request. So
a month is asked for whole, also where a range begins or ends inside of it, and a month that is not over is left out.
Each answer is kept by itself as soon as it has come, so a budget that is spent inside a file loses nothing. Where the
key begins to reach inside a month, the answers are of the rest of it, and are asked for again when it reaches all.
"""

import hashlib
import json
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from imports.api.history import DayAnswer, HistoryApi, NoSuchEntity, ParkCoverage
from imports.events.dayfile import UnreadableFile, inflate
from imports.events.decoded import Decoded
from imports.events.history_answer import PLACES, HistoryAnswer
from imports.sources.history import key_of
from imports.sources.history_parks import HistoryParks, KnownPark, now_in_utc
from imports.sources.kept_answers import KeptAnswers, delisted_folder, key_of_delisted
from imports.sources.source import DayFile, Feed, FileUnreadable, OutOfReach, ParkFiles
from warehouse.days import ONE_DAY
from warehouse.ids import uuid_of
from warehouse.partitioning.partitions import month_of, months_between

SCHEME = "themeparks-history-delisted:"


@dataclass(frozen=True, slots=True)
class _Gone:
    """An entity that answers about its park leave out, and the first and the newest day that are recorded of it."""

    entity_id: str
    first: date
    newest: date


class HistoryDelistedSource(HistoryParks):
    """See the module. The bytes of a file are its answers, one a line, by entity."""

    scheme = SCHEME
    feed = Feed.DELISTED

    def __init__(self, kept: KeptAnswers, api: HistoryApi | None, clock: Callable[[], datetime] = now_in_utc):
        super().__init__(kept, api, clock)
        self._known: dict[str, list[_Gone]] = {}  # by park

    # --- listing --------------------------------------------------------------------------------------------------
    def list_again(self, destination: str, park: str, first: date, last: date, *, anew: bool) -> list[DayFile]:
        """See SourceByPark. What lies out of reach is listed too: reading says so."""
        kept = set(self.kept.delisted_months(destination).get(park, []))
        if self._api is None:
            return [self._file(destination, park, month, ()) for month in sorted(kept) if first <= month <= last]
        gone = self._gone_of(destination, park)
        found = [(month, _touching(gone, month)) for month in months_between(first, last) if first <= month]
        return [self._file(destination, park, month, mine, anew=anew) for month, mine in found if mine or month in kept]

    def _kept_parks(self, destination: str) -> Collection[str]:
        return self.kept.delisted_months(destination)

    def _kept_files(self, destination: str, park: KnownPark, first: date | None, last: date | None) -> ParkFiles:
        files = [
            self._file(destination, park.park_id, month, ())
            for month in self.kept.delisted_months(destination).get(park.park_id, [])
            if (first is None or month_of(first) <= month) and (last is None or month <= last)
        ]
        answers = {
            entity: key_of_delisted(file.key, file.day, entity, begin)
            for file in files
            for entity, begin in self.kept.delisted_in(file.key, file.day).items()
        }
        zone = self._zone_of(next(iter(answers.values()), None))
        return ParkFiles(park.park_id, park.name, zone, files, entities=len(answers))

    def _files(
        self, destination: str, park: KnownPark, first: date | None, last: date | None, *, anew: bool
    ) -> ParkFiles:
        coverage, timezone = self._coverage(park.park_id)
        gone = self._known[park.park_id] = self._gone(destination, park.park_id, coverage)
        if coverage.final_day is None or not gone:
            return ParkFiles(park.park_id, park.name, timezone, [], entities=0)
        over = month_of(coverage.final_day + ONE_DAY) - ONE_DAY  # the last day of the last month that is whole
        begin = max(month_of(first) if first else date.min, min(entity.first for entity in gone))
        end = min(last or date.max, max(entity.newest for entity in gone))
        wanted = {month: mine for month in months_between(begin, min(end, over)) if (mine := _touching(gone, month))}
        floor = self._floor()
        kept = self.kept.delisted_months(destination).get(park.park_id, [])
        reached = {month for month in wanted if _last_day_of(month) >= floor or month in kept}
        return ParkFiles(
            park.park_id,
            park.name,
            timezone,
            [
                self._file(destination, park.park_id, month, wanted[month], floor=floor, anew=anew)
                for month in sorted(reached)
            ],
            asked_from=begin if wanted else None,
            out_of_reach_before=floor if wanted and begin < floor else None,
            final_day=over,
            newest=end if end > over else None,
            entities=len({entity.entity_id for month in reached for entity in wanted[month]}),
        )

    def _file(
        self,
        destination: str,
        park: str,
        month: date,
        wanted: Iterable[_Gone],
        *,
        floor: date = date.min,
        anew: bool = False,
    ) -> DayFile:
        key, end = delisted_folder(destination, park, month), _last_day_of(month)
        kept = self.kept.delisted_in(key, month)
        begin = max(month, floor)
        asked = {
            entity.entity_id: begin
            for entity in wanted
            if begin <= end and (anew or kept.get(entity.entity_id, date.max) > begin)
        }
        return DayFile(
            key,
            month,
            etag=_version_of(kept | asked),
            park=park,
            is_final=not anew,
            is_asked_for=bool(asked),
            through=end,
            requests=len(asked),
            anew=anew,
        )

    def _gone_of(self, destination: str, park: str) -> list[_Gone]:
        """The same as listed last, so that nobody is asked."""
        if park not in self._known:
            self._known[park] = self._gone(destination, park, self._coverage(park, any_age=True)[0])
        return self._known[park]

    def _gone(self, destination: str, park: str, coverage: ParkCoverage) -> list[_Gone]:
        """What is delisted, and what coverage names and the newest kept answer about a day of its record does not."""
        day = self.kept.newest_day(destination, park)
        raw = self.kept.get(key_of(destination, park, day)) if day else None
        try:
            named = set() if raw is None else HistoryAnswer(raw).entity_ids()
        except UnreadableFile:
            named = set()
        return [
            _Gone(entity.entity_id, entity.first, entity.newest)
            for entity in coverage.entities
            if entity.first is not None and entity.newest is not None
            if uuid_of(entity.entity_id) and entity.entity_type not in PLACES
            if not entity.listed or (day and entity.first <= day and named and entity.entity_id not in named)
        ]

    # --- reading --------------------------------------------------------------------------------------------------
    def read(self, file: DayFile) -> bytes:
        """See Source. Answers that are degraded are given, and not kept."""
        kept = self.kept.delisted_in(file.key, file.day)
        asked: set[str] = set()
        if file.is_asked_for:
            gone = self._gone_of(file.key.partition("/")[0], file.park)
            asked = {entity.entity_id for entity in _touching(gone, file.day)}
        answers = []
        for entity in sorted({*kept, *asked}):
            raw = self._answer(file, entity, kept.get(entity), may_ask=entity in asked)
            if raw is not None:
                answers.append(inflate(raw).replace(b"\n", b" "))
        if asked and not answers:
            begin = self._floor()
            raise OutOfReach(f"{file.key}: before {begin}, where the reach of the key begins", begin)
        return b"\n".join(answers)

    def _answer(self, file: DayFile, entity: str, kept_from: date | None, *, may_ask: bool) -> bytes | None:
        """The answer about an entity, kept or asked for; None: it is out of reach, or nobody wants it."""
        begin = max(file.day, self._floor()) if may_ask else file.day
        may_ask = may_ask and begin <= file.last_day
        if kept_from is not None and not (may_ask and (file.anew or kept_from > begin)):
            raw = self.kept.get(key_of_delisted(file.key, file.day, entity, kept_from))
            if raw is not None:
                return raw
            begin = max(file.day, self._floor())
            if self._api is None or begin > file.last_day:
                raise FileUnreadable(f"the kept answer about {entity} is damaged; ask for it again: --source {SCHEME}")
        elif not may_ask:
            return None
        try:
            answer = self._ask(lambda api: _entity_days(api, entity, begin, file.last_day))
        except OutOfReach as error:
            if error.earliest <= begin:
                raise
            return self._answer(file, entity, kept_from, may_ask=True)  # from where the reach begins
        if answer is None:
            return _unknown(file.park, entity)
        if not answer.degraded:
            self.kept.put(key_of_delisted(file.key, file.day, entity, begin), answer.raw)
        return answer.raw

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """See Source. How an entity stood is told only where its answer begins with the month."""
        decoded = Decoded([])
        for line in raw.split(b"\n") if raw else ():
            answer = HistoryAnswer(line)
            decoded.events += answer.events(file.park)
            decoded.entity_types |= answer.entity_types()
            if answer.days[0] == file.day.isoformat():
                decoded.openings += answer.openings()
                decoded.opens_at = decoded.opens_at or answer.opens_at
        return decoded


def _entity_days(api: HistoryApi, entity: str, first: date, last: date) -> DayAnswer | None:
    try:
        return api.entity_days(entity, first, last)
    except NoSuchEntity:
        return None


def _unknown(park: str, entity: str) -> bytes:
    """In place of the answer about an entity that coverage names and the API does not know: it is counted, and told."""
    told = {"id": entity, "error": "named by coverage, and unknown (404) when its history is asked for"}
    return json.dumps({"id": park, "entities": [told]}).encode()


def _touching(gone: Iterable[_Gone], month: date) -> list[_Gone]:
    return [entity for entity in gone if entity.first <= _last_day_of(month) and month <= entity.newest]


def _last_day_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _version_of(answers: Mapping[str, date]) -> str:
    """Which answers a file is made of, by entity and first day: by this the ledger knows it again."""
    told = "".join(f"{entity} {begin}\n" for entity, begin in sorted(answers.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
