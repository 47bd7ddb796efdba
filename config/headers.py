"""What Django sends no header for: which of a browser's powers our pages use (none), and who may load what is ours; and
the one header that it reads without a look."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

NO_POWERS = ", ".join(
    f"{power}=()" for power in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)


class Headers:
    """The middleware, before all others: of static files and of /healthz, too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request) if _has_a_length(request) else HttpResponseBadRequest()
        answer.setdefault("Permissions-Policy", NO_POWERS)
        answer.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return answer


def _has_a_length(request: HttpRequest) -> bool:
    """Whether its body is as long as a number says. gunicorn lets nothing else in; of other servers it was an error."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isascii() and length.isdecimal() and len(length) < 20
