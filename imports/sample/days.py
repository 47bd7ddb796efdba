"""What the rides of a made-up resort report on one day: change records as the archive keeps them.

The same seed gives the same text on every machine: no clock, and of `random` only `random()` and the string seed,
the two things Python promises to keep between versions. Text is put together from ready-made pieces, because
100,000 events a second are needed to write a benchmark's archive in seconds.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from random import Random
from zoneinfo import ZoneInfo

from imports.sample.resorts import Destination, Park, Ride

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
FIVE_MINUTES_MS = 300_000
#: shapes the real archive has when there is nothing to say; none is a defect and none makes a queue row
NOTHING_TO_SAY = (
    "",
    ',"queue":null',
    ',"queue":{}',
    ',"queue":{"STANDBY":{}}',
    ',"queue":{"STANDBY":null}',
    ',"queue":{"STANDBY":{"waitTime":null}}',
    ',"queue":{"STANDBY":{"waitTime":null},"SINGLE_RIDER":null}',
    ',"queue":{"STANDBY":{"waitTime":null},"RETURN_TIME":{}}',
)
WAIT_MAX_MINUTES = 240


_MINUTE_SECOND = [f":{second // 60:02d}:{second % 60:02d}" for second in range(3600)]
_MILLISECONDS = [f".{millisecond:03d}Z" for millisecond in range(1000)]


@dataclass(slots=True)
class Tally:
    """What the events of one park in one file amount to, counted while they are made up."""

    events: int = 0
    statuses: Counter = field(default_factory=Counter)
    waits: int = 0
    wait_minutes: int = 0
    queue_rows: Counter = field(default_factory=Counter)
    months: Counter = field(default_factory=Counter)  # "2024-12" -> snapshots recorded in it
    rides: set = field(default_factory=set)  # uuids

    def add(self, other: "Tally") -> None:
        """Take in what other events amount to."""
        for name in self.__slots__:
            mine, more = getattr(self, name), getattr(other, name)
            setattr(self, name, mine | more if isinstance(mine, set) else mine + more)


def events_of_day(
    resort: Destination, day: date, events: int, seed: int
) -> tuple[list[tuple[int, bytes]], dict[str, Tally]]:
    """Exactly `events` change records of one day file, in time order, and what they amount to per park uuid.

    A record is (milliseconds after midnight UTC of `day`, its JSON). One ride is never given the same instant
    twice, in this file or in another. A few belong to the neighbouring day by UTC: see `_boundary`.
    """
    random = Random(f"{seed}/{resort.index}/{day.toordinal()}").random
    clock = _Clock(resort.timezone, day)
    tallies = {park.uuid: Tally() for park in resort.parks}
    rides = [(park, ride) for park in resort.parks for ride in park.rides]
    weights = [1 if _in_refurbishment(ride, day) else ride.weight for _, ride in rides]
    counts = _shares(events, weights, day.toordinal())
    sessions = {park.uuid: clock.sessions(park) for park in resort.parks}
    found: list[tuple[int, bytes]] = []
    for (park, ride), count in zip(rides, counts, strict=True):
        if count:
            window = _boundary(ride, day), DAY_MS + _boundary(ride, day + timedelta(days=1))
            tally = tallies[park.uuid]
            tally.rides.add(ride.uuid)
            _ride_day(found, tally, random, resort, park, ride, day, clock, sessions[park.uuid], window, count)
    found.sort()
    return found, tallies


def _shares(total: int, weights: list[int], turn: int) -> list[int]:
    """`total` split by weight into whole numbers that add up to it; `turn` moves who gets the rest."""
    whole = sum(weights)
    turn = turn * 7919 % whole
    bounds = [(upto * total + turn) // whole for upto in accumulate(weights, initial=0)]
    return [upper - lower for lower, upper in pairwise(bounds)]


def _boundary(ride: Ride, day: date) -> int:
    """Where a ride's file of `day` begins, in ms from its midnight: for one in eight an hour early or late.

    Whether a real day file ends at midnight UTC is unproven, so the sample has events of the neighbouring day in it.
    """
    return {0: HOUR_MS, 8: -HOUR_MS}.get((ride.index * 7 + day.toordinal()) % 16, 0)


def _in_refurbishment(ride: Ride, day: date) -> bool:
    """Two weeks out of thirty-four, in turn."""
    return ride.kind == "Attraction" and (day.toordinal() // 14 + ride.index * 5) % 17 == 0


class _Clock:
    """The hours of one file's day as text, in UTC and in the resort's time, so that no event formats a date."""

    def __init__(self, timezone: str, day: date):
        self.zone = ZoneInfo(timezone)
        self.day = day
        self.midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        #: for each hour from two before midnight: ("2024-12-25T00", "2024-12-24T19", "-05:00"), UTC, local, offset
        self.hours = [self._hour(hour) for hour in range(-2, 40)]
        self.fives = [f"{local}:{five:02d}:00{offset}" for _, local, offset in self.hours for five in range(0, 60, 5)]

    def local(self, ms: int) -> str:
        """The five minutes that hold `ms`, as the resort's clock shows them: `2024-12-24T19:05:00-05:00`."""
        return self.fives[ms // FIVE_MINUTES_MS + 24]

    def sessions(self, park: Park) -> list[tuple[int, int]]:
        """When the park is open, in ms from midnight UTC, on the local days that this UTC day touches."""
        found = []
        for day in (self.day + timedelta(days=shift) for shift in (-1, 0, 1)):
            opens = datetime(day.year, day.month, day.day, park.opens, tzinfo=self.zone)
            start = int((opens - self.midnight).total_seconds()) * 1000
            found.append((start, start + (park.closes - park.opens) * HOUR_MS))
        return found

    def _hour(self, hour: int) -> tuple[str, str, str]:
        utc = self.midnight + timedelta(hours=hour)
        local = utc.astimezone(self.zone).isoformat()  # 2024-12-24T19:00:00-05:00
        return utc.isoformat()[:13], local[:13], local[19:]


def _ride_day(found, tally, random, resort, park, ride, day, clock, sessions, window, count) -> None:
    """Append `count` records of one ride: an even pace while the park is open, half an hour before and after."""
    name = json.dumps(ride.name, ensure_ascii=False)
    head = f'{{"entityId":"{ride.uuid}","internalId":"{ride.internal_id}","name":{name},"data":{{"status":"'
    middle = f',"destinationId":"{resort.uuid}"}},"eventTime":"'
    tail = f'","timezone":"{resort.timezone}","parkId":"{park.uuid}","parkSlug":"{park.slug}"}}'
    showtimes = _showtimes(clock, sessions[1]) if ride.kind == "Entertainment" else ""
    queues = _Queues(resort, ride, day, clock, random)
    refurbished = _in_refurbishment(ride, day)
    hours, statuses, down, wait = clock.hours, tally.statuses, False, ride.usual_wait // 10 * 5
    months, waits, wait_minutes, with_queues, before, after = tally.months, 0, 0, 0, 0, 0

    pieces = [
        (max(opens - HOUR_MS // 2, window[0]), min(closes + HOUR_MS // 2, window[1]), opens, closes)
        for opens, closes in sessions
        if opens - HOUR_MS // 2 < window[1] and closes + HOUR_MS // 2 > window[0]
    ]
    shares = _shares(count, [(hi - lo) // FIVE_MINUTES_MS for lo, hi, _, _ in pieces], day.toordinal())
    seconds_only = ride.index % 3 == 0 and count * 2000 < sum(hi - lo for lo, hi, _, _ in pieces)
    unit = 1000 if seconds_only else 2  # even milliseconds: the odd ones are left for planted records
    for (lo, hi, opens, closes), share in zip(pieces, shares, strict=True):
        width = (hi - lo) // unit // share if share else 0  # one record in each slot: no instant can come twice
        for slot in range(share):
            ms = lo + (slot * width + int(random() * width)) * unit
            chance = random()
            if refurbished:
                status, queue = "REFURBISHMENT", NOTHING_TO_SAY[int(chance * 4)]
            elif not opens <= ms < closes:
                status = "CLOSED"
                if ride.queues and chance < 0.6:
                    queue = queues.closed(ms)
                    with_queues += 1
                else:
                    queue = NOTHING_TO_SAY[int(chance * len(NOTHING_TO_SAY))]
            else:
                down = chance < 0.7 if down else chance < 0.01
                status = "DOWN" if down else "OPERATING"
                if ride.usual_wait == 0 or down:
                    queue = NOTHING_TO_SAY[int(random() * len(NOTHING_TO_SAY))]
                else:
                    done = (ms - opens) / (closes - opens)
                    aim = ride.usual_wait * (0.3 + 4.5 * done * (1 - done))
                    wait += 5 * int((aim - wait) * 0.05 + random() * 5 - 2)
                    wait = 0 if wait < 0 else min(wait, WAIT_MAX_MINUTES)
                    if ride.queues:
                        queue = queues.open(ms, wait)
                        with_queues += 1
                    else:
                        queue = f',"queue":{{"STANDBY":{{"waitTime":{wait}}}}}'
                    if queues.standby:
                        waits += 1
                        wait_minutes += wait
            statuses[status] += 1
            if ms < 0:
                before += 1
            elif ms >= DAY_MS:
                after += 1
            utc, local, offset = hours[ms // HOUR_MS + 2]
            minute_second = _MINUTE_SECOND[ms // 1000 % 3600]
            fraction = "Z" if seconds_only else _MILLISECONDS[ms % 1000]
            record = (
                f'{head}{status}"{queue}{showtimes}{middle}{utc}{minute_second}{fraction}",'
                f'"localTime":"{local}{minute_second}{offset}{tail}'
            )
            found.append((ms, record.encode()))
    tally.events += count
    tally.waits += waits
    tally.wait_minutes += wait_minutes
    for queue_type in ride.queues:
        tally.queue_rows[queue_type] += with_queues
    for shift, number in ((-1, before), (0, count - before - after), (1, after)):
        if number:
            months[(day + timedelta(days=shift)).isoformat()[:7]] += number


def _showtimes(clock: _Clock, session: tuple[int, int]) -> str:
    """Three performances of the park's day; shows carry them in `data` beside the queue."""
    opens, closes = session
    performances = (
        {
            "type": "Performance Time",
            "startTime": clock.local(opens + (closes - opens) * part // 4),
            "endTime": clock.local(opens + (closes - opens) * part // 4 + HOUR_MS // 2),
        }
        for part in (1, 2, 3)
    )
    return f',"showtimes":{json.dumps(list(performances), separators=(",", ":"))}'


class _Queues:
    """The queues a ride has beside the standby queue, as the JSON text of its `data.queue`."""

    def __init__(self, resort: Destination, ride: Ride, day: date, clock: _Clock, random):
        self.clock, self.random = clock, random
        self.standby = "BOARDING_GROUP" not in ride.queues  # a ride with boarding groups has no standby queue
        self.writers = [(queue, getattr(self, f"_{queue.lower()}")) for queue in ride.queues]
        steps = (day.toordinal() * 31 + ride.index) % 16
        self.price = {
            "USD": f'{{"amount":{1000 + 100 * steps},"currency":"USD","formatted":"${10 + steps}.00"}}',
            "EUR": f'{{"amount":{900 + 100 * steps},"currency":"EUR","formatted":"{9 + steps},00 €"}}',
            "JPY": f'{{"amount":{1000 + 100 * steps},"currency":"JPY","formatted":"¥{1000 + 100 * steps:,}"}}',
        }[resort.currency]
        self.currency = resort.currency
        self.quote = '"' if day.toordinal() % 5 == 0 else ""  # old records have boarding groups as strings
        self.group = 0

    def open(self, ms: int, wait: int) -> str:
        others = ",".join([f'"{queue}":{write(ms, wait)}' for queue, write in self.writers])
        standby = f'"STANDBY":{{"waitTime":{wait}}},' if self.standby else ""
        return f',"queue":{{{standby}{others}}}'

    def closed(self, ms: int) -> str:
        others = ",".join([f'"{queue}":{write(ms, None)}' for queue, write in self.writers])
        return f',"queue":{{"STANDBY":{{"waitTime":null}},{others}}}'

    def _single_rider(self, ms: int, wait: int | None) -> str:
        if wait is None or self.random() < 0.2:
            return '{"waitTime":null}'  # the queue exists, no time is shown
        return f'{{"waitTime":{wait // 10 * 5}}}'

    def _paid_standby(self, ms: int, wait: int | None) -> str:
        if wait is None or self.random() < 0.5:
            return '{"waitTime":null}'
        return f'{{"waitTime":{wait // 15 * 5}}}'

    def _return_time(self, ms: int, wait: int | None) -> str:
        return f"{{{self._window(ms, wait)}}}"

    def _paid_return_time(self, ms: int, wait: int | None) -> str:
        chance = self.random()
        price = self.price
        if chance < 0.02:
            price = "null"
        elif chance < 0.04:
            price = f'{{"amount":null,"currency":"{self.currency}","formatted":null}}'
        elif chance < 0.06:
            price = f'{{"amount":0,"currency":"{self.currency}","formatted":"Unknown"}}'
        return f'{{"price":{price},{self._window(ms, wait)}}}'

    def _window(self, ms: int, wait: int | None) -> str:
        chance = self.random()
        if wait is None or chance < 0.1:
            return '"state":"FINISHED","returnEnd":null,"returnStart":null'
        if chance < 0.2:
            return '"state":"TEMP_FULL","returnEnd":null,"returnStart":null'
        start = ms // FIVE_MINUTES_MS + 26 + wait // 10
        end = f'"{self.clock.fives[start + 12]}"' if chance < 0.8 else "null"
        return f'"state":"AVAILABLE","returnEnd":{end},"returnStart":"{self.clock.fives[start]}"'

    def _boarding_group(self, ms: int, wait: int | None) -> str:
        chance = self.random()
        if wait is None or chance < 0.05:
            status = "null" if chance < 0.5 else '"CLOSED"'
            return (
                f'{{"allocationStatus":{status},"currentGroupStart":null,"currentGroupEnd":null,'
                '"nextAllocationTime":null,"estimatedWait":null}'
            )
        self.group += int(chance * 4)
        first, last = (f"{self.quote}{group}{self.quote}" for group in (self.group + 1, self.group + 5))
        status = "PAUSED" if chance > 0.9 else "AVAILABLE"
        next_time = f'"{self.clock.local(ms - ms % HOUR_MS + HOUR_MS)}"' if status == "AVAILABLE" else "null"
        return (
            f'{{"allocationStatus":"{status}","currentGroupStart":{first},"currentGroupEnd":{last},'
            f'"nextAllocationTime":{next_time},"estimatedWait":{wait}}}'
        )
