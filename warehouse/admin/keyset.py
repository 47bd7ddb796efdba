"""A list of any length, read in its order a few thousand rows at a time: each query begins behind the last row read.

The driver holds all rows of a query in memory, whatever the ORM's iterator() says, and an offset reads again what it
passes over. No query is open while the reader does something else.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import ExpressionWrapper, F, IntegerField, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django_mysql.models import EnumField

ROWS_AT_ONCE = 2_000


def in_pieces(queryset: QuerySet, ordering: Sequence[str | OrderBy], rows: int = ROWS_AT_ONCE) -> Iterator[list[Model]]:
    """The rows of `queryset` as lists of at most `rows`, by `ordering`, whose last field has to make it a total one.

    What is written meanwhile is read where it lies behind the last row; no row is read twice unless it moves there.
    """
    keys = [(f"key_{n}", *_read(each)) for n, each in enumerate(ordering)]
    queryset = queryset.order_by()
    for name, expression, _ in keys:
        queryset = queryset.annotate(**{name: expression})
        if isinstance(queryset.query.annotations[name].output_field, EnumField):
            # it is sorted by the place of the value in the list of values, and compared by its text
            place = ExpressionWrapper(expression + 0, IntegerField())
            queryset = queryset.annotate(**{name: place})
    queryset = queryset.order_by(*(f"-{name}" if descending else name for name, _, descending in keys))
    begin = Q()
    while piece := list(queryset.filter(begin)[:rows]):
        last = [(name, getattr(piece[-1], name), descending) for name, _, descending in keys]
        yield piece
        if len(piece) < rows:
            return
        begin = _behind(last)


def _read(ordering: str | OrderBy) -> tuple[Any, bool]:
    if isinstance(ordering, OrderBy):
        return ordering.expression, ordering.descending
    return F(ordering.removeprefix("-")), ordering.startswith("-")


def _behind(last: list[tuple[str, Any, bool]]) -> Q:
    """As the server sorts: NULL is the least of all."""
    found, same = Q(pk__in=[]), Q()
    for name, value, descending in last:
        if value is None:
            behind = Q(pk__in=[]) if descending else Q(**{f"{name}__isnull": False})
            here = Q(**{f"{name}__isnull": True})
        else:
            behind = Q(**{f"{name}__{'lt' if descending else 'gt'}": value})
            if descending:
                behind |= Q(**{f"{name}__isnull": True})
            here = Q(**{name: value})
        found |= same & behind
        same &= here
    return found
