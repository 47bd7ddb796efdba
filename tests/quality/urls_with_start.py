"""The admin with the page on which an import is started, wherever that comes from: for following a link to it."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path


def start(request):
    lines = [f"{name}={value}" for name in sorted(request.GET) for value in request.GET.getlist(name)]
    return HttpResponse("<h1>Start import</h1><pre>" + "\n".join(lines) + "</pre>")


pages = [path("imports/start/", start, name="imports_start"), *admin.site.get_urls()]
urlpatterns = [path("admin/", include((pages, "admin"), namespace="admin"))]
