"""What the database server refuses: the codes that callers act on, and the refusal in words for people.

MariaDB and MySQL share these numbers. manage.py says `in_words` of what no command expected; the admin does so itself.
"""

from typing import Any

from django.db import DatabaseError, DataError, NotSupportedError, OperationalError, connection

from warehouse.outside import shown

TEXT_MAX = 500  # characters of what a server says
_GALERA = 1180, "provider status"  # its text; other engines' errors at a COMMIT have the same number
# Lock wait timeout, deadlock: to be tried again. On Galera a deadlock is also what another node committed first, or the
# change of a table that a transaction was at, and it may come at any statement, COMMIT among them.
LOCKED = {1205, 1213}
DEADLOCK = 1213
# Shut down, killed, cut off (1158 to 1161, 1184), not there, connection lost; it lets nobody in for now: a node of
# Galera that is not ready, too many connections of all, of this user, or of its hour.
AWAY = {1040, 1047, 1053, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1927, 2002, 2003, 2006, 2013, 2055, 4031}
OTHER_PARTITIONS = 1505  # the table has none
# The table is another than when it was looked at: its name was given to another one, its partitions were made, split or
# exchanged in between. In the statement that says so it is a moment; asked anew and still so, it is how things stand.
CHANGED = {1146, 1412, 1493, 1503, OTHER_PARTITIONS, 1507, 1508, 1517, 1520, 1654, 1697, 1735, 1747}
DUPLICATE_KEY = 1062
# Of one row's values: NULL, out of range, cut, no date, no text of the charset, too long, no partition for it, a number
# that overflows, a trigger's SIGNAL, a CHECK of MySQL, one of MariaDB.
_VALUE_REFUSED = {1048, 1264, 1265, 1292, 1366, 1406, 1411, 1526, 1644, 1690, 3819, 4025}
# Of what somebody asks for: a regular expression (1139, and MySQL's, 3684 to 3700), a date, a collation of the text,
# too much of it for the stack, for the parser, or for the time it may take.
_QUESTION_REFUSED = {1139, 1267, 1292, 1436, 1525, 1463, 3024, *range(3684, 3701), 4161}
_NO_SPACE = {1021, 1114}  # of the disk, of a table
_NOT_FOUND = {2002, 2003, 2005}  # nobody listens there
# no right to the database, wrong password, no such database, not from this host, an account that is locked, a password
# that is over
_NOT_LET_IN = {1044, 1045, 1049, 1130, 1698, 1820, 1862, 3118, 4151}
_NO_SUCH_DATABASE = 1049
_NOT_ALLOWED = {1044, 1142, 1143, 1227, 1370}  # of a database, a table, a column, the server, a routine
_NOT_MIGRATED = {1054, 1146}  # no such column, no such table


def is_locked(error: Exception) -> bool:
    """Another session held a row or a table: the statement, or in a deadlock the transaction, is to be tried again."""
    return isinstance(error, OperationalError) and code(error) in LOCKED


def is_deadlock(error: Exception) -> bool:
    """Of these the one that need not be waited for: whoever was in the way has what it wanted."""
    return isinstance(error, OperationalError) and code(error) == DEADLOCK


def is_away(error: Exception) -> bool:
    """The server cannot be reached, or has ended this session: what was not committed is lost, or nobody knows. Or it
    is a node of Galera that lost the others in the middle of a COMMIT."""
    if not isinstance(error, OperationalError):
        return False
    number, said = _GALERA
    return code(error) in AWAY or (code(error) == number and said in text(error))


def is_changed(error: Exception) -> bool:
    """The table was changed since it was looked at: whoever looks anew may find that all is well."""
    return isinstance(error, DatabaseError) and code(error) in CHANGED


def is_not_found(error: Exception) -> bool:
    """Nobody listens where the server is to be: it is down, or DATABASE_URL names another place."""
    return isinstance(error, OperationalError) and code(error) in _NOT_FOUND


def is_value_refused(error: Exception) -> bool:
    """The server does not take what one of the rows says; the others it may."""
    return isinstance(error, DataError) or (isinstance(error, DatabaseError) and code(error) in _VALUE_REFUSED)


def is_of_the_question(error: Exception) -> bool:
    """The server does not take the value of a condition: whoever typed it is to be told, and nothing is broken."""
    return isinstance(error, DataError) or (isinstance(error, DatabaseError) and code(error) in _QUESTION_REFUSED)


def is_disk_full(error: Exception) -> bool:
    """Of the engines' own codes only those with errno 28 (ENOSPC) in their text mean it."""
    return isinstance(error, DatabaseError) and (code(error) in _NO_SPACE or '28 "No space' in text(error))


def is_not_allowed(error: Exception) -> bool:
    """The account lacks the right: that is how accounts of less than all rights are held to their part."""
    return isinstance(error, DatabaseError) and code(error) in _NOT_ALLOWED


def is_not_let_in(error: Exception) -> bool:
    """The server is there, and does not take what DATABASE_URL says: database, user or password."""
    return isinstance(error, OperationalError) and code(error) in _NOT_LET_IN


def is_too_old(error: Exception) -> bool:
    """Django does not talk to a server of this version; it says so with the first connection."""
    return isinstance(error, NotSupportedError) and "or later is required" in text(error)


def is_ours(error: Exception) -> bool:
    """Whether the project asked something wrong: that wants a traceback. All else is between operator and server."""
    if is_too_old(error) or is_disk_full(error):
        return False
    return not isinstance(error, OperationalError) and code(error) not in _NOT_MIGRATED


class ServerAway(OperationalError):
    """The server did not come back in time (warehouse.server.away). What it says is for people; its code is that of the
    last try. `is_stopped`: nobody waited for it any longer, since it was said to stop."""

    def __init__(self, error: Exception, waited_seconds: float, *, is_stopped: bool):
        said = _is_away(error)
        if is_stopped:
            said += f". It was waited for until it was said to stop, {waited_seconds:.0f} s"
        elif waited_seconds >= 1:
            said += f". It was waited for, {waited_seconds:.0f} s"
        super().__init__(code(error), said)
        self.is_stopped = is_stopped

    def __str__(self) -> str:
        return text(self)


def in_words(error: DatabaseError) -> str:
    """One sentence of what the server says, and where it is known, one of what to do."""
    if is_away(error):
        return f"{what_is_away(error)}. {BACK}"
    if is_too_old(error):
        return f"The database server ({server()}) is too old: {text(error)} Use MariaDB 10.11 or MySQL 8.4, or newer"
    number = code(error)
    if number in _NOT_FOUND:
        hint = ". Is it running where DATABASE_URL says? ./bin/db start starts the project's own"
    elif number == _NO_SUCH_DATABASE:
        hint = ". Make it as deploy/accounts.sql does, or name another in DATABASE_URL"
    elif number in _NOT_ALLOWED:
        hint = (
            ". Another account may (docs/operations.md, Accounts of the database), or this one has not been given its "
            "rights since the last update: deploy/grants.sql"
        )
    elif number in _NOT_LET_IN:
        hint = ". See user, password and database in DATABASE_URL"
    elif number in _NOT_MIGRATED:
        hint = ". Run manage.py deploy"
    elif is_disk_full(error):
        hint = ". The disk of the database is full: make room"
    else:
        hint = ""
    return f"The database server says: {text(error)}{hint}"


#: what is to be done about a server that is away
BACK = "What was committed stays: give the same command again when it is back"


def what_is_away(error: Exception) -> str:
    """Of one that is_away: which server, what is known of it, and how long it was waited for; without a full stop."""
    said = text(error) if isinstance(error, ServerAway) else _is_away(error)
    if code(error) in _NOT_FOUND:
        said += ". Is it running where DATABASE_URL says? ./bin/db start starts the project's own"
    return said


def _is_away(error: Exception) -> str:
    return f"The database server ({server()}) is away: {text(error)}"


def server() -> str:
    """Which one, as DATABASE_URL names it, without who asks: `127.0.0.1:3306`, or the path of a socket."""
    settings = connection.settings_dict
    path = settings["OPTIONS"].get("unix_socket") or (settings["HOST"] if settings["HOST"].startswith("/") else "")
    return path or f"{settings['HOST'] or 'localhost'}:{settings['PORT'] or 3306}"


def code(error: Exception) -> Any:
    """The first thing a server's error holds; errors of Django's own hold a text alone, or nothing."""
    return error.args[0] if error.args else None


def text(error: Exception) -> str:
    """What the server says, made fit to be shown, since it repeats what it was sent: the value of a row, the pattern of
    a search. The name of the error where it says nothing."""
    return shown(error.args[-1], TEXT_MAX) if error.args else type(error).__name__
