"""What the database server refuses: the codes that callers act on, and the refusal in words for people.

MariaDB and MySQL share these numbers. manage.py says `in_words` of what no command expected; the admin does so itself.
"""

from django.db import DatabaseError, DataError, OperationalError

from warehouse.outside import shown

TEXT_MAX = 500  # characters of what a server says
LOCKED = {1205, 1213}  # lock wait timeout, deadlock: to be tried again
AWAY = {1053, 1927, 2002, 2003, 2006, 2013, 2055, 4031}  # shut down, killed, not there, connection lost
DUPLICATE_KEY = 1062
# Of one row's values: NULL, out of range, cut, no date, no text of the charset, too long, no partition for it, a number
# that overflows, a trigger's SIGNAL, a CHECK of MySQL, one of MariaDB.
_VALUE_REFUSED = {1048, 1264, 1265, 1292, 1366, 1406, 1411, 1526, 1644, 1690, 3819, 4025}
# Of what somebody asks for: a regular expression (two numbers), a date, a collation of the text, too much of it for the
# stack, for the parser, or for the time it may take.
_QUESTION_REFUSED = {1139, 1267, 1292, 1436, 1525, 1463, 3024, 3685, 3687, 3692, 4161}
_NO_SPACE = {1021, 1114}  # of the disk, of a table
_NOT_FOUND = {2002, 2003, 2005}  # nobody listens there
_NOT_LET_IN = {1044, 1045, 1049, 1698}  # no right to the database, wrong password, no such database
_NOT_MIGRATED = {1054, 1146}  # no such column, no such table


def is_locked(error: Exception) -> bool:
    """Another session held a row or a table: the statement, or in a deadlock the transaction, is to be tried again."""
    return isinstance(error, OperationalError) and _code(error) in LOCKED


def is_away(error: Exception) -> bool:
    """The server cannot be reached, or has ended this session: what was not committed is lost, or nobody knows."""
    return isinstance(error, OperationalError) and _code(error) in AWAY


def is_value_refused(error: Exception) -> bool:
    """The server does not take what one of the rows says; the others it may."""
    return isinstance(error, DataError) or (isinstance(error, DatabaseError) and _code(error) in _VALUE_REFUSED)


def is_of_the_question(error: Exception) -> bool:
    """The server does not take the value of a condition: whoever typed it is to be told, and nothing is broken."""
    return isinstance(error, DataError) or (isinstance(error, DatabaseError) and _code(error) in _QUESTION_REFUSED)


def is_disk_full(error: Exception) -> bool:
    """Of the engines' own codes only those with errno 28 (ENOSPC) in their text mean it."""
    return isinstance(error, DatabaseError) and (_code(error) in _NO_SPACE or '28 "No space' in _text(error))


def is_ours(error: Exception) -> bool:
    """Whether the project asked something wrong: that wants a traceback. All else is between operator and server."""
    return not isinstance(error, OperationalError) and _code(error) not in _NOT_MIGRATED and not is_disk_full(error)


def in_words(error: DatabaseError) -> str:
    """One sentence of what the server says, and where it is known, one of what to do."""
    code = _code(error)
    if code in _NOT_FOUND:
        hint = ". Is it running where DATABASE_URL says? ./bin/db start starts the project's own"
    elif code in _NOT_LET_IN:
        hint = ". See DATABASE_URL"
    elif code in _NOT_MIGRATED:
        hint = ". Run manage.py migrate"
    elif is_away(error):
        hint = ". What was committed stays: call again when it is back"
    elif is_disk_full(error):
        hint = ". The disk of the database is full: make room"
    else:
        hint = ""
    return f"The database server says: {_text(error)}{hint}"


def _code(error: Exception) -> int | None:
    """The first thing a server's error holds; errors of Django's own hold a text alone, or nothing."""
    return error.args[0] if error.args else None


def _text(error: Exception) -> str:
    """It repeats what it was sent: the value of a row, the pattern of a search."""
    return shown(error.args[-1], TEXT_MAX) if error.args else type(error).__name__
