"""The pages that are read from the replica, where there is one (warehouse.server.replica): history, facts, coverage.

Each says as of when it is. Who asks, and what they may, is looked up on the main server first: a right that was taken
away is gone at once.
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from warehouse.server import replica

#: names of addresses of the admin; each answers a GET and writes nothing
PAGES = frozenset(
    {
        "warehouse_park_over_time",
        "warehouse_park_day",
        "warehouse_ride_over_time",
        "warehouse_ridestatussnapshot_changelist",
        "warehouse_ridestatussnapshot_change",
        "warehouse_ridestatussnapshot_csv",
        "warehouse_queuedata_changelist",
        "warehouse_queuedata_change",
        "warehouse_queuedata_csv",
        "imports_importedfile_coverage",
    }
)
AS_OF_HEADER = "X-As-Of"


class ReplicaPages:
    """The middleware; the last one, since what is behind it is read elsewhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (reading := getattr(request, "reading", None)) is not None:
            response[AS_OF_HEADER] = reading.in_words()
        return response

    def process_view(
        self, request: HttpRequest, view: Callable, args: list, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """The page, made from the replica; None: it is made as usual."""
        match = request.resolver_match
        if not replica.is_set() or request.method not in ("GET", "HEAD") or match.url_name not in PAGES:
            return None
        if not request.user.is_authenticated:
            return None
        if not request.user.is_superuser:
            request.user.get_all_permissions()  # which it keeps
        request.reading = replica.state()  # before the page is made, which says it
        try:
            found, request.reading = replica.attempt(lambda: _made(request, view, args, kwargs), request.reading)
        except Http404:
            if not request.reading.behind:
                raise
            found, request.reading = None, replica.Reading(why="the read replica does not have this yet")
        return found and found[0]


def _made(request: HttpRequest, view: Callable, args: list, kwargs: dict[str, Any]) -> HttpResponseBase:
    """With all that its template asks for."""
    response = view(request, *args, **kwargs)
    if response.streaming:
        response.streaming_content = replica.each_from_the_replica(response.streaming_content)
    elif isinstance(response, HttpResponse) and callable(getattr(response, "render", None)):
        response = response.render()
    return response
