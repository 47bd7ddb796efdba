"""A CSV that the browser saves: sent as it is read, so that memory stays flat however many rows it has."""

from collections.abc import Iterable, Iterator

from django.http import HttpRequest, StreamingHttpResponse

from warehouse.text import plain_name

PIECE_CHARACTERS = 65_536
# Of a piece. Whoever takes less than 1 kB a second has gone, and a thread of the web server would be held by it.
STALLED_AFTER_SECONDS = 60.0
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the code page of the machine: Parc AstÃ©rix


def csv_file(request: HttpRequest, lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """`lines` without their ends, as UTF-8; the file is called as `name`, made plain.

    What the iterable asks the database for, it is to ask for piece by piece: a client may stop reading at any time. One
    that has taken nothing for STALLED_AFTER_SECONDS is cut off, where the server lets us (gunicorn does).
    """
    connection = request.META.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STALLED_AFTER_SECONDS)  # until the request ends: gunicorn sets its own for the next
    response = StreamingHttpResponse(_pieces(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{plain_name(name)}.csv"'
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would keep all of it in a file first
    return response


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    piece, size = [BYTE_ORDER_MARK], 0
    for line in lines:
        piece.append(f"{line}\r\n")
        size += len(line)
        if size >= PIECE_CHARACTERS:
            yield "".join(piece).encode()
            piece, size = [], 0
    yield "".join(piece).encode()
