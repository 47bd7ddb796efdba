"""GAP: days that the ledger lacks, hours in which a park was not heard of, rides that fell silent.

The source keeps changes, so silence alone means nothing: a park is silent every night, a ride for weeks of
refurbishment. Each rule below holds a silence against the same hours, or the same park's other rides, before and
after it. The thresholds and what they are there to tell apart: docs/decisions/what-is-a-gap.md.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median

from quality.check.profiles import DAY_MS, HOUR_MS, ParkProfile, RideProfile
from quality.check.rows import HEARD, LAST_STATUS_SHIFT, OPEN, STATUSES, WAITED
from quality.check.window import Window
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import instant_at
from warehouse.models import Park, RideStatus

SILENT_DAYS_MAX = 14  # longer than this a park was closed for a season
OBSERVATIONS_USUAL = 10  # in the same hours of another day; fewer may be none by chance
HOURS_USUAL = 3  # of them, in which there are any
NEIGHBOURS, NEIGHBOURS_HEARD = 3, 5  # days on either side; of the six, how many must have been heard of
WHOLE_DAY_SHARE = 0.9  # of a usual day's observations lie in the silent hours
LATE_HOURS = 3  # a park that opens so much later than on 14 other days was perhaps not late, but not observed

REFERENCE_DAYS, REFERENCE_DAYS_MIN = 14, 7  # days of the park before a ride fell silent
REGULAR_SHARE = 0.85  # of them, on which a ride must have been heard of to be missed at all
PARK_WENT_ON_SHARE = 0.2  # of the rides that are open on the best day of the weeks around
WEEKS_AROUND_DAYS = 15
SILENT_DAYS_OPEN = 3  # the ride was last heard of as operating or down
SILENT_DAYS_CLOSED = 7  # it was last heard of as closed: many a closure takes some days
MASS_RIDES, MASS_SHARE = 5, 0.2  # so many at once are no closures
SEASON_BREAK_DAYS = 7  # a park that was closed for longer begins anew


# --- days of the ledger -----------------------------------------------------------------------------------------------
def missing_days(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Days without a file between the park's first day with events and the last day of its ledger."""
    for run in park.ledger.missing_runs():
        yield missing_days_finding(park.park, run.first, run.last, never_imported=run.never_imported)


def missing_days_finding(park: Park, first: date, last: date, *, never_imported: bool = False) -> Finding:
    """The importer's finding of a run of missing days, and the detector's: one identity, one record.

    That is park and first missing day, so that a gap that grows at its end stays one record.
    """
    days = (last - first).days + 1
    which = f"{days} days, {first} to {last}" if days > 1 else f"{first}"
    lack = "never imported:" if never_imported else "no file for"
    sentence = REASONS["missing_days"].say(days, lack=lack, days=which)
    return Finding(
        reason="missing_days",
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.pk,
        scope=first.isoformat(),
        description=f"{park}: {sentence}",
        start=midnight(first),
        end=midnight(last + ONE_DAY),
        count=days,
        examples=[(first + timedelta(days=n)).isoformat() for n in range(min(days, EXAMPLES_MAX))],
    )


# --- hours of a park ------------------------------------------------------------------------------------------------
def silent_hours(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Hours of silence in which the park was heard of on the days around, and that no closing time explains."""
    usual = median([share for _, _, share in park.silences] or [0.0])  # nights: rides that never say that they close
    for from_ms, to_ms, open_share in park.silences:
        if to_ms - from_ms > SILENT_DAYS_MAX * DAY_MS or _was_not_asked(park, from_ms, to_ms):
            continue
        if _is_in_part(park, from_ms, to_ms):
            continue
        around = _same_hours_around(park, from_ms, to_ms)
        if around is None:
            continue
        still_open = open_share >= (1 + usual) / 2
        if not still_open and not _odd_for_a_closed_park(park, from_ms, to_ms):
            continue
        hours = (to_ms - from_ms) // HOUR_MS
        start, end = instant_at(from_ms), instant_at(to_ms)
        sentence = REASONS["silent_hours"].say(hours, start=start, end=end, usual=min(around.values()))
        yield Finding(
            reason="silent_hours",
            entity_type="park",
            entity_key=park.park.themeparks_wiki_id,
            entity_id=park.park.pk,
            scope=f"{start:%Y-%m-%dT%H}",
            description=f"{park.park}: {sentence}",
            start=start,
            end=end,
            count=hours,
            examples=[{"day": day, "observations in the same hours": count} for day, count in around.items()],
        )


def all_silent_hours(findings: list[Finding]) -> dict[str, object]:
    """What the sentence of a month's silences of one park names: the month, and the hours in all."""
    return {"month": findings[0].start, "hours": sum(finding.count for finding in findings)}


def _was_not_asked(park: ParkProfile, from_ms: int, to_ms: int) -> bool:
    """Missing and unreadable days, and what lies between the days of two feeds, are told on their own."""
    return park.covered.unasked_in(instant_at(from_ms), instant_at(to_ms))


def _is_in_part(park: ParkProfile, from_ms: int, to_ms: int) -> bool:
    """Also on the day before or after: months are the park's own, and reach some hours into a day beside them."""
    first, last = instant_at(from_ms).date() - ONE_DAY, instant_at(to_ms).date() + ONE_DAY
    return any(park.ledger.is_in_part(first + n * ONE_DAY) for n in range((last - first).days + 1))


def _same_hours_around(park: ParkProfile, from_ms: int, to_ms: int) -> dict[str, int] | None:
    """Observations in the same hours of the days around, by day; None if the park was not regularly heard of then."""
    whole_days = -(-(to_ms - from_ms) // DAY_MS)
    around: dict[str, int] = {}
    for side in (-1, 1):
        heard = 0
        for n in range(whole_days, whole_days + NEIGHBOURS):
            shift = side * n * DAY_MS
            if _is_heard(park, from_ms + shift, to_ms + shift):
                heard += 1
                around[f"{instant_at(from_ms + shift):%Y-%m-%d}"] = (
                    park.observations_in(from_ms + shift, to_ms + shift) or 0
                )
        if heard < NEIGHBOURS_HEARD - NEIGHBOURS:
            return None
    if len(around) < NEIGHBOURS_HEARD or _same_weekday_is_silent(park, from_ms, to_ms):
        return None
    return dict(sorted(around.items()))


def _is_heard(park: ParkProfile, from_ms: int, to_ms: int) -> bool:
    """Often, and in several hours: summer time, or an evening that is longer, moves an hour or two into a night."""
    observations = park.observations_in(from_ms, to_ms)
    return (observations or 0) >= OBSERVATIONS_USUAL and park.hours_heard_in(from_ms, to_ms) >= min(
        HOURS_USUAL, to_ms // HOUR_MS - -(-from_ms // HOUR_MS)
    )


def _same_weekday_is_silent(park: ParkProfile, from_ms: int, to_ms: int) -> bool:
    """On both sides: it is the day of the week on which the park is closed."""
    week = 7 * DAY_MS * -(-(to_ms - from_ms) // (7 * DAY_MS))
    return all(
        park.observations_in(from_ms + shift, to_ms + shift) is not None
        and not _is_heard(park, from_ms + shift, to_ms + shift)
        for shift in (-week, week)
    )


def _odd_for_a_closed_park(park: ParkProfile, from_ms: int, to_ms: int) -> bool:
    """The park had closed before it fell silent: odd only if it was open on each of 14 days around when it should be.

    Either the silence takes a whole day, or it ends hours after the park opens on all of them.
    """
    whole_days = -(-(to_ms - from_ms) // DAY_MS)
    shifts = [side * n * DAY_MS for side in (-1, 1) for n in range(whole_days, whole_days + 7)]
    late_from = max(from_ms, to_ms - LATE_HOURS * HOUR_MS)
    is_late = whole_day = True
    for shift in shifts:
        late = park.observations_in(late_from + shift, to_ms + shift)
        is_late = is_late and late is not None and late >= OBSERVATIONS_USUAL
        same = park.observations_in(from_ms + shift, to_ms + shift) or 0
        day = park.observations_in(from_ms + shift, from_ms + shift + DAY_MS) or 0
        whole_day = whole_day and day > 0 and same >= max(OBSERVATIONS_USUAL, WHOLE_DAY_SHARE * day)
    return is_late or whole_day


# --- rides -----------------------------------------------------------------------------------------------------------
def silent_rides(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Rides that were heard of nearly every day, and then on none of the days on which their park went on."""
    days, season_of = _days_of_the_park(park)
    silences = [
        (ride, begin, end)
        for ride in park.rides
        if _is_a_ride(ride)
        for begin, end in _silences_of(ride, days, season_of)
        if not _has_moved(ride, days[begin - 1], days[end - 1])
    ]
    begun = [begin for _, begin, _ in silences]
    for ride, begin, end in silences:
        last_word = STATUSES[ride.days[days[begin - 1]] >> LAST_STATUS_SHIFT]
        if last_word == RideStatus.REFURBISHMENT:
            continue
        least = SILENT_DAYS_CLOSED if last_word == RideStatus.CLOSED else SILENT_DAYS_OPEN
        if end - begin >= least or _is_mass(park, days, begin, season_of[begin], begun.count(begin)):
            yield _silent_ride(
                park, ride, park.date_of(days[begin]), park.date_of(days[end - 1]), end - begin, last_word
            )


def when_silent(findings: list[Finding]) -> dict[str, object]:
    """What the sentence of a month's silent rides of one park names: the days (UTC) on which they fell silent."""
    days = [finding.start.date() for finding in findings if finding.start]
    first, last = min(days), max(days)
    return {"when": f"on {first}" if first == last else f"between {first} and {last}"}


def days_heard_of(ride: RideProfile, first: date, last: date) -> int:
    """On how many of its park's days, both included, a ride was heard of."""
    return sum(bool(flags) and first <= ride.park.date_of(day) <= last for day, flags in enumerate(ride.days))


def _is_a_ride(ride: RideProfile) -> bool:
    """Shows and restaurants come and go with the season. Without metadata, what posts waits is taken for a ride."""
    if ride.entity_type:
        return ride.entity_type == "ATTRACTION"
    return any(flags & WAITED for flags in ride.days)


def _has_moved(ride: RideProfile, last_heard: int, last_silent: int) -> bool:
    """Whether it went to another park between the day it was last heard of and the end of its silence."""
    park = ride.park
    return any(park.end_of(last_heard - 1) <= left < park.end_of(last_silent) for left in ride.left_at)


def _days_of_the_park(park: ParkProfile) -> tuple[list[int], dict[int, int]]:
    """The days on which the park went on, and of each position among them at which its season began.

    Of a day with hours that nobody asked for it is not known which rides were silent on it.
    """
    open_rides = [0] * park.day_count
    for ride in park.rides:
        for day, flags in enumerate(ride.days):
            if flags & OPEN:
                open_rides[day] += 1
    last_day = park.day_of(park.last_ms)[0]  # not over yet
    days = []
    for day, count in enumerate(open_rides[:last_day]):
        best = max(open_rides[max(0, day - WEEKS_AROUND_DAYS) : day + WEEKS_AROUND_DAYS])
        if count >= max(1, PARK_WENT_ON_SHARE * best) and not _was_not_asked(
            park, park.end_of(day - 1), park.end_of(day)
        ):
            days.append(day)
    season_of, begin = {}, 0
    for position, day in enumerate(days):
        if position and day - days[position - 1] > SEASON_BREAK_DAYS:
            begin = position
        season_of[position] = begin
    return days, season_of


def _silences_of(ride: RideProfile, days: list[int], season_of: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Runs (begin, end) of positions in `days` without a word of a ride that was regularly heard of before."""
    position = 0
    while position < len(days):
        if ride.days[days[position]]:
            position += 1
            continue
        begin = position
        while position < len(days) and not ride.days[days[position]] and season_of[position] == season_of[begin]:
            position += 1
        if position - begin >= SILENT_DAYS_OPEN and _is_regular(ride, days, begin, season_of[begin]):
            yield begin, position


def _is_regular(ride: RideProfile, days: list[int], before: int, season: int) -> bool:
    reference = days[max(season, before - REFERENCE_DAYS) : before]
    heard = sum(ride.days[day] & HEARD for day in reference)
    return len(reference) >= REFERENCE_DAYS_MIN and heard >= REGULAR_SHARE * len(reference)


def _is_mass(park: ParkProfile, days: list[int], begin: int, season: int, silent: int) -> bool:
    if silent < MASS_RIDES:
        return False
    regular = sum(_is_regular(ride, days, begin, season) for ride in park.rides if _is_a_ride(ride))
    return silent >= MASS_SHARE * regular


def _silent_ride(park: ParkProfile, ride: RideProfile, first: date, last: date, days: int, last_word: str) -> Finding:
    sentence = REASONS["silent_ride"].say(days, first=first, last=last, last_status=last_word)
    return Finding(
        reason="silent_ride",
        entity_type="ride",
        entity_key=ride.key,
        entity_id=ride.ride_id,
        park_id=park.park.pk,
        scope=first.isoformat(),
        description=f"{ride.name} ({park.park}): {sentence}",
        start=midnight(first),
        end=midnight(last + ONE_DAY),
        count=days,
        examples=[{"last_status": last_word, "silent_from": first.isoformat(), "silent_to": last.isoformat()}],
    )
