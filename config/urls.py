"""Every page is a page of the admin; the root leads there."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

handler500 = "config.server_away.handler500"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]
