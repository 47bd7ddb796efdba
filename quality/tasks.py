"""What workers run: the daily check, and the check of what imports brought in. Plain functions, JSON-able arguments.

They name no queue, so that whatever calls them (django-q2, cron) can be changed. Each may run twice: a second run
changes last_seen_at alone.
"""

import logging
from datetime import UTC, date, datetime, timedelta

from quality.check.paying import pay
from quality.check.run import Checked, check
from warehouse.text import count_of

logger = logging.getLogger(__name__)

DAILY_CHECK_DAYS = 14  # a closed ride is missed after 7 days of its park; hours need some days on either side


def daily_check(days: int = DAILY_CHECK_DAYS) -> str:
    """Check the last `days` days of all parks, and all that is owed, of whatever days; a line on what came of it."""
    now = datetime.now(UTC)
    checked = [check(None, now.date() - timedelta(days=days), now.date(), now), *pay(now)]
    return "; ".join(map(line_of, checked))


def check_owed(import_ids: list[str] | None = None) -> str:
    """Do the checks that these imports (None: all) left owed; a line on what came of it.

    ChecksFailed: some could not be done. They stay owed, and the daily check tries again.
    """
    return "; ".join(map(line_of, pay(datetime.now(UTC), import_ids))) or "nothing is owed: it was checked already"


def check_imported(park_ids: list[int], first_day: str, last_day: str) -> str:
    """Check parks, and days as ISO dates: what waiting messages of older versions ask for."""
    now = datetime.now(UTC)
    return line_of(check(park_ids, date.fromisoformat(first_day), date.fromisoformat(last_day), now))


def line_of(checked: Checked) -> str:
    """What a check came to, on one line, which the log gets as well."""
    line = f"{checked.window}: {count_of(checked.rows_read, 'observation')} read, {checked.outcome()}"
    logger.info("Data quality of %s", line)
    return line
