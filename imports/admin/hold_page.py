"""That the API asked to be left alone: until when, in which words, and an operator's way to ask again before."""

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from imports.admin.import_pages import may_operate
from imports.api.pace import ApiPace, Hold


def holds() -> list[Hold]:
    """Those of the API that the settings name."""
    return ApiPace.holds(settings.THEMEPARKS_API_URL)


def hold_view(request: HttpRequest, context: dict, *, may_view: bool) -> HttpResponse:
    """What holds, and for operators the button that ends it; POST ends it. `context`: of the admin site."""
    if not (may_operate(request) or may_view):
        raise PermissionDenied
    if request.method == "POST":
        if not may_operate(request):
            raise PermissionDenied
        _lift(request)
        return redirect("admin:imports_livecollection_changelist")
    context |= {"title": "Hold of the API", "holds": holds(), "may_operate": may_operate(request)}
    return TemplateResponse(request, "imports/hold.html", context)


def _lift(request: HttpRequest) -> None:
    lifted = ApiPace.lift(settings.THEMEPARKS_API_URL)
    if not lifted:
        messages.info(request, "Nothing changed: the API may be asked.")
        return
    for hold in lifted:
        said = f"Hold lifted. {hold}"
        pace = ApiPace.objects.get(pk=hold.row_of(settings.THEMEPARKS_API_URL))
        LogEntry.objects.log_actions(request.user.pk, [pace], CHANGE, said, single_object=True)
        messages.success(request, f"The hold is lifted, and the next job asks again. It was: {hold}")
