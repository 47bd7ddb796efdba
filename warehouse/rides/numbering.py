"""Numbers for new rides, without holes: a snapshot_id has 20 bits for them.

The server's AUTO_INCREMENT loses a number with every try that is rolled back, and an import that fails a thousand
times with a thousand new rides would have used up all there are. Here a number that was rolled back is given again,
and one that ever was committed never is: facts have no foreign key, and would be another ride's.
"""

from django.db import connection
from django.db.models import Max

from warehouse.models import Ride, RideNumbering

THE_ROW = 1


def take_numbers(count: int) -> range:
    """So many ride_ids that nobody has, in order; to be called in the transaction in which their rides are made.

    Whoever else makes rides waits until that transaction has ended.
    """
    if count < 1:
        return range(0)
    with connection.cursor() as cursor:  # locks the row, and makes it where there is none
        cursor.execute(
            "INSERT INTO ride_numbering (numbering_id, last_ride_id) VALUES (%s, 0) "
            "ON DUPLICATE KEY UPDATE last_ride_id = last_ride_id",
            [THE_ROW],
        )
    first = highest_number() + 1
    RideNumbering.objects.filter(pk=THE_ROW).update(last_ride_id=first + count - 1)
    return range(first, first + count)


def highest_number() -> int:
    """The highest ride_id that was ever given, as far as it is committed or this transaction's own; 0: none."""
    given = RideNumbering.objects.filter(pk=THE_ROW).values_list("last_ride_id", flat=True).first() or 0
    return max(given, Ride.objects.aggregate(highest=Max("ride_id"))["highest"] or 0)
