"""The History API of ThemeParks.wiki on loopback, made up from a truth that tests can read and change.

    with history_server() as server:
        settings.THEMEPARKS_API_URL = server.api_url
        settings.THEMEPARKS_API_KEY = FREE

It is faithful in what it says, in its limits and in its refusals, as far as these are known. `faults` (see
fault_server) break its answers; its clock is `now`, which stands until a test sets it: budgets, windows, final days
and what has happened yet follow it. `asked` counts requests by path and query, `requests` has their headers.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.history_coverage import entity_coverage, park_coverage
from tests.history_figures import daily_row, entity_history, iso, last_before, rows_by_entity
from tests.history_range import Refused, asked_range
from tests.history_truth import ONE_DAY, Change, Entity, catalogue, changes, midnight, schedule_of
from tests.imports.fault_server import Answer, FaultServer

NOW = datetime(2024, 11, 25, 18, tzinfo=UTC)  # New York left summer time on the 3rd
FREE, PRO, BUSINESS, TINY, REVOKED = "tpw_free", "tpw_pro", "tpw_business", "tpw_tiny", "tpw_revoked"
#: days back, today included (None: all), and history requests an hour (None: not counted), by key (None: without one)
PLANS = {None: (7, 60), FREE: (30, 600), PRO: (400, 600), BUSINESS: (None, None), TINY: (30, 5)}
RECORDED_DAYS = 40
DAYS_BEHIND = 2  # the archive trails by so many

BACKEND_UNAVAILABLE = Answer(
    json.dumps({"error": {"type": "HISTORY_BACKEND_UNAVAILABLE", "message": "Retry shortly."}}).encode(), 502
)


def too_many_requests(seconds: int) -> Answer:
    """The 429 that concerns every call of an address."""
    said = {"error": "Too Many Requests", "message": "Too Many Requests", "retryAfter": seconds}
    return Answer(json.dumps(said).encode(), 429, {"Retry-After": str(seconds)})


def plan_unavailable(seconds: int) -> Answer:
    said = {"error": {"type": "PlanUnavailable", "message": "The plan of this key cannot be read."}}
    return Answer(json.dumps(said).encode(), 503, {"Retry-After": str(seconds)})


class HistoryServer(FaultServer):
    """`entities` and `truth` may be changed at will; what is asked next is told from them."""

    def __init__(
        self, now: datetime = NOW, recorded_days: int = RECORDED_DAYS, *, empty_park: bool = False, cities: int = 2
    ):
        super().__init__(self._answers)
        self.now = now
        self.first = first = self.today - timedelta(days=recorded_days)
        #: nothing was recorded on this park-local day
        self.gap_day = self.today - timedelta(days=13)
        #: the last recorded day of the rides that are gone
        self.gone_after = self.today - timedelta(days=20)
        self.entities = {e.id: e for e in catalogue(first, self.gone_after, empty_park=empty_park, cities=cities)}
        self.truth: list[Change] = changes([*self.entities.values()], first, self.today, self.gap_day)
        self.plans = dict(PLANS)
        self.window_seconds = 3600
        self.degraded_times = 0  # so many history answers to come have degraded openings
        self.delisted_in_park = False  # whether answers about a park name what is gone; it is not known which is true
        self.said_listed: set[str] = set()  # ids that coverage takes for listed, whatever they are
        self.next_elsewhere: str | None = None  # the host that links to next pages name
        self.cached_seconds = 0  # answers say so in Age, as those of a shared cache do
        self.whole_floats = False  # 45.0 for 45, as the official SDK writes numbers
        self._budgets: dict[str | None, tuple[datetime, int]] = {}
        self._telling = threading.Lock()

    # --- for tests --------------------------------------------------------------------------------------------------
    @property
    def api_url(self) -> str:
        """For settings.THEMEPARKS_API_URL."""
        return f"{self.url}/v1"

    @property
    def today(self) -> date:
        """In UTC. Set, it is 18:00 UTC of that day."""
        return self.now.date()

    @today.setter
    def today(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)

    @property
    def asked(self) -> Counter:
        """How often each (method, path without /v1, query) was asked."""
        split = [urlsplit(path) for path in self.paths()]
        return Counter(("GET", url.path.removeprefix("/v1"), url.query) for url in split)

    @property
    def keys(self) -> list[str | None]:
        """The X-API-Key of each request."""
        return [_key(headers) for _, _, headers in self.requests]

    def named(self, name: str) -> Entity:
        """The entity of this name."""
        (found,) = (entity for entity in self.entities.values() if entity.name == name)
        return found

    @property
    def parks(self) -> list[Entity]:
        return [entity for entity in self.entities.values() if entity.kind == "PARK"]

    def final_day(self) -> date:
        """The last day of coverage that is whole, of every park."""
        return self.today - timedelta(days=DAYS_BEHIND)

    def below(self, entity: Entity) -> list[Entity]:
        return sorted((e for e in self.entities.values() if e.parent == entity.id), key=lambda e: e.name)

    def changes_of(self, park_id: str, day: date, *, delisted: bool = False) -> list[Change]:
        """The truth of a park-local day, as far as answers about the park tell it; `delisted`: also what is gone."""
        park = self.entities[park_id]
        told = {e.id for e in self.below(park) if delisted or not e.gone_on(self.today)}
        begin, end = midnight(day, park.tz), midnight(day + ONE_DAY, park.tz)
        return [c for c in self.truth if c.entity_id in told and begin <= c.at < end]

    def rewrite(self, park_id: str, day: date) -> tuple[list[Change], list[Change]]:
        """A day is recorded anew: one change is gone, one has another wait, one is new: (what went, what came)."""
        standby = [c for c in self.changes_of(park_id, day) if (c.queue or {}).get("STANDBY", {}).get("waitTime")]
        gone, changed = standby[0], standby[1]
        wait = changed.queue["STANDBY"]["waitTime"]
        other = replace(changed, queue=changed.queue | {"STANDBY": {"waitTime": wait + 25}})
        new = replace(changed, at=changed.at + timedelta(minutes=7), queue=changed.queue | {"STANDBY": {"waitTime": 1}})
        kept = [c for c in self.truth if c is not gone and c is not changed]
        self.truth = sorted([*kept, other, new], key=lambda c: (c.at, c.entity_id))
        return [gone, changed], [other, new]

    def forget_budgets(self) -> None:
        self._budgets.clear()

    # --- answering --------------------------------------------------------------------------------------------------
    def _answers(self, path: str, headers: dict) -> Answer:
        url = urlsplit(path)
        key, query = _key(headers), dict(parse_qsl(url.query))
        told = {"RateLimit-Limit": "300", "RateLimit-Policy": "300;w=60", "RateLimit-Remaining": "299"}
        told |= {"RateLimit-Reset": "60"} | ({"Age": str(self.cached_seconds)} if self.cached_seconds else {})
        with self._telling:
            try:
                if key is not None and key not in self.plans:
                    error = {"type": "Authentication failed", "message": f"Invalid API key {key}", "code": 401}
                    return _json({"success": False, "error": error}, 401)
                return _json(self._answer(url.path.strip("/").split("/")[1:], key, query, told), 200, told)
            except Refused as refused:
                wait = {"Retry-After": str(refused.wait)} if refused.wait else {}
                return _json(refused.body, refused.status, told | wait)
            except LookupError:
                error = {"type": "Not found", "message": "Entity not found", "code": 404}
                return _json({"success": False, "error": error}, 404, told)

    def _answer(self, parts: list[str], key: str | None, query: dict, told: dict) -> dict:
        if parts == ["destinations"]:
            return {
                "destinations": [
                    {"id": d.id, "name": d.name, "slug": d.name.lower().replace(" ", "-"), "externalId": None}
                    | {"parks": [{"id": p.id, "name": p.name} for p in self.below(d)]}
                    for d in self.entities.values()
                    if d.kind == "DESTINATION"
                ]
            }
        if parts == ["me"]:
            return self._me(key)
        if parts == ["tiers"]:
            return {
                "anonymous": {"historyRequestsPerHour": self.plans[None][1]},
                "tiers": [
                    {"name": k.removeprefix("tpw_"), "limits": {"historyRequestsPerHour": an_hour}}
                    for k, (_, an_hour) in self.plans.items()
                    if k
                ],
            }
        if parts[0] != "entity":
            raise LookupError(parts)
        entity, what = self.entities.get(parts[1].lower()), "/".join(parts[2:])
        if parts[2:3] == ["history"]:
            self._spend(key, told)
            if entity is None:
                raise Refused(404, "NOT_FOUND", "Entity not found")
            asked = {"history": self._history, "history/daily": self._daily, "history/coverage": self._coverage}[what]
            return self._numbers(asked(entity, key, query))
        if entity is None:
            raise LookupError(parts)
        if parts[2:3] == ["schedule"]:
            return self._top(entity) | {"schedule": self._schedule(entity, parts[3:])}
        return {"": self._entity, "children": self._children, "live": self._live}[what](entity)

    def _numbers(self, value: Any) -> Any:
        if not self.whole_floats:
            return value
        return json.loads(json.dumps(value), parse_int=float)

    def _me(self, key: str | None) -> dict:
        days, an_hour = self.plans[key]
        used, reset = self._used(key)
        budget = {"limit": an_hour, "windowSeconds": 3600, "remaining": max(0, (an_hour or 0) - used), "reset": reset}
        return {
            "tier": (key or "anonymous").removeprefix("tpw_"),
            "historyDays": days,
            "historyAllArchive": days is None,
            "historyEarliestDate": str(self.today - timedelta(days=days - 1)) if days else None,
            "rateLimit": {"unmetered": False, "limit": 300, "windowSeconds": 60, "remaining": 299, "reset": 60},
            "historyRateLimit": {"unmetered": True} if an_hour is None else {"unmetered": False, **budget},
        }

    def _used(self, key: str | None) -> tuple[int, int]:
        begun, used = self._budgets.get(key, (self.now, 0))
        passed = (self.now - begun).total_seconds()
        if passed >= self.window_seconds:
            begun, used, passed = self.now, 0, 0
        self._budgets[key] = (begun, used)
        return used, max(1, round(self.window_seconds - passed))

    def _spend(self, key: str | None, told: dict) -> None:
        an_hour, (used, reset) = self.plans[key][1], self._used(key)
        told["Cache-Control"] = "private, no-store" if key else "public, max-age=3600"
        if an_hour is None:
            return
        self._budgets[key] = (self._budgets[key][0], used + 1)
        if key:  # an answer without a key may lie in a shared cache: it carries nobody's figures
            told |= {
                "RateLimit-History-Limit": str(an_hour),
                "RateLimit-History-Policy": f"{an_hour};w=3600",
                "RateLimit-History-Remaining": str(max(0, an_hour - used - 1)),
                "RateLimit-History-Reset": str(reset),
            }
        if used >= an_hour:
            whose = "This key" if key else "Requests without an API key"
            message = f"{whose} can make {an_hour} history requests an hour."
            raise Refused(429, "HISTORY_RATE_LIMITED", message, retryAfter=reset)

    # --- catalogue and live -----------------------------------------------------------------------------------------
    def _entity(self, entity: Entity) -> dict:
        place = {} if entity.kind in ("PARK", "DESTINATION") else {"parkId": entity.parent}
        return _described(entity) | {"timezone": entity.zone, "destinationId": entity.destination or entity.id} | place

    def _top(self, entity: Entity) -> dict:
        return {"id": entity.id, "name": entity.name, "entityType": entity.kind, "timezone": entity.zone}

    def _subtree(self, entity: Entity) -> list[Entity]:
        found = [below for e in self.below(entity) for below in (e, *self.below(e))]
        return [e for e in found if not e.gone_on(self._today_at(e))]

    def _children(self, entity: Entity) -> dict:
        return self._top(entity) | {"children": [_described(e) for e in self._subtree(entity)]}

    def _live(self, entity: Entity) -> dict:
        inside, told = self._subtree(entity), []
        rows = rows_by_entity(self.truth, inside, milliseconds=entity.zone == "Asia/Tokyo")
        for e in inside:
            at, state = last_before(rows[e.id], self.now + timedelta(milliseconds=1))
            if at is not None:
                updated = iso(at) if entity.zone != "Asia/Tokyo" else at.isoformat(timespec="milliseconds")[:-6] + "Z"
                row = {"id": e.id, "name": e.name, "entityType": e.kind, "parkId": e.parent, "lastUpdated": updated}
                told.append(row | state)
        return self._top(entity) | {"liveData": told}

    def _schedule(self, entity: Entity, month: list[str]) -> list[dict]:
        """Of the coming 30 days, or of a month (year, two digits): what was recorded was as published."""
        if entity.kind != "PARK":
            return []
        first, last = self._today_at(entity), self._today_at(entity) + timedelta(days=29)
        if month:
            if len(month) != 2:
                raise LookupError(month)
            year, number = month
            if len(number) != 2:
                raise Refused(400, "Bad request", "Month must be a two-digit number (01-12)")
            first = date(int(year), int(number), 1)
            last = (first + timedelta(days=31)).replace(day=1) - ONE_DAY
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [entry for day in days if day >= self.first for entry in schedule_of(day, entity.tz)]

    # --- history ----------------------------------------------------------------------------------------------------
    def _today_at(self, entity: Entity) -> date:
        return self.now.astimezone(entity.tz).date()

    def _head(self, e: Entity) -> dict:
        return self._top(e) | {"parentId": e.parent, "destinationId": e.destination}

    def _members(self, park: Entity) -> list[Entity]:
        return [e for e in self.below(park) if self.delisted_in_park or not e.gone_on(self._today_at(e))]

    def _history(self, entity: Entity, key: str | None, query: dict) -> dict:
        of_park = entity.kind == "PARK"
        begin, end, echo = asked_range(entity, query, self.now, self.plans[key][0], 1 if of_park else 31)
        degraded, self.degraded_times = self.degraded_times > 0, max(0, self.degraded_times - 1)
        members = self._members(entity) if of_park else [entity]
        rows = rows_by_entity(self.truth, members)

        def told(e: Entity) -> dict:
            return entity_history(e, rows[e.id], begin, end, self.now, degraded=degraded)

        if not of_park:
            return self._head(entity) | {"range": echo, **told(entity), "next": None}
        entities = [{"id": e.id, "name": e.name, "entityType": e.kind, **told(e)} for e in members]
        return self._head(entity) | {"range": echo, "entities": entities, "next": None}

    def _daily(self, entity: Entity, key: str | None, query: dict) -> dict:
        of_park = entity.kind == "PARK"
        begin, end, _ = asked_range(entity, query, self.now, self.plans[key][0], None if of_park else 3660)
        first, last = begin.astimezone(entity.tz).date(), (end - timedelta(seconds=1)).astimezone(entity.tz).date()
        page_end = min(last, first + timedelta(days=30)) if of_park else last
        days = [first + timedelta(days=n) for n in range((page_end - first).days + 1)]
        members = self._members(entity) if of_park else [entity]
        rows = rows_by_entity(self.truth, members)

        def told(e: Entity) -> dict:
            found = (daily_row(e, rows[e.id], day, self.now) for day in days)
            return {"coverage": {"firstRecordedAt": e.first and str(e.first)}, "days": [row for row in found if row]}

        answer = self._head(entity) | {"range": {"from": str(first), "to": str(page_end)}, "next": None}
        if not of_park:
            return answer | told(entity)
        entities = [{"id": e.id, "name": e.name, "entityType": e.kind, **told(e)} for e in members]
        if page_end < last:
            more = urlencode({"from": str(page_end + ONE_DAY), "to": str(last)})
            base = self.next_elsewhere or self.url
            answer["next"] = f"{base}/v1/entity/{entity.id}/history/daily?{more}"
        return answer | {"entities": entities}

    def _coverage(self, entity: Entity, key: str | None, query: dict) -> dict:
        today, recorded = self._today_at(entity), self.final_day()
        if entity.kind == "PARK":
            return self._head(entity) | park_coverage(self.below(entity), recorded, today, self.said_listed)
        return self._head(entity) | entity_coverage(entity, recorded, today)


def _key(headers: dict) -> str | None:
    return {name.lower(): value for name, value in headers.items()}.get("x-api-key") or None


def _json(value: Any, status: int = 200, headers: dict | None = None) -> Answer:
    said = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(json.dumps(value, ensure_ascii=False).encode(), status, said | (headers or {}))


def _described(e: Entity) -> dict:
    told = {
        "id": e.id,
        "name": e.name,
        "entityType": e.kind,
        "slug": None,
        "externalId": e.id[:8],
        "parentId": e.parent,
    }
    return told | {"location": {"latitude": 1.5, "longitude": 2.5}}


@contextmanager
def history_server(now: datetime = NOW, **options: Any) -> Iterator[HistoryServer]:
    """A server with the truth of RECORDED_DAYS before `now`, gone at the end."""
    server = HistoryServer(now, **options)
    try:
        yield server
    finally:
        server.close()
