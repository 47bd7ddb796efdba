"""Calendar days as half-open ranges of instants, UTC."""

from datetime import UTC, date, datetime, time, timedelta

ONE_DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """When a day begins, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)
