"""What workers run: the daily check, and the check of what an import touched. Plain functions, JSON-able arguments.

They name no queue, so that whatever calls them (django-q2, cron) can be changed. Each may run twice: a second run
changes last_seen_at alone.
"""

import logging
from datetime import UTC, date, datetime, timedelta

from quality.check.run import Checked, check

logger = logging.getLogger(__name__)

DAILY_CHECK_DAYS = 14  # a closed ride is missed after 7 days of its park; hours need some days on either side


def daily_check(days: int = DAILY_CHECK_DAYS) -> str:
    """Check the last `days` days of all parks; a line that says what came of it."""
    now = datetime.now(UTC)
    return _report(check(None, now.date() - timedelta(days=days), now.date(), now))


def check_imported(park_ids: list[int], first_day: str, last_day: str) -> str:
    """Check what an import touched: its parks, and its days as ISO dates."""
    now = datetime.now(UTC)
    return _report(check(park_ids, date.fromisoformat(first_day), date.fromisoformat(last_day), now))


def _report(checked: Checked) -> str:
    line = f"{checked.window}: {checked.rows_read:,} observations read, {checked.outcome()}"
    logger.info("Data quality of %s", line)
    return line
