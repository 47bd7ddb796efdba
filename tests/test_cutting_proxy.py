"""The proxy by its effects: what the server has got, and what the client hears."""

import tempfile
import threading

import pytest
from django.db import OperationalError, connection, transaction

from tests.cutting_proxy import END_OF_FILE, FILE, LOGIN, cutting_proxy
from tests.imports import forks, processes
from warehouse.server import errors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def numbers():
    """A table of one column, n; what is in it."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS numbers")
        cursor.execute("CREATE TABLE numbers (n INT PRIMARY KEY) ENGINE InnoDB")

    def stored() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM numbers ORDER BY n")
            return [n for (n,) in cursor.fetchall()]

    yield stored
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE numbers")


@pytest.fixture
def proxy(numbers):
    with cutting_proxy(connection) as proxy:
        yield proxy


def insert(*values: int) -> None:
    with connection.cursor() as cursor:
        for n in values:
            cursor.execute("INSERT INTO numbers VALUES (%s)", [n])


def load(count: int) -> None:
    with tempfile.NamedTemporaryFile("w") as file, connection.cursor() as cursor:
        file.writelines(f"{n}\n" for n in range(count))
        file.flush()
        cursor.execute(f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE numbers (n)")


def cut_off(work, *args) -> OperationalError:
    """What the client hears of a connection that is cut while it does this."""
    with pytest.raises(OperationalError) as heard:
        work(*args)
    assert errors.is_away(heard.value), heard.value
    return heard.value


def what_is_asked(proxy) -> list[str]:
    """Without what Django asks of each new connection."""
    texts = [packet.text for packet in proxy.packets]
    return [text for text in texts if not text.upper().startswith(("SET ", "SELECT @@"))]


def test_what_a_client_asks_goes_through_and_is_told(proxy, numbers):
    with proxy.between(connection):
        insert(1)
        with transaction.atomic():
            insert(2)
        assert numbers() == [1, 2]
    assert what_is_asked(proxy) == [
        LOGIN,
        "INSERT INTO numbers VALUES (1)",
        "INSERT INTO numbers VALUES (2)",
        "COMMIT",
        "SELECT n FROM numbers ORDER BY n",
    ]
    assert [packet.number for packet in proxy.packets] == list(range(1, len(proxy.packets) + 1))
    count = len(proxy.packets)
    insert(3)  # no longer through the proxy
    assert len(proxy.packets) == count


def test_a_file_counts_alike_however_long_it_is(proxy, numbers):
    """300,000 lines are over 500 packets on the wire, whose numbers come round to 0 at 256."""
    for count in (3, 300_000):
        before = len(proxy.packets)
        with proxy.between(connection):
            load(count)
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM numbers")
                assert cursor.fetchone() == (count,)
                cursor.execute("TRUNCATE numbers")
        _, load_data, *rest = [p.text for p in proxy.packets[before:] if not p.text.upper().startswith("SE")]
        assert load_data.startswith("LOAD DATA LOCAL")
        assert rest == [FILE, END_OF_FILE, "TRUNCATE numbers"]


def test_before_the_server_never_gets_it_and_after_the_server_has_done_it(proxy, numbers):
    with proxy.between(connection):
        for moment, n in (("before", 1), ("after", 2)):
            cut = proxy.cut(moment, "INSERT")
            cut_off(insert, n)
            connection.close()
            assert cut.happened.is_set()
            assert cut.packet.text == f"INSERT INTO numbers VALUES ({n})"
        insert(3)
    assert numbers() == [2, 3]


def test_a_transaction_that_is_cut_at_each_packet_is_whole_or_not_there(proxy, numbers):
    def work():
        with transaction.atomic():
            load(3)
            insert(7, 8)

    with proxy.between(connection):
        work()
    places = [packet.text for packet in proxy.packets]
    committed = places.index("COMMIT") + 1
    connection.cursor().execute("TRUNCATE numbers")
    for n, text in enumerate(places, 1):
        for moment in ("before", "after"):
            cut = proxy.cut(moment, n, session=1)
            with proxy.between(connection):
                cut_off(work)
            assert cut.happened.is_set()
            assert cut.packet.text.split()[0] == text.split()[0]  # the name of the file is another
            done = n > committed or (n == committed and moment == "after")
            assert numbers() == ([0, 1, 2, 7, 8] if done else []), (moment, text)
            connection.cursor().execute("TRUNCATE numbers")


def test_a_place_may_be_said_by_what_goes_before_it(proxy, numbers):
    with proxy.between(connection):
        cut = proxy.cut("before", "commit", behind="VALUES \\(2\\)")
        with transaction.atomic():
            insert(1)
        with pytest.raises(OperationalError), transaction.atomic():
            insert(2)
    assert numbers() == [1]
    assert cut.packet.text == "COMMIT"


def test_packets_are_counted_of_all_connections_or_of_one(proxy, numbers):
    with proxy.between(connection):
        another = connection.copy()
        of_the_second = proxy.cut("before", 2, session=2)
        insert(1, 2, 3)
        assert not of_the_second.happened.is_set()
        with pytest.raises(OperationalError):
            another.ensure_connection()
        assert (of_the_second.packet.session, of_the_second.packet.text == LOGIN) == (2, False)
        of_any = proxy.cut("before", 2)
        insert(4)
        another.close()
        with pytest.raises(OperationalError):
            another.ensure_connection()
        assert (of_any.packet.session, of_any.packet.text) == (3, LOGIN)
        insert(5)
        another.close()
    assert numbers() == [1, 2, 3, 4, 5]


def test_new_connections_are_refused_so_many_times(proxy, numbers):
    with proxy.between(connection):
        proxy.cut("before", "INSERT", refuse=2)
        cut_off(insert, 1)
        for _ in range(2):
            connection.close()
            cut_off(connection.ensure_connection)
        connection.close()
        insert(2)
    assert proxy.refused == 2
    assert numbers() == [2]


def test_new_connections_are_refused_until_something_has_happened_and_for_ever(proxy, numbers):
    with proxy.between(connection):
        again = threading.Event()
        proxy.refuse(again)
        cut_off(connection.ensure_connection)
        again.set()
        insert(1)
        proxy.refuse(threading.Event())
        insert(2)  # a connection that is there stays
        connection.close()
        cut_off(connection.ensure_connection)
    insert(3)
    assert numbers() == [1, 2, 3]


def test_a_server_that_goes_away_cuts_all_connections(proxy, numbers):
    with proxy.between(connection):
        another = connection.copy()
        another.ensure_connection()
        proxy.cut("after", "INSERT", refuse=threading.Event())
        cut_off(insert, 1)
        cut_off(another.cursor().execute, "SELECT 1")
        another.close()
    assert numbers() == [1]


def test_a_process_of_its_own_goes_through_it(proxy):
    through_it = proxy.settings(connection.settings_dict)
    assert forks.run("import_archive", "--list", **through_it)[0] == 0
    assert any("import_checkpoints" in packet.text for packet in proxy.packets)
    cut = proxy.cut("before", "FROM `?import_checkpoints")
    process = processes.start("import_archive", "--list", proxy=proxy)
    output, _ = process.communicate(timeout=60)
    assert cut.happened.is_set()
    assert process.returncode == 0
    assert "The database server (" in output  # is away, and is waited for


def test_it_is_told_when_a_moment_is_none(proxy):
    with pytest.raises(ValueError, match="neither before nor after"):
        proxy.cut("while", 1)
