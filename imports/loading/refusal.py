"""Rows that the server refuses in spite of all checks: found by halving, so that the others are stored.

Every rule of what is accepted stands in imports.events, and the tables are ours: what is refused all the same falls
under a rule that is lacking there, or under a constraint that somebody added here. It costs its row, not its file and
the days behind it.
"""

from collections.abc import Sequence

from django.db import DatabaseError, transaction

from imports.events.validation import Observation
from imports.loading.attribution import Attributed, reject_refused
from imports.loading.loader import RowsRefused, complete, load, remove_orphans
from warehouse.server import errors

REFUSED_MAX = 100  # rows of one file or answer, or of small files that go in together


class TooManyRefused(Exception):
    """So many rows are refused that it must be the table: nothing of the file may be lost for that."""


def store(files: Sequence[Attributed], data_source: str) -> None:
    """Write the rows of all these files, inside the caller's transaction, and what they add to stored ones; rows that
    the server refuses are taken out of them, counted as rejected, and reported. No two files have a row in common.

    TooManyRefused: more than REFUSED_MAX. RowsRefused, IntegrityError: another writer stored one of them meanwhile.
    """
    refused: dict[int, str] = {}
    rows = files[0].rows if len(files) == 1 else {key: row for found in files for key, row in found.rows.items()}
    _load_halving(rows, data_source, refused)
    for found in files:
        if mine := refused.keys() & found.rows.keys():
            reject_refused(found, {key: refused[key] for key in sorted(mine)})
        complete(found.ends)


def _load_halving(rows: dict[int, Observation], data_source: str, refused: dict[int, str]) -> None:
    try:
        with transaction.atomic():  # a savepoint: what is rolled back is this part alone
            load(rows, data_source)
        return None
    except (RowsRefused, DatabaseError) as error:
        if errors.is_away(error) or errors.is_locked(error):
            raise
        if not (error.by_value if isinstance(error, RowsRefused) else errors.is_value_refused(error)):
            if not remove_orphans(rows):
                raise
            return _load_halving(rows, data_source, refused)
        said = str(error) if isinstance(error, RowsRefused) else errors.in_words(error)
        if len(rows) == 1:
            refused[next(iter(rows))] = said
            if len(refused) > REFUSED_MAX:
                raise TooManyRefused(
                    f"the server refuses more than {REFUSED_MAX} rows of one file, so it is the table and not the "
                    f"rows: {said}"
                ) from error
            return None
    ids = list(rows)
    for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
        _load_halving({snapshot_id: rows[snapshot_id] for snapshot_id in half}, data_source, refused)
    return None
