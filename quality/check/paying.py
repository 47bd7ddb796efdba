"""Paying what is owed: a check for each range of days that imports left, of all parks that share it."""

import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import partial

from quality import owed_checks
from quality.check.ahead import ScanAhead
from quality.check.run import Checked, check
from warehouse.server.away import looking_anew
from warehouse.server.errors import ServerAway
from warehouse.text import count_of

logger = logging.getLogger(__name__)


class ChecksFailed(Exception):
    """Checks that could not be done and stay owed; the message says why, and what pays them."""


def pay(
    now: datetime, causes: Collection[str] | None = None, ahead: Mapping[tuple[date, date], ScanAhead] | None = None
) -> list[Checked]:
    """Do the checks that are owed: all, or those that these causes (import_ids) left. Call it outside of transactions.

    `ahead`: what was read already, by the first and last day owed.
    ChecksFailed: some could not be done, after all others were.
    """
    parks_by_range: dict[tuple[date, date], list[int]] = {}
    for row in owed_checks.owed(causes):
        parks_by_range.setdefault((row.first_day, row.last_day), []).append(row.park_id)
    done, failures = [], []
    for (first, last), parks in parks_by_range.items():
        look = partial(check, parks, first, last, now, ahead=(ahead or {}).get((first, last)))
        try:
            done.append(looking_anew(look))  # again: it changes what was last seen when, and nothing else
        except ServerAway as away:  # the others would wait for it in vain
            logger.error("the quality check of %s to %s failed: %s", first, last, away)
            failures.append(str(away))
            break
        except Exception as error:  # whatever it is: the others are to be done, and this one stays owed
            logger.exception("the quality check of %s to %s failed", first, last)
            failures.append(f"{first} to {last}: {type(error).__name__}: {error}")
    if failures:
        raise ChecksFailed(
            f"{count_of(len(failures), 'quality check')} failed ({'; '.join(failures[:3])}). What was imported stays, "
            "and the check is owed until it is done: mend the cause, then  manage.py check_quality --owed"
        )
    return done
