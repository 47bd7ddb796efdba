"""What the History API makes of changes: rows by the second, the state before a range, and figures of a day."""

import bisect
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.history_truth import ONE_DAY, Change, Entity, hours, midnight

Rows = list[tuple[datetime, Change]]  # ascending
States = list[tuple[datetime, dict]]  # instant and complete state, ascending


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows_by_entity(truth: list[Change], entities: list[Entity], *, milliseconds: bool = False) -> dict[str, Rows]:
    """By entity, of these alone: a row for each second in which anything changed, as history has it.

    `milliseconds`: a row for each change.
    """
    found: dict[str, dict[datetime, Change]] = {entity.id: {} for entity in entities}
    for change in sorted((c for c in truth if c.entity_id in found), key=lambda change: change.at):
        at = change.at if milliseconds else change.at.replace(microsecond=0)
        found[change.entity_id][at] = change
    return {entity_id: list(states.items()) for entity_id, states in found.items()}


def last_before(rows: Rows, instant: datetime) -> tuple[datetime | None, dict | None]:
    n = bisect.bisect_left(rows, instant, key=lambda row: row[0])
    return (rows[n - 1][0], rows[n - 1][1].state) if n else (None, None)


def between(rows: Rows, begin: datetime, end: datetime, now: datetime) -> States:
    """Those of [begin, end) that have happened by `now`."""
    low, high = (bisect.bisect_left(rows, instant, key=lambda row: row[0]) for instant in (begin, end))
    return [(at, change.state) for at, change in rows[low:high] if at <= now]


def leaves(state: dict, path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in state.items():
        if isinstance(value, dict) and key != "price":
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", json.dumps(value)


def entity_history(e: Entity, rows: Rows, begin: datetime, end: datetime, now: datetime, *, degraded: bool) -> dict:
    """coverage, opening and history of one entity."""
    seen, state = last_before(rows, begin)
    opening: dict[str, Any] = {"time": iso(begin)}
    if degraded:
        opening |= {"degraded": True, "degradedReason": "timeout", "status": None}
    elif seen is not None and state is not None:
        kinds = ["status", *(f"queue.{kind}" for kind in state.get("queue", ()))]
        opening |= {"observedAt": iso(seen), "observedAtByKind": dict.fromkeys(kinds, iso(seen)), **state}
    else:  # not known: in its empty form
        opening |= {"status": None} | ({"queue": {"STANDBY": {"waitTime": None}}} if "STANDBY" in e.queues else {})
    before, history = dict(leaves(state or {})), []
    for at, told in between(rows, begin, end, now):
        new = dict(leaves(told))
        if changed := [path for path in new if before.get(path) != new[path]]:
            history.append({"time": iso(at), "changed": changed, **told})
        before = new
    return {"coverage": {"firstRecordedAt": e.first and str(e.first)}, "opening": opening, "history": history}


def daily_row(e: Entity, rows: Rows, day: date, now: datetime) -> dict | None:
    """The row of /history/daily: sampled by the minute. None: nothing was recorded that day."""
    begin, end = midnight(day, e.tz), midnight(day + ONE_DAY, e.tz)
    of_day = between(rows, begin, end, now)
    if not of_day:
        return None
    opens, closes = hours(day, e.tz)
    minutes = dict.fromkeys(("operating", "down", "unknown"), 0)
    inside = dict(minutes)
    scheduled, standby, single, standby_inside = 0, [], [], []
    until = min(end, now)
    times = sorted({begin, until, *(t for t in (opens, closes, *(at for at, _ in of_day)) if begin < t < until)})
    states = dict(of_day)
    _, state = last_before(rows, begin)
    carried = True
    for at, following in itertools.pairwise(times):
        if at in states:
            state, carried = states[at], False
        count = _minutes_before(begin, following) - _minutes_before(begin, at)  # a local day has 1,380, 1,440 or 1,500
        in_hours, status = opens <= at < closes, state and state["status"]
        scheduled += count * in_hours
        kind = {"OPERATING": "operating", "DOWN": "down", None: "unknown"}.get(status)
        if carried and status == "OPERATING" and not in_hours:
            kind = "unknown"
        if kind:
            minutes[kind] += count
            inside[kind] += count * in_hours
        if kind == "operating" and not carried:
            queue = (state or {}).get("queue") or {}
            waits = [(queue.get("STANDBY") or {}).get("waitTime")] * count
            standby += waits
            single += [(queue.get("SINGLE_RIDER") or {}).get("waitTime")] * count
            standby_inside += waits if in_hours else []
    opened = [at for at, told in of_day if told["status"] == "OPERATING"]
    closed = [at for at, told in between(rows, opens, closes + timedelta(hours=3), now) if told["status"] == "CLOSED"]
    row: dict[str, Any] = {
        "date": str(day),
        "firstOperatingAt": iso(opened[0]) if opened else None,
        "lastClosedAt": iso(closed[-1]) if closed else None,
        **{f"{kind}Minutes": count for kind, count in minutes.items()},
    }
    row |= _waits("standby", standby) | _waits("singleRider", single)
    if e.kind == "SHOW":
        row["showCount"] = 1
    row["inParkHours"] = {"scheduledMinutes": scheduled} | {f"{kind}Minutes": n for kind, n in inside.items()}
    row["inParkHours"] |= _waits("standby", standby_inside)
    return row | {"changes": len(entity_history(e, rows, begin, end, now, degraded=False)["history"])}


def _minutes_before(begin: datetime, instant: datetime) -> int:
    """How many full minutes from `begin` on lie before `instant`: these are looked at."""
    return -(-int((instant - begin).total_seconds()) // 60)


def _waits(name: str, minutes: list[int | None]) -> dict:
    waits = sorted(wait for wait in minutes if wait is not None)
    if not waits:
        return {}
    count = len(waits)
    p50, p90 = waits[(count + 1) // 2 - 1], waits[-(-count * 9 // 10) - 1]
    return {name: {"min": waits[0], "p50": p50, "mean": round(sum(waits) / count), "p90": p90, "max": waits[-1]}}
