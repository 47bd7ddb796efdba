"""Calendar days (UTC) as half-open ranges of instants, and as operators ask for them."""

import re
from datetime import UTC, date, datetime, time, timedelta

ONE_DAY = timedelta(days=1)
# Days that may be asked for: a year that was not typed to its end, 0025, is a mistake, and so is 9999.
FIRST_YEAR, LAST_YEAR = 1900, 2199


def midnight(day: date) -> datetime:
    """When a day begins, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def end_of_month(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=28) + 4 * ONE_DAY).replace(day=1) - ONE_DAY


def is_within_reach(day: date) -> bool:
    """Whether it is a day to reckon with: what lies beside it is in the calendar, which ends at 9999-12-31."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


# --- as operators type them ------------------------------------------------------------------------------------------
def day_from(text: str) -> date:
    """A day typed by an operator. ValueError: none of the calendar, or out of reach; the message says what to give."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no date: use YYYY-MM-DD") from None
    return _within_reach(day, text)


def month_from(text: str) -> date:
    """The first day of a month typed by an operator, YYYY-MM or YYYYMM. ValueError as `day_from` raises it."""
    match = re.fullmatch(r"(?!0000)([0-9]{4})-?(0[1-9]|1[0-2])", text)
    if match is None:
        raise ValueError(f"{text} is not a month; give YYYY-MM")
    return _within_reach(date(int(match[1]), int(match[2]), 1), text)


def _within_reach(day: date, text: str) -> date:
    if not is_within_reach(day):
        raise ValueError(f"{text}: give a day of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def range_trouble(first: date | None, last: date | None, today: date | None = None) -> str | None:
    """What is wrong with the days given as --from and --to, both included, None: no limit. None: nothing.

    With `today` neither may lie after it.
    """
    if first and last and first > last:
        return f"--from {first} lies after --to {last}; swap them"
    for option, day in (("--from", first), ("--to", last)):
        if day and today and day > today:
            return in_future(option, day, today)
    return None


def in_future(option: str, day: date, today: date) -> str:
    """The sentence for a day that an option may not have yet."""
    return f"{option} {day} lies in the future (today is {today})"
